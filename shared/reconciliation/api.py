"""What partners tell of redemptions, and what is asked of their reconciliation."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from shared.kernel.ids import CampaignId, RedemptionId
from shared.kernel.money import to_minor
from shared.kernel.wire import Amount, Currency, ExternalId, Minor, Moment, Wire
from shared.reconciliation.model import Break

Partner = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
"""A partner by the name that its files bear."""
RecordName = Literal["partner", "settlement", "cards"]
KindName = Literal["late", "missing", "duplicate", "reversed", "amount"]


class PartnerLine(Wire):
    """What a partner says of one redemption: that it is confirmed or settled, or that it takes that back.

    Of several things said under one reference the latest by its moment holds.
    """

    reference: ExternalId
    """The partner's own name of the line."""
    redemption_id: RedemptionId
    amount: Amount
    currency: Currency
    at: Moment
    state: Literal["confirmed", "reversed"] = "confirmed"

    @property
    def amount_minor(self) -> int:
        """In minor units."""
        return to_minor(self.amount, self.currency)

    @model_validator(mode="after")
    def _amount_fits_the_currency(self) -> Self:
        to_minor(self.amount, self.currency)
        return self


class ReconciliationAsked(Wire):
    """What is to be reconciled: redemptions earned in a period, of one campaign or of all that the partner ever told of."""

    partner: Partner
    earned_from: Moment
    earned_to: Moment
    """The first moment that is not in the period."""
    campaign_id: CampaignId | None = None
    """Where it is left out, what the partner says of redemptions that we don't have is reconciled as well."""
    late_days: Annotated[int, Field(ge=0, le=365)] = 3
    """How long a record may say nothing before it is missing."""
    after: RedemptionId | None = None
    """Go on after this redemption: `next` of the page before."""
    limit: Annotated[int, Field(ge=1, le=20_000)] = 1_000


class BreakView(Wire):
    """One record of a redemption that differs from ours."""

    redemption_id: RedemptionId
    record: RecordName
    kind: KindName
    ours_minor: Minor | None
    """Null where we have no such redemption."""
    theirs_minor: Minor | None
    """Null where the record says nothing of it."""
    difference_minor: Minor
    """How much more theirs is."""
    currency: Currency
    times: int
    """How many lines theirs is of."""

    @classmethod
    def of(cls, found: Break) -> "BreakView":
        """Show a break."""
        ours, theirs = found.ours, found.theirs
        side = theirs or ours
        return cls.model_validate(
            {
                "redemption_id": found.redemption_id,
                "record": found.record.value,
                "kind": found.kind.value,
                "ours_minor": ours.amount_minor if ours else None,
                "theirs_minor": theirs.amount_minor if theirs else None,
                "difference_minor": found.difference_minor,
                "currency": side.currency if side else "",
                "times": theirs.times if theirs else 0,
            }
        )


class BreakCount(Wire):
    """How many breaks of a kind a page has, and how much more or less theirs is, in one currency."""

    record: RecordName
    kind: KindName
    currency: Currency
    breaks: int
    difference_minor: Minor


class RecordTotal(Wire):
    """What a record comes to in the whole period, in one currency."""

    record: Literal["ours", "partner", "settlement", "cards"]
    currency: Currency
    redemptions: int
    amount_minor: Minor


class Reconciliation(Wire):
    """Where records differ from ours, in order of the redemptions, with what each record comes to."""

    totals: list[RecordTotal]
    counts: list[BreakCount]
    """Of this page."""
    breaks: list[BreakView]
    next: RedemptionId | None
    """To be sent as `after` for the next page; null where this is the last."""
