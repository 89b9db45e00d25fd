"""What callers send and get about corrections."""

from typing import Annotated, Literal

from pydantic import Field

from shared.corrections.model import Correction
from shared.kernel.ids import CorrectionId, GrantId, OfferId, RedemptionId
from shared.kernel.trail import ChangeView
from shared.kernel.wire import Amount, Currency, ExternalId, Minor, Moment, Text, Wire

CorrectionState = Literal["requested", "approved", "rejected"]


class ForcedAsked(Wire):
    """A redemption that the terms do not give, for one purchase and grant. Of a purchase not on file tell moment, merchant and amount."""

    grant_id: GrantId
    transaction_id: ExternalId
    reward: Amount
    """What it gives at least; more where the purchase earns more after all."""
    at: Moment | None = None
    merchant_id: ExternalId | None = None
    amount: Amount | None = None
    """What a purchase that is not on file came to: once refunds that name it give back as much, the redemption is taken back."""
    reason: Text


class AdjustmentAsked(Wire):
    """A change of what a redemption gives: raised or lowered by an amount, at most by all of it."""

    redemption_id: RedemptionId
    change: Literal["raise", "lower"]
    amount: Amount
    reason: Text


class DecisionReason(Wire):
    """Why a correction is approved or rejected, kept in its history."""

    reason: Text


class CorrectionView(Wire):
    """A correction as it is now."""

    correction_id: CorrectionId
    kind: Literal["force", "adjust"]
    customer_id: str
    offer_id: OfferId
    grant_id: GrantId
    completion: str
    redemption_id: RedemptionId
    amount_minor: Minor
    """Of a forced redemption what it gives at least; of an adjustment how much more or, negative, less."""
    currency: Currency
    at: Moment
    transaction_id: str
    merchant_id: str | None
    purchase_minor: Minor | None
    """What a purchase that was not on file came to, as it was told."""
    state: CorrectionState
    requested_by: str
    requested_at: Moment
    reason: str
    decided_by: str | None
    decided_at: Moment | None
    decision_reason: str | None

    @classmethod
    def of(cls, correction: Correction) -> "CorrectionView":
        """Show a correction."""
        names = (name for name in cls.model_fields if name not in {"kind", "state"})
        return cls(kind=correction.kind.value, state=correction.state.value, **{name: getattr(correction, name) for name in names})


class CorrectionDetail(Wire):
    """A correction with who did what when and why, oldest first."""

    correction: CorrectionView
    history: list[ChangeView]


class CorrectionsQuery(Wire):
    """Which corrections: of a customer, in a state; of all customers where none is named. `after` is the last of the page before."""

    customer_id: ExternalId | None = None
    state: CorrectionState | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    after: CorrectionId | None = None


class Corrections(Wire):
    """Corrections by id, which is the order in which they were asked for but for the same millisecond."""

    corrections: list[CorrectionView]
