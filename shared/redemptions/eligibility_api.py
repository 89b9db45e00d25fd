"""What is asked about eligibility, and what is answered."""

from typing import Annotated, Final, Literal, NamedTuple, Self
from uuid import UUID

from pydantic import Field, model_validator

from events.payloads import PurchaseSaid, Transaction
from shared.eligibility.model import Before, RuleResult
from shared.kernel.errors import Problem
from shared.kernel.ids import CampaignId, GrantId, OfferId, RedemptionId
from shared.kernel.wire import Currency, ExternalId, Minor, Moment, ReasonView, Wire

ASKED: Final = "asked"
MOST_MESSAGES: Final = 20
NOBODYS_CARD: Final = Problem(path="/purchase/card_token", message="is no card that a customer is known to have held at that moment")


class PurchaseAsked(PurchaseSaid):
    """A purchase, made or thought of. With the id of one that was made, it takes that one's place."""

    transaction_id: ExternalId = ASKED


class AboutPurchase(NamedTuple):
    """Whose purchase a question tells the facts of, and which offer it names."""

    customer_id: str | None
    offer_id: UUID | None
    purchase: PurchaseAsked


class EligibilityAsked(Wire):
    """Whom it is about, which offer (all that the purchase is for, when none is named), and the purchase: its facts, its id, or messages.

    A purchase is always judged by what held when it was made; `as_of` says by what was known of that.
    """

    customer_id: ExternalId | None = None
    """Of a purchase on record whose it is, of another one whoever held its card at its moment, where not given."""
    offer_id: OfferId | None = None
    purchase: PurchaseAsked | None = None
    transaction_id: ExternalId | None = None
    """A purchase that is on record, or a refund of it: judged as it is recorded, with what was decided of it and why."""
    messages: Annotated[list[Transaction], Field(min_length=1, max_length=MOST_MESSAGES)] | None = None
    """Messages about one purchase, as they are posted: it is judged as if they had come too, beside what is on record of it."""
    as_of: Moment | None = None
    """Judge by what was known at this moment, not by what is known now: what was recorded later is left out."""

    @model_validator(mode="after")
    def _names_one_purchase(self) -> Self:
        if (self.purchase, self.transaction_id, self.messages).count(None) != 2:  # noqa: PLR2004  (all but one)
            raise ValueError("must hold one of purchase, transaction_id and messages")
        if self.purchase and self.customer_id is None and self.purchase.card_token is None:
            raise ValueError("needs a customer_id or a card_token of the purchase")
        if self.messages and len({(message.customer_id, message.purchase_id) for message in self.messages}) > 1:
            raise ValueError("messages must be about one purchase of one customer")
        return self

    @property
    def about(self) -> AboutPurchase | None:
        """What it says of a purchase; None where it names one on record."""
        return AboutPurchase(self.customer_id, self.offer_id, self.purchase) if self.purchase else None


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


class RecordEvent(Wire):
    """One thing that was decided about a redemption of the purchase, or done with its money."""

    at: Moment
    what: Literal[
        "promised", "earned", "refused", "adjusted", "reversed", "moved", "instructed", "paid", "failed", "returned", "set_off", "recovered"
    ]
    """`moved`: another purchase completes it now. `set_off`: kept for a debt of the customer. `recovered`: so much of a debt was."""
    redemption_id: RedemptionId
    offer_id: OfferId
    grant_id: GrantId
    version: int
    """Under which version of the offer's terms."""
    amount_minor: Minor
    """What is promised from then on, or what was moved."""
    currency: Currency
    reason: ReasonView | None


class KnownSince(Wire):
    """One thing that was recorded after the decision and that the decision depends on."""

    what: str
    """The kind of a message about the purchase, or: grant, activation, consent, opt_out, zone, version, withdrawal, campaign,
    correction, match (to a merchant, anew), place (of which more was told), restated, withdrawn or told_again (by revisions of a file),
    others."""
    offer_id: OfferId | None
    recorded_at: Moment
    told: str
    """It in a sentence."""


class Record(Wire):
    """What is on record of a purchase: what was decided when it became known, what came of that, and what became known since."""

    transaction_id: ExternalId
    at: Moment
    recorded_at: Moment
    """When it became known and was decided."""
    amount_minor: Minor
    """What stands of it: authorised or cleared, and not refunded."""
    currency: Currency
    merchant_id: str | None
    """The merchant that it is matched to."""
    decided: list[VerdictView]
    """The verdicts then, by what was known then."""
    events: list[RecordEvent]
    known_since: list[KnownSince]
    differs: bool
    """Whether it would be decided otherwise by what is known now."""
    summary: str
    """What was decided, what would be decided, and what became known in between, in words."""


class Eligibility(Wire):
    """Verdicts in the order of offers and grants; `eligible` when any of them pays."""

    customer_id: ExternalId
    as_of: Moment
    """By what was known at this moment it is judged."""
    merchant_id: str | None
    """The merchant that the purchase is matched to: one on record as it was filed, any other by what was known of merchants at `as_of`."""
    matched_by: str
    """What told the merchant: `merchant_id`, `acquirer`, `network` or `descriptor`; or the code of the reason why none of them did."""
    on_record: bool
    """Whether a purchase of this id is on record; those in the scope of no offer are not."""
    eligible: bool
    verdicts: list[VerdictView]
    record: Record | None = None
    """Of a purchase that was asked for by its id."""
