"""The shared, limited pots of an offer beside its campaign's budget: what they may give, and which of them a redemption is in."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final, Literal, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.eligibility.compile import CompiledOffer
from shared.kernel.money import to_minor
from shared.kernel.reasons import Reason

MONTH: Final = timedelta(days=31)


class Key(NamedTuple):
    """Which pot of an offer: its kind, and of what (a date, a month, a merchant, an account; nothing for the total)."""

    offer_id: UUID
    kind: str
    of: str
    start: datetime | None = None
    """For a day or a month: its first moment, and the first after it."""
    stop: datetime | None = None


class Spent(NamedTuple):
    """What puts a redemption into its pots: of which offer it is, and when, where and from which account was paid what completes it."""

    offer_id: UUID
    at: datetime
    merchant_id: str | None
    account_token: str | None


KeyOf = Callable[[Spent, ZoneInfo], Key | None]


class Given(NamedTuple):
    """What a pot gave (or, negative, took back)."""

    redemptions: int
    cost_minor: int

    def plus(self, other: "Given") -> "Given":
        """Both together."""
        return Given(self.redemptions + other.redemptions, self.cost_minor + other.cost_minor)


NOTHING_GIVEN: Final = Given(0, 0)


class Left(NamedTuple):
    """What a pot may still give, and why it gives no more; None where it is counted but not limited."""

    redemptions: int | None
    minor: int | None
    reason: Reason

    def covers(self, asked: Given) -> bool:
        """Whether so much more may be given; nothing more always."""
        enough = self.minor is None or asked.cost_minor <= max(self.minor, 0)
        return enough and (self.redemptions is None or asked.redemptions <= max(self.redemptions, 0))

    def less(self, given: Given) -> "Left":
        """What is left when so much is given."""
        redemptions = None if self.redemptions is None else self.redemptions - given.redemptions
        return Left(redemptions, None if self.minor is None else self.minor - given.cost_minor, self.reason)


def _total(spent: Spent, _zone: ZoneInfo) -> Key:
    return Key(spent.offer_id, "total", "")


def _day(spent: Spent, zone: ZoneInfo) -> Key:
    first = spent.at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return Key(spent.offer_id, "day", f"{first:%Y-%m-%d}", first, first + timedelta(days=1))


def _month(spent: Spent, zone: ZoneInfo) -> Key:
    first = spent.at.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    return Key(spent.offer_id, "month", f"{first:%Y-%m}", first, (first + MONTH).replace(day=1))


def _merchant(spent: Spent, _zone: ZoneInfo) -> Key:
    """The merchant's; all whose merchant is not known share one."""
    return Key(spent.offer_id, "merchant", spent.merchant_id or "")


def _account(spent: Spent, _zone: ZoneInfo) -> Key | None:
    return Key(spent.offer_id, "account", spent.account_token) if spent.account_token else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One kind of pot: the limit that makes it, the pot that a redemption is in, and why it gives no more."""

    limit: str
    key: KeyOf
    reason: Reason
    rule: str
    """What an answer about eligibility calls it."""
    counts: bool = False
    """The limit is a number of redemptions; otherwise an amount."""
    by: Literal["merchant", "account"] | None = None
    """What of a purchase tells one pot of the kind from another, beside its moment."""


KINDS: Final = (
    Kind(limit="redemptions_total", key=_total, reason=Reason.OFFER_LIMIT_REACHED, rule="redemptions in total", counts=True),
    Kind(
        limit="reward_per_account",
        key=_account,
        reason=Reason.ACCOUNT_LIMIT_REACHED,
        rule="reward of the account",
        by="account",
    ),
    Kind(limit="budget_per_day", key=_day, reason=Reason.DAY_BUDGET_EXHAUSTED, rule="budget of the day"),
    Kind(limit="budget_per_month", key=_month, reason=Reason.MONTH_BUDGET_EXHAUSTED, rule="budget of the month"),
    Kind(
        limit="budget_per_merchant",
        key=_merchant,
        reason=Reason.MERCHANT_BUDGET_EXHAUSTED,
        rule="budget of the merchant",
        by="merchant",
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedPot:
    """One kind of pot that an offer has, with its limit as of now."""

    kind: Kind
    zone: ZoneInfo
    most: Left
    from_start: bool = False
    """The first version has the limit too: what was given is counted from the first redemption on."""

    @property
    def limited(self) -> bool:
        """Whether the newest version keeps the limit; where it lifts it, what is given is counted all the same."""
        return self.most.redemptions is not None or self.most.minor is not None

    def key_of(self, spent: Spent) -> Key | None:
        """The pot of this kind that a redemption is in."""
        return self.kind.key(spent, self.zone)


LIMITS: Final = attrgetter(*(kind.limit for kind in KINDS))
NO_LIMITS: Final = (None,) * len(KINDS)


def shared_pots(compiled: CompiledOffer) -> tuple[SharedPot, ...]:
    """The kinds of pots of an offer. One that any version has is kept, even while the newest lifts its limit."""
    limits = [LIMITS(version.terms.limits) for version in compiled.versions]
    return tuple(_shared_pots(compiled, limits)) if any(one != NO_LIMITS for one in limits) else ()


def _shared_pots(compiled: CompiledOffer, limits: Sequence[tuple[int | str | None, ...]]) -> Iterator[SharedPot]:
    first, newest = compiled.versions[0].terms, compiled.versions[-1].terms
    zone = ZoneInfo(first.window.zone)  # one for all versions: else what was counted on one clock would be given back on another
    for kind, in_order in zip(KINDS, zip(*limits, strict=True), strict=True):
        if any(limit is not None for limit in in_order):
            yield SharedPot(kind=kind, zone=zone, most=_most(kind, in_order[-1], newest.currency), from_start=in_order[0] is not None)


def _most(kind: Kind, limit: int | str | None, currency: str) -> Left:
    """What a pot that has given nothing may give."""
    number = int(limit) if kind.counts and limit is not None else None
    minor = to_minor(limit, currency) if not kind.counts and limit is not None else None
    return Left(number, minor, kind.reason)
