"""The values of the fold: what a history is made of, and what comes out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from shared.eligibility.terms import Terms
from shared.kernel.reasons import Reason


class Item(NamedTuple):
    """One line of a basket: product code, amount in minor units."""

    product: str
    amount_minor: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Purchase:
    """A card purchase as the fold sees it. `at` is UTC; `zone` is the location's time zone where it is known.

    `recorded_at` is when it came into the history, None where it never did. The amounts are what stands of the purchase: authorised or
    cleared, and not refunded.
    """

    transaction_id: str
    at: datetime
    amount_minor: int
    currency: str
    merchant_id: str | None = None
    """The merchant that it is matched to."""
    matched_by: str | None = None
    """What told the merchant: a rung of the match ladder, or the code of the reason why none did."""
    descriptor: str | None = None
    """What the card statement calls the merchant."""
    location_id: str | None = None
    mcc: str | None = None
    zone: str | None = None
    brand: str | None = None
    network_merchant_id: str | None = None
    channel: str | None = None
    country: str | None = None
    region: str | None = None
    card_product: str | None = None
    tip_minor: int = 0
    tax_minor: int = 0
    cash_back_minor: int = 0
    recorded_at: datetime | None = None
    items: tuple[Item, ...] = ()
    card_token: str | None = None
    account_token: str | None = None
    posted_at: datetime | None = None
    """When the last of it cleared, where that is not the moment of the purchase."""
    cleared: "Purchase | None" = None
    """What of it has cleared, where some is only authorised yet."""
    before_refunds: "Purchase | None" = None
    """What it would be without its refunds, where it has any."""
    ended: Reason | None = None
    """Why nothing of it stands any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """An offer given to one customer: the unit of progress."""

    grant_id: UUID
    granted_at: datetime
    activated_at: datetime | None = None
    revoked_at: datetime | None = None
    variant: str | None = None
    """Of which of the offer's variants it was drawn; None where of none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """From `start` up to, not including, `end`; an open end is None."""

    start: datetime
    end: datetime | None = None


def within(intervals: tuple[Interval, ...], at: datetime) -> bool:
    """Whether a moment lies in any of the intervals."""
    return any(span.start <= at and (span.end is None or at < span.end) for span in intervals)


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """One approved version of an offer, in force from its moment until the next version's."""

    number: int
    in_force_from: datetime
    terms: Terms
    approved_at: datetime | None = None
    """Since when it is known; None where it always was."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """An offer over time: its approved versions in order, and what stopped it when."""

    offer_id: UUID
    campaign_id: UUID
    versions: tuple[Version, ...]
    pauses: tuple[Interval, ...] = ()
    withdrawn_at: datetime | None = None
    cancelled_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """A completion that a shared pot did not admit; it uses up no limit of the customer."""

    grant_id: UUID
    completion: str
    reason: Reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """What two people decided of one completion: that it is given all the same, or that it gives more or less."""

    correction_id: UUID
    grant_id: UUID
    completion: str
    forces: bool
    amount_minor: int
    """Of a forced completion the least that it gives; else how much more (or, negative, less) is given."""
    at: datetime
    transaction_id: str
    merchant_id: str | None
    purchase_minor: int | None = None
    """Of a forced completion whose purchase was not on file: what that came to, in minor units of the offer's currency."""


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """All that is known of one customer and one offer. Any order: the fold sorts."""

    grants: tuple[Grant, ...]
    purchases: tuple[Purchase, ...]
    consent_withdrawn: tuple[Interval, ...] = ()
    zone: str | None = None
    refusals: tuple[Refusal, ...] = ()
    corrections: tuple[Correction, ...] = ()
    given_back: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """What refunds gave back of purchases that are not known themselves: by purchase and currency, in minor units."""
    held_out: bool = False


class Outcome(NamedTuple):
    """One completion of a grant: what is promised, by which purchase, under which version. Keyed by grant and completion."""

    grant_id: UUID
    completion: str
    """Which one it is: the purchase where each stands alone, else the number (from 1) of those that purchases reach together."""
    ordinal: int
    """How many it makes of its grant; 0 where no purchase reached it."""
    reward_minor: int
    earned_minor: int
    """What of the reward is earned for good, by what has cleared."""
    qualifying_minor: int
    at: datetime
    held_from: datetime
    """When the last of the purchases behind it cleared."""
    transaction_id: str
    version: int
    merchant_id: str | None
    account_token: str | None
    corrected_minor: int = 0
    """What of the reward corrections made more or, negative, less than the terms give."""


class Decision(NamedTuple):
    """Why one purchase did not complete a grant (or the offer, where no grant stood); None as reason where it did."""

    transaction_id: str
    grant_id: UUID | None
    reason: Reason | None


class Progress(NamedTuple):
    """Where a grant stands after the whole history."""

    grant_id: UUID
    spend_minor: int
    visits: int
    completions: int
    bought_at: datetime | None
    """When the customer had last bought something in scope before the grant; known where the offer asks for it."""


class Evaluation(NamedTuple):
    """What a history comes to."""

    outcomes: tuple[Outcome, ...]
    decisions: tuple[Decision, ...]
    progress: tuple[Progress, ...]


@dataclass(kw_only=True, slots=True)  # never changed, but not frozen: each answer makes a dozen, in less than half the time
class RuleResult:
    """One rule held against one purchase: what was asked, what was found."""

    rule: str
    passed: bool
    expected: str
    actual: str
    reason: Reason | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Before:
    """Where a grant and its customer stood when a purchase reached them; amounts in minor units."""

    spend_minor: int
    """The grant's running sum."""
    visits: int
    completions: int
    redemptions: int
    """What the customer had had of the offer, over all grants."""
    rewarded_minor: int
    activated_at: datetime | None
    consent: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The answer for one grant (or for the offer where there is none) and one purchase, every rule with its values."""

    grant_id: UUID | None
    version: int | None
    variant: str | None
    """Whose terms the grant was judged by; None where by those for everybody."""
    eligible: bool
    reward_minor: int
    before: Before
    rules: tuple[RuleResult, ...]
    reasons: tuple[Reason, ...]
