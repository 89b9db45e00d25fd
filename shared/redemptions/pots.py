"""The shared, limited pots of an offer beside its campaign's budget: what they may give, and which of them a redemption is in."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.eligibility.compile import CompiledOffer
from shared.eligibility.terms import Limits
from shared.kernel.money import to_minor
from shared.kernel.reasons import Reason

if TYPE_CHECKING:  # a redemption's change knows its pots
    from shared.redemptions.model import Redemption

MONTH: Final = timedelta(days=31)


class Key(NamedTuple):
    """Which pot of an offer: its kind, and of what (a date, a month, a merchant, an account; nothing for the total)."""

    offer_id: UUID
    kind: str
    of: str
    start: datetime | None = None
    """For a day or a month: its first moment, and the first after it."""
    stop: datetime | None = None


KeyOf = Callable[["Redemption", ZoneInfo], Key | None]


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

    def covers(self, increase_minor: int, *, redemption: bool) -> bool:
        """Whether so much more may be given (nothing more always), and one more where it is a redemption of its own."""
        enough = self.minor is None or increase_minor <= max(self.minor, 0)
        return enough and (not redemption or self.redemptions is None or self.redemptions > 0)

    def less(self, given: Given) -> "Left":
        """What is left when so much is given."""
        redemptions = None if self.redemptions is None else self.redemptions - given.redemptions
        return Left(redemptions, None if self.minor is None else self.minor - given.cost_minor, self.reason)


def _total(redemption: "Redemption", _zone: ZoneInfo) -> Key:
    return Key(redemption.offer_id, "total", "")


def _day(redemption: "Redemption", zone: ZoneInfo) -> Key:
    first = redemption.earned_at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return Key(redemption.offer_id, "day", f"{first:%Y-%m-%d}", first, first + timedelta(days=1))


def _month(redemption: "Redemption", zone: ZoneInfo) -> Key:
    first = redemption.earned_at.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    return Key(redemption.offer_id, "month", f"{first:%Y-%m}", first, (first + MONTH).replace(day=1))


def _merchant(redemption: "Redemption", _zone: ZoneInfo) -> Key:
    """The merchant's; all whose merchant is not known share one."""
    return Key(redemption.offer_id, "merchant", redemption.merchant_id or "")


def _account(redemption: "Redemption", _zone: ZoneInfo) -> Key | None:
    return Key(redemption.offer_id, "account", redemption.account_token) if redemption.account_token else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One kind of pot: the limit that makes it, the pot that a redemption is in, and why it gives no more."""

    limit: str
    key: KeyOf
    reason: Reason
    counts: bool = False
    """The limit is a number of redemptions; otherwise an amount."""


KINDS: Final = (
    Kind(limit="redemptions_total", key=_total, reason=Reason.OFFER_LIMIT_REACHED, counts=True),
    Kind(limit="reward_per_account", key=_account, reason=Reason.ACCOUNT_LIMIT_REACHED),
    Kind(limit="budget_per_day", key=_day, reason=Reason.DAY_BUDGET_EXHAUSTED),
    Kind(limit="budget_per_month", key=_month, reason=Reason.MONTH_BUDGET_EXHAUSTED),
    Kind(limit="budget_per_merchant", key=_merchant, reason=Reason.MERCHANT_BUDGET_EXHAUSTED),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedPot:
    """One kind of pot that an offer has, with its limit as of now."""

    key: KeyOf
    zone: ZoneInfo
    most: Left

    def key_of(self, redemption: "Redemption") -> Key | None:
        """The pot of this kind that a redemption is in."""
        return self.key(redemption, self.zone)


def shared_pots(compiled: CompiledOffer) -> tuple[SharedPot, ...]:
    """The kinds of pots of an offer. One that any version has is kept, even while the newest lifts its limit."""
    return tuple(_shared_pots(compiled))


def _shared_pots(compiled: CompiledOffer) -> Iterator[SharedPot]:
    newest = compiled.versions[-1].terms
    for kind in KINDS:
        if any(_limit(version.terms.limits, kind) is not None for version in compiled.versions):
            limit = _limit(newest.limits, kind)
            number = int(limit) if kind.counts and limit is not None else None
            minor = to_minor(limit, newest.currency) if not kind.counts and limit is not None else None
            yield SharedPot(key=kind.key, zone=ZoneInfo(newest.window.zone), most=Left(number, minor, kind.reason))


def _limit(limits: Limits, kind: Kind) -> int | str | None:
    limit: int | str | None = getattr(limits, kind.limit)
    return limit
