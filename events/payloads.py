"""The shapes of events: past facts, in batches of one customer shard where they are many."""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from shared.kernel.ids import CampaignId, CreditId, GrantId, OfferId, RedemptionId, SegmentId
from shared.kernel.money import to_minor
from shared.kernel.wire import (
    Amount,
    BasisPoints,
    City,
    Country,
    Currency,
    Descriptor,
    ExternalId,
    Image,
    Language,
    LongText,
    Mcc,
    Minor,
    Moment,
    Network,
    PurchaseChannel,
    Region,
    Text,
    VariantName,
    Wire,
)

MAX_BATCH = 5_000
MAX_ITEMS = 1_000
MAX_SEQUENCE = 999

Shard = Annotated[int, Field(ge=0, lt=1024)]
FileStep = Literal["read", "withdraw", "apply"]
ObjectName = Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=r"^[^\x00-\x1f\x7f\\]+$")]
ChannelName = Literal["email", "social", "in_app", "web", "sms", "statement"]


class CampaignWentLive(Wire):
    """A campaign began, or its offers may be launched again after new ones were approved."""

    campaign_id: CampaignId
    live_at: Moment


class CampaignEnded(Wire):
    """A campaign is over, by time or by command."""

    campaign_id: CampaignId
    ended_at: Moment
    cancelled: bool


class OfferApproved(Wire):
    """A second person approved a version of an offer."""

    offer_id: OfferId
    campaign_id: CampaignId
    version: int
    reason: Text | None = None


class OfferTurnedDown(Wire):
    """A second person did not approve a version of an offer: it was sent back for changes, or rejected."""

    offer_id: OfferId
    campaign_id: CampaignId
    version: int
    decision: Literal["changes_requested", "rejected"]
    reason: Text


class OfferWentLive(Wire):
    """An offer began; its audience is to be given grants as of `live_at`."""

    offer_id: OfferId
    campaign_id: CampaignId
    version: int
    live_at: Moment
    segments_in: list[SegmentId]
    segments_out: list[SegmentId]
    holdout: BasisPoints
    variants: list["VariantDrawn"] = Field(default_factory=list)
    content: list["RolloutContent"]


class VariantDrawn(Wire):
    """Who is given a variant: the first that has a segment of the customer."""

    name: VariantName
    segments: list[SegmentId]


class RolloutContent(Wire):
    """What is shown on one channel in one language."""

    channel: ChannelName
    language: Language
    title: Text
    text: Text
    terms: LongText | None = None
    images: list[Image] = Field(default_factory=list)
    variant: VariantName | None = None
    """Whom it is for: customers with grants of this variant; where not given, those whose variant has no content of its own."""


class OfferRolledOut(Wire):
    """An offer's grants exist and one channel's system may take it to its customers."""

    offer_id: OfferId
    campaign_id: CampaignId
    version: int
    channel: ChannelName
    grants: int
    content: list[RolloutContent]


class HistoriesChanged(Wire):
    """Facts other than purchases changed the histories of these customers and offers: fold them again."""

    shard: Shard
    pairs: Annotated[list[tuple[ExternalId, OfferId]], Field(min_length=1, max_length=MAX_BATCH)]
    why: Text


class CardsChanged(Wire):
    """What is known of these cards, or of what was paid with them, changed: see anew whose their purchases are."""

    card_tokens: Annotated[list[ExternalId], Field(min_length=1, max_length=MAX_BATCH)]


class PlacesTold(Wire):
    """More is told of these places than was known: match what was bought there anew, in order of ids, from after the one named."""

    location_ids: Annotated[list[ExternalId], Field(min_length=1, max_length=MAX_BATCH)]
    after: ExternalId | None = None


class BasketItem(Wire):
    """One line of a basket."""

    product: ExternalId
    amount: Amount


class PurchaseSaid(Wire):
    """What is said of a purchase, posted or asked about. Amounts: minor units, or exact decimals in major units as strings."""

    transaction_id: ExternalId
    at: Moment
    currency: Currency
    amount: Amount
    """All that was charged."""
    tip: Amount | None = None
    """What of the amount was a tip, as the next two were tax and cash-back at the till."""
    tax: Amount | None = None
    cash_back: Amount | None = None
    merchant_id: ExternalId | None = None
    """The merchant's own id, or the one that its acquirer gave it. One of this, the network's id and the descriptor must be said."""
    network: Network | None = None
    network_merchant_id: ExternalId | None = None
    """The card network's own id of the merchant."""
    descriptor: Descriptor | None = None
    """What the card statement calls the merchant."""
    location_id: ExternalId | None = None
    mcc: Mcc | None = None
    channel: PurchaseChannel | None = None
    country: Country | None = None
    """Where it was made; the location's where not given, as the region and the city are."""
    region: Region | None = None
    city: City | None = None
    card_product: ExternalId | None = None
    """The kind of card that was paid with; the card's where not given."""
    card_token: ExternalId | None = None
    """The card that was paid with. Whose it was at that moment, and which account's, the cards tell."""
    items: Annotated[list[BasketItem], Field(max_length=MAX_ITEMS)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _decimals_fit_the_currency(self) -> Self:
        for amount in (self.amount, self.tip, self.tax, self.cash_back, *(item.amount for item in self.items)):
            if isinstance(amount, str):
                to_minor(amount, self.currency)
        return self

    @model_validator(mode="after")
    def _names_its_merchant(self) -> Self:
        if self.merchant_id is None and self.network_merchant_id is None and self.descriptor is None:
            raise ValueError("one of merchant_id, network_merchant_id and descriptor must be given")
        return self


MessageKind = Literal["purchase", "authorization", "clearing", "reversal", "decline", "expiry", "refund"]


class Transaction(PurchaseSaid):
    """What the bank says of a card purchase: a message of its life, each in any order and any number of times.

    Authorisations, clearings, reversals and declines of one purchase have its `transaction_id` and tell themselves apart by `sequence`;
    `at` is when the purchase was made in all of them. A refund has an id of its own, and `at` is when it was given.
    """

    kind: MessageKind = "purchase"
    """`purchase` is authorised and cleared in one message. Of an `expiry` Clo tells itself when no clearing came in time."""
    sequence: Annotated[int, Field(ge=0, le=MAX_SEQUENCE)] = 0
    sequence_count: Annotated[int, Field(ge=1, le=999)] | None = None
    """Of a clearing: how many there are to be. Where not given, it is the last."""
    posted_at: Moment | None = None
    """When it was posted to the account, from where holds count; the moment of the purchase where not given."""
    expires_at: Moment | None = None
    """Of an authorisation: until when it may be cleared; ten days after the purchase where not given."""
    original_transaction_id: ExternalId | None = None
    """Of a refund: the purchase that it is for. Where not given, it is matched by customer, card, merchant, currency and amount."""
    customer_id: ExternalId | None = None
    """Whose purchase it is, whatever the cards tell; whose the card was at that moment where not given."""

    @property
    def purchase_id(self) -> str | None:
        """The purchase that it is about; None of a refund that does not say."""
        return self.original_transaction_id if self.kind == "refund" else self.transaction_id

    @model_validator(mode="after")
    def _says_what_its_kind_says(self) -> Self:
        for name, kind in OF_KIND.items():
            if self.kind != kind and getattr(self, name) is not None:
                raise ValueError(f"{name} is only said of a message of kind {kind}")
        if self.kind in {"purchase", "refund"} and self.sequence:
            raise ValueError(f"a message of kind {self.kind} has no sequence")
        if self.customer_id is None and self.card_token is None:
            raise ValueError("needs a customer_id or a card_token")
        return self


OF_KIND: Final = {"sequence_count": "clearing", "expires_at": "authorization", "original_transaction_id": "refund"}
"""Which kind of message alone says what."""


class FileOrigin(Wire):
    """The revision of a file."""

    file_id: ExternalId
    revision: Annotated[int, Field(ge=1, le=99_999)]


class TransactionsPosted(Wire):
    """What was said of purchases of the customers of one shard, as it was accepted."""

    shard: Shard
    file: FileOrigin | None = None
    """The file that told it, if one did: what its later revisions tell otherwise, or tell no more, goes before."""
    again: bool = False
    """Whether Clo tells it once more, to another shard or as it has waited, or of itself: nobody has told anything new."""
    transactions: Annotated[list[Transaction], Field(min_length=1, max_length=MAX_BATCH)]


class MessageNamed(Wire):
    """One message about a purchase."""

    transaction_id: ExternalId
    kind: MessageKind = "purchase"
    sequence: Annotated[int, Field(ge=0, le=MAX_SEQUENCE)] = 0


class TransactionsWithdrawn(Wire):
    """What a file told in an earlier revision and tells no more, of the customers of one shard as it told them then."""

    shard: Shard
    file: FileOrigin
    """The revision that does not tell it any more."""
    messages: Annotated[list[MessageNamed], Field(min_length=1, max_length=MAX_BATCH)]


class RecordedRedemption(Wire):
    """Where a redemption stands after a change."""

    redemption_id: RedemptionId
    grant_id: GrantId
    offer_id: OfferId
    campaign_id: CampaignId
    customer_id: ExternalId
    completion: ExternalId
    """Which completion of the grant: the purchase where each stands alone, else the number of those that purchases reach together."""
    state: Literal["pending", "held", "payable", "paid", "reversed", "rejected"]
    reward_minor: Minor
    """What is promised."""
    earned_minor: Minor
    """What of that has cleared."""
    currency: Currency
    payable_at: Moment
    reason: str | None = None


class RedemptionsRecorded(Wire):
    """Redemptions of one shard that were new or changed."""

    shard: Shard
    redemptions: Annotated[list[RecordedRedemption], Field(min_length=1)]


class PayoutsDue(Wire):
    """Redemptions of one shard whose hold is over."""

    shard: Shard
    redemption_ids: Annotated[list[RedemptionId], Field(min_length=1)]


class StatementCredit(Wire):
    """An instruction to the card system: credit this much to the customer's card account."""

    credit_id: CreditId
    redemption_id: RedemptionId
    customer_id: ExternalId
    amount_minor: Minor
    currency: Currency


class StatementCreditsInstructed(Wire):
    """Statement credits of the customers of one shard."""

    shard: Shard
    credits: Annotated[list[StatementCredit], Field(min_length=1)]


class Impression(Wire):
    """One offer served to, viewed or clicked by one customer."""

    impression_id: ExternalId
    kind: Literal["served", "viewed", "clicked"]
    customer_id: ExternalId
    offer_id: OfferId
    channel: ChannelName
    placement: ExternalId
    at: Moment
    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    """Of the offer, as it was shown."""
    variant: VariantName | None = None


class ImpressionsLogged(Wire):
    """Impressions of the customers of one shard, as they were accepted."""

    shard: Shard
    impressions: Annotated[list[Impression], Field(min_length=1, max_length=MAX_BATCH)]


class ScheduleTicked(Wire):
    """Time went by: whatever is due now is to be done."""

    at: Moment
