"""What is asked about eligibility, and what is answered."""

from typing import Final, Self

from pydantic import model_validator

from events.payloads import PurchaseSaid
from shared.eligibility.model import Before, RuleResult
from shared.kernel.errors import Problem
from shared.kernel.ids import CampaignId, GrantId, OfferId
from shared.kernel.wire import Currency, ExternalId, Minor, Moment, Wire

ASKED = "asked"
NOBODYS_CARD: Final = Problem(path="/purchase/card_token", message="is no card that a customer is known to have held at that moment")


class PurchaseAsked(PurchaseSaid):
    """A purchase, made or thought of. With the id of one that was made, it takes that one's place."""

    transaction_id: ExternalId = ASKED


class EligibilityAsked(Wire):
    """Whom it is about, which offer (all in whose scope the purchase falls, when none is named), and the purchase.

    A purchase is always judged by what held when it was made; `as_of` says by what was known of that.
    """

    customer_id: ExternalId | None = None
    """Whoever held the purchase's card at its moment, where not given."""
    offer_id: OfferId | None = None
    purchase: PurchaseAsked
    as_of: Moment | None = None
    """Judge by what was known at this moment, not by what is known now: what was recorded later is left out."""

    @model_validator(mode="after")
    def _is_about_somebody(self) -> Self:
        if self.customer_id is None and self.purchase.card_token is None:
            raise ValueError("needs a customer_id or a card_token of the purchase")
        return self


class ReasonView(Wire):
    """A reason code with its sentences."""

    code: str
    support: str
    customer: str


class VerdictView(Wire):
    """The answer for one grant, or for the offer where the customer holds none."""

    offer_id: OfferId
    campaign_id: CampaignId
    grant_id: GrantId | None
    version: int | None
    variant: str | None
    """By whose terms, where a variant's."""
    eligible: bool
    reward_minor: Minor
    currency: Currency
    before: Before
    budget_left_minor: Minor
    """What the campaign's budget could still cover at the moment by whose knowledge it is judged."""
    rules: tuple[RuleResult, ...]
    reasons: list[ReasonView]


class Eligibility(Wire):
    """Verdicts in the order of offers and grants; `eligible` when any of them pays."""

    customer_id: ExternalId
    as_of: Moment
    """By what was known at this moment it is judged."""
    merchant_id: str | None
    """The merchant that the purchase is matched to, by what is known of merchants now."""
    matched_by: str
    """What told the merchant: `merchant_id`, `acquirer`, `network` or `descriptor`; or the code of the reason why none of them did."""
    eligible: bool
    verdicts: list[VerdictView]
