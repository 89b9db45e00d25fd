"""The language in which an offer's terms are written. A stored term has been validated and can't fail at evaluation."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from shared.kernel.ids import CampaignId, SegmentId
from shared.kernel.money import Rounding
from shared.kernel.wire import (
    Amount,
    BasisPoints,
    Country,
    Currency,
    ExternalId,
    Image,
    Language,
    LongText,
    PurchaseChannel,
    Region,
    Text,
    VariantName,
    Wire,
)

MAX_CODES = 50_000


def _calendar(text: str) -> str:
    datetime.fromisoformat(text)
    return text


LocalTime = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?)?$"), AfterValidator(_calendar)
]
"""A local date ("2017-04-09") or date and time ("2017-04-09T18:30") without offset; the window's zone gives it its place."""

MccRange = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}(-[0-9]{4})?$")]
"""One merchant category code ("5411"), or all from one to another, both included ("5411-5499")."""

LocalDate = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_calendar)]
"""A local date: "2017-04-09"."""

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

TimeSpan = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
"""From a time of day up to, not including, another: "09:00-12:30", "18:00-24:00". "22:00-02:00" runs past midnight."""

Duration = Annotated[str, StringConstraints(pattern=r"^P[1-9][0-9]{0,3}D$")]
"""Whole days, ISO 8601: "P10D"."""

Codes = Annotated[list[ExternalId], Field(min_length=1, max_length=MAX_CODES)]


class Operator(Enum):
    """How an amount is held against a threshold."""

    AT_LEAST = ">="
    MORE_THAN = ">"


class FixedReward(Wire):
    """The same amount for each redemption."""

    kind: Literal["fixed"]
    amount: Amount


class PercentReward(Wire):
    """A share of the qualifying amount, at least the minimum and at most the cap."""

    kind: Literal["percent"]
    basis_points: Annotated[int, Field(ge=1, le=10_000)]
    minimum: Amount | None = None
    cap: Amount | None = None
    rounding: Rounding = Rounding.HALF_UP


class Tier(Wire):
    """What is paid from a qualifying amount on, until the next tier's: a share, or (of whole amounts) a fixed amount."""

    reached: Amount
    basis_points: Annotated[int, Field(ge=1, le=10_000)] | None = None
    amount: Amount | None = None


class TieredReward(Wire):
    """More for more: the tier that the amount reaches pays on all of it (`whole`), or each tier on its own slice (`marginal`)."""

    kind: Literal["tiers"]
    on: Literal["whole", "marginal"]
    tiers: Annotated[list[Tier], Field(min_length=1, max_length=20)]
    minimum: Amount | None = None
    cap: Amount | None = None
    rounding: Rounding = Rounding.HALF_UP


Reward = Annotated[FixedReward | PercentReward | TieredReward, Field(discriminator="kind")]


class Qualification(Wire):
    """What must be spent: in one purchase, in all purchases since the grant taken together, or so much in each of several visits."""

    kind: Literal["single_purchase", "cumulative_spend", "visits"]
    threshold: Amount = 0
    operator: Operator = Operator.AT_LEAST
    maximum: Amount | None = None
    """A purchase of more than this does not count."""
    base: Literal["total", "subtotal"] = "total"
    """Of a purchase without a list of products: all of its amount, or that without tip and tax. Cash-back at the till never counts."""
    visits: Annotated[int, Field(ge=2, le=1000)] | None = None
    """So many purchases complete a grant; only for visits, where it must be given. The reward is reckoned on their sum."""


class Places(Wire):
    """Where and what: each list that is given must be met; a list not given asks nothing."""

    brands: Annotated[list[Text], Field(min_length=1, max_length=1000)] | None = None
    """Brands as they are written in the merchants that the bank sent."""
    merchants: Codes | None = None
    locations: Codes | None = None
    network_merchant_ids: Codes | None = None
    """The card network's own ids of merchants."""
    mccs: Annotated[list[MccRange], Field(min_length=1, max_length=1000)] | None = None
    channels: Annotated[list[PurchaseChannel], Field(min_length=1, max_length=4)] | None = None
    countries: Annotated[list[Country], Field(min_length=1, max_length=300)] | None = None
    regions: Annotated[list[Region], Field(min_length=1, max_length=1000)] | None = None
    """Regions in the bank's own words, of the purchase, else of its location."""
    card_products: Annotated[list[ExternalId], Field(min_length=1, max_length=1000)] | None = None
    products: Codes | None = None
    """Product codes: only items with these codes make up the qualifying amount."""


class Scope(Wire):
    """What the offer is about. Excludes win over includes. What is not known of a purchase meets no include and hits no exclude."""

    include: Places = Places()
    exclude: Places = Places()


class ZonePolicy(Enum):
    """Whose clock the window is read on."""

    FIXED = "fixed"  # the zone named in the window
    MERCHANT = "merchant"  # the zone of the purchase's location; the named zone where that is unknown
    CUSTOMER = "customer"  # the customer's zone; the named zone where that is unknown


class Window(Wire):
    """When purchases count, in local time.

    A date as `end` means that whole day when `end_inclusive`, and the day's first moment as the end when not.
    """

    start: LocalTime
    end: LocalTime
    end_inclusive: bool = True
    zone: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    """IANA time zone, such as America/New_York."""
    zone_policy: ZonePolicy = ZonePolicy.FIXED
    life_after_grant: Duration | None = None
    """A grant lives this long from its own moment, in local calendar days; its end is inclusive as the window's is."""
    days_of_week: Annotated[list[Weekday], Field(min_length=1, max_length=7)] | None = None
    """Days on which purchases count; every day where not given. What of a time span lies after midnight belongs to the day it began on."""
    times_of_day: Annotated[list[TimeSpan], Field(min_length=1, max_length=48)] | None = None
    """Times at which purchases count, as the clock shows them, on days when it is changed too; at any time where not given."""
    excluded_dates: Annotated[list[LocalDate], Field(min_length=1, max_length=1000)] | None = None
    """Calendar days, from midnight to midnight, on which no purchase counts."""
    tail: Duration | None = None
    """How long after the window's end, in local calendar days, a purchase that was made in it may arrive; however late where not given."""


class Recency(Wire):
    """For which customers the offer is, by the last purchase in its scope that each had made before the grant.

    Any amount counts, and a purchase that was refunded since; one that was declined, reversed or has expired does not.
    """

    customers: Literal["new", "lapsed"]
    """New ones had bought nothing in that time before the grant; lapsed ones neither, but something before that time."""
    within: Duration
    """On the clock of the window's own zone: a purchase exactly so many days before the grant lies before that time."""


class PeriodLimit(Wire):
    """The most that a customer is given of the offer in a period, which is read on the window's clock.

    A calendar period is the day, the week from Monday, or the month in which the purchase falls; a rolling one reaches back from the
    purchase: three a month is `{"redemptions": 3, "per": "P1M", "kind": "calendar"}`.
    """

    redemptions: Annotated[int, Field(ge=1)]
    per: Annotated[str, StringConstraints(pattern=r"^P[1-9][0-9]{0,2}[DWM]$")]
    kind: Literal["calendar", "rolling"]


class Limits(Wire):
    """The most that is given."""

    redemptions_per_customer: Annotated[int, Field(ge=1)] | None = None
    reward_per_customer: Amount | None = None
    per_period: list[PeriodLimit] = Field(default_factory=list, max_length=5)
    redemptions_total: Annotated[int, Field(ge=1)] | None = None
    reward_per_account: Amount | None = None
    """Over all customers who share a card account; purchases without an account are not held to it."""
    budget_per_day: Amount | None = None
    """For purchases of one day, read in the window's own zone, as the month is."""
    budget_per_month: Amount | None = None
    budget_per_merchant: Amount | None = None


class Stacking(Wire):
    """Offers of one group do not stack: of those that a purchase would complete, one pays, and for the others it does not count.

    It is the one of the highest priority; where priorities are equal, the one that pays the customer most; then the older one. Groups
    reach over campaigns.
    """

    group: ExternalId
    priority: Annotated[int, Field(ge=0, le=1000)] = 0


class Clawback(Wire):
    """What is taken back of a reward when its purchase is refunded, or shrinks otherwise."""

    partial_refund: Literal["recompute", "keep"] = "recompute"
    """The reward follows what is left of the purchase, or stays as long as anything is left of it."""
    limits: Literal["give_back", "keep"] = "give_back"
    """A redemption that refunds undo leaves the customer's limits and the grant as if it had not been, or stays used up with them."""
    budget: Literal["give_back", "withdraw"] = "give_back"
    """What is taken back is free for others, or leaves the campaign's budget."""
    negative_balance: Literal["carry_forward", "write_off"] = "carry_forward"
    """What was paid already and is not earned any more is set against the customer's next cashback, or left to the customer."""
    write_off_floor: Amount = 0
    """As little as this of a redemption is left to the customer in any case."""


class Audience(Wire):
    """Who gets a grant when the offer goes live: members of any segment in, of no segment out, less the hold-out."""

    segments_in: list[SegmentId] = Field(default_factory=list, max_length=100)
    segments_out: list[SegmentId] = Field(default_factory=list, max_length=100)
    holdout: BasisPoints = 0
    """Share of the audience that is drawn at random and given nothing, in basis points; drawn once per campaign."""


class FrequencyCap(Wire):
    """How often a customer is shown the offer, over all channels."""

    impressions: Annotated[int, Field(ge=1)]
    per: Duration


class Channel(Enum):
    """Where customers meet an offer."""

    EMAIL = "email"
    SOCIAL = "social"
    IN_APP = "in_app"
    WEB = "web"
    SMS = "sms"
    STATEMENT = "statement"


class Content(Wire):
    """What a customer reads and sees, per channel and language."""

    channel: Channel
    language: Language = "en"
    title: Text
    text: Text
    terms: LongText | None = None
    """The small print."""
    images: Annotated[list[Image], Field(max_length=10)] = Field(default_factory=list)


class Variant(Wire):
    """What some of the audience are promised otherwise; what is left out is as the terms say.

    A grant is of the first variant in order that names a segment of its customer, as segments are when it is given, and stays so.
    """

    name: VariantName
    """What grants of it bear: in another version the variant of this name holds for them, and the terms themselves where none has it."""
    segments: Annotated[list[SegmentId], Field(min_length=1, max_length=100)]
    reward: Reward | None = None
    threshold: Amount | None = None
    content: Annotated[list[Content], Field(min_length=1, max_length=100)] | None = None
    """In place of all of the terms' content."""


class Terms(Wire):
    """All that an approved offer promises and asks."""

    currency: Currency
    reward: Reward
    qualification: Qualification
    scope: Scope = Scope()
    window: Window
    recency: Recency | None = None
    activation: Literal["automatic", "required"] = "automatic"
    limits: Limits = Limits()
    repeat: bool = False
    """Whether a grant completes again and again, or once."""
    hold_days: Annotated[int, Field(ge=0, le=365)] = 0
    """Days between earned and payable: the return window."""
    stacking: Stacking | None = None
    """Every offer pays for every purchase that completes it, where not given."""
    goodwill: CampaignId | None = None
    """The campaign whose budget honours what was activated once this one's is exhausted; refused where not given."""
    clawback: Clawback = Clawback()
    audience: Audience = Audience()
    frequency_cap: FrequencyCap | None = None
    content: list[Content] = Field(default_factory=list, max_length=100)
    default_language: Language = "en"
    """What customers read whose language a channel has no content in."""
    variants: list[Variant] = Field(default_factory=list, max_length=20)

    def under(self, variant: Variant) -> "Terms":
        """The terms as they are for customers of a variant."""
        qualification = self.qualification
        if variant.threshold is not None:
            qualification = qualification.model_copy(update={"threshold": variant.threshold})
        said = {"reward": variant.reward or self.reward, "content": variant.content or self.content, "qualification": qualification}
        return self.model_copy(update=said)
