"""What the card system tells of statement credits, and what people ask of payouts."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from shared.kernel.ids import CampaignId, CreditId, OfferId, RedemptionId
from shared.kernel.money import to_minor
from shared.kernel.wire import Amount, Currency, ExternalId, Minor, Moment, Wire

FailureCode = Literal["account_closed", "account_unknown", "card_unknown", "account_blocked", "limit", "technical", "other"]
"""Why a credit failed or came back. The first three are met by another try as well: a person says when there is to be one."""


class PayoutResult(Wire):
    """What became of one statement credit. Told again it changes nothing; of several things told the latest by its moment holds."""

    credit_id: CreditId
    result: Literal["paid", "failed", "returned"]
    at: Moment
    """When it was paid, failed or came back; never in the future."""
    amount: Amount
    """All of the credit, as it was instructed."""
    currency: Currency
    code: FailureCode | None = None
    """Why it failed or came back."""

    @property
    def amount_minor(self) -> int:
        """In minor units."""
        return to_minor(self.amount, self.currency)

    @model_validator(mode="after")
    def _amount_fits_the_currency(self) -> Self:
        to_minor(self.amount, self.currency)
        return self

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        if (self.code is None) != (self.result == "paid"):
            raise ValueError("code is said of what failed or came back, and of nothing else")
        return self


class WaitsQuery(Wire):
    """Which redemptions are asked for of those that could not be paid."""

    for_a_person: bool = False
    """Only those that are not tried again by themselves."""
    after: RedemptionId | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class WaitView(Wire):
    """A redemption that is owed and was not paid: its credit failed or came back."""

    redemption_id: RedemptionId
    customer_id: ExternalId
    offer_id: OfferId
    campaign_id: CampaignId
    owed_minor: Minor
    currency: Currency
    code: str
    """Why, the last time."""
    failures: int
    since: Moment
    due_at: Moment | None
    """When it is tried again; null where a person must say so."""


class Waits(Wire):
    """Redemptions that wait to be paid again, longest first."""

    waits: list[WaitView]
    next: RedemptionId | None
    """To be sent as `after` for the next page; null where this is the last."""


class RetryAsked(Wire):
    """That a payout is to be tried again at once."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class RetryTold(Wire):
    """The payout is being tried again."""

    redemption_id: RedemptionId
