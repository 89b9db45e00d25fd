"""What callers send and get about claims."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from events.payloads import PurchaseSaid
from shared.claims.model import Claim, Given, Known, Suggestion
from shared.kernel.ids import ClaimId, CorrectionId, GrantId, OfferId, RedemptionId
from shared.kernel.reasons import BY_CODE
from shared.kernel.resolutions import Resolution
from shared.kernel.trail import ChangeView
from shared.kernel.wire import Amount, Currency, ExternalId, Minor, Moment, Text, Wire
from shared.redemptions.eligibility_api import Eligibility

ClaimState = Literal["opened", "in_review", "accepted", "rejected", "withdrawn"]
RejectedAs = Literal["paid_already", "on_its_way", "not_eligible", "purchase_not_received"]


class ClaimAsked(Wire):
    """A purchase that should have earned, as the customer tells of it: under one offer, or under any."""

    customer_id: ExternalId
    offer_id: OfferId | None = None
    purchase: PurchaseSaid
    reason: Text


class ClaimReason(Wire):
    """Why a claim is looked into or withdrawn, kept in its history."""

    reason: Text


class AcceptanceAsked(Wire):
    """What the customer is to have: a redemption forced for a grant, or more of one that there is. A second person decides it."""

    grant_id: GrantId | None = None
    redemption_id: RedemptionId | None = None
    amount: Amount
    reason: Text

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.grant_id is None) == (self.redemption_id is None):
            raise ValueError("must name either a grant_id or a redemption_id")
        return self


class RejectionAsked(Wire):
    """Why a claim comes to nothing; what was found must bear it out."""

    resolution: RejectedAs
    reason_code: str | None = None
    """Of `not_eligible`: one of the reasons that were found; the first where none is named."""
    reason: Text


class ClaimView(Wire):
    """A claim as it is now."""

    claim_id: ClaimId
    customer_id: str
    offer_id: OfferId | None
    purchase: PurchaseSaid
    reason: str
    state: ClaimState
    opened_by: str
    opened_at: Moment
    due_at: Moment
    """An answer is due by the end of the tenth working day."""
    overdue_at: Moment | None
    """When it was found to be overdue."""
    resolution: str | None
    reason_code: str | None
    correction_id: CorrectionId | None
    told: str | None
    """What the customer is told of the resolution."""

    @classmethod
    def of(cls, claim: Claim) -> "ClaimView":
        """Show a claim."""
        names = (name for name in cls.model_fields if name not in {"purchase", "state", "resolution", "told"})
        return cls(
            purchase=PurchaseSaid.model_validate_json(claim.said),
            state=claim.state.value,
            resolution=claim.resolution.code if claim.resolution else None,
            told=_told(claim),
            **{name: getattr(claim, name) for name in names},
        )


class GivenView(Wire):
    """What was on record for the purchase."""

    redemption_id: RedemptionId
    grant_id: GrantId
    offer_id: OfferId
    state: str
    reward_minor: Minor
    currency: Currency
    reason: str | None


class Finding(Wire):
    """What was known when a claim was opened, or looked into: it stays as it was then."""

    at: Moment
    on_file: bool
    """Whether the purchase had reached us. If so it is judged as it is on file, else as the customer tells of it."""
    given: list[GivenView]
    verdict: Eligibility
    suggested: str | None
    """The resolution that this asks for; null where somebody must look."""
    suggested_reason: str | None

    @classmethod
    def of(cls, verdict: Eligibility, given: list[GivenView], suggestion: Suggestion | None, *, on_file: bool) -> "Finding":
        """What is known now."""
        return cls(
            at=verdict.as_of,
            on_file=on_file,
            given=given,
            verdict=verdict,
            suggested=suggestion.resolution.code if suggestion else None,
            suggested_reason=suggestion.reason_code if suggestion else None,
        )

    @property
    def known(self) -> Known:
        """What of it decides."""
        return known(self.verdict, self.given, on_file=self.on_file)


class ClaimDetail(Wire):
    """A claim with all that was found, newest last, and who did what when and why."""

    claim: ClaimView
    findings: list[Finding]
    history: list[ChangeView]


class ClaimsQuery(Wire):
    """Which claims: of a customer, in a state, overdue ones. `after` is the last of the page before."""

    customer_id: ExternalId | None = None
    state: ClaimState | None = None
    overdue: bool | None = None
    """Still open and past their due date (true), or not (false)."""
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    after: ClaimId | None = None


class Claims(Wire):
    """Claims by id, which is the order in which they were opened but for the same millisecond."""

    claims: list[ClaimView]


def known(verdict: Eligibility, given: list[GivenView], *, on_file: bool) -> Known:
    """What of a finding decides about a claim."""
    reasons = dict.fromkeys(reason.code for view in verdict.verdicts for reason in view.reasons)
    was_given = [Given(one.state, one.reward_minor, one.reason) for one in given]
    return Known(on_file=on_file, given=was_given, eligible=verdict.eligible, reasons=list(reasons))


def _told(claim: Claim) -> str | None:
    if claim.resolution is Resolution.NOT_ELIGIBLE and claim.reason_code:
        return BY_CODE[claim.reason_code].customer
    return claim.resolution.customer if claim.resolution else None
