"""The year in order of time: campaigns begin, households are shown offers, households buy."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from demo.journey import ZONE, Basket, Campaign, Journey
from demo.made_up import Shown

BEGIN: Final = datetime(2016, 11, 1, tzinfo=UTC)
END: Final = datetime(2018, 3, 15, tzinfo=UTC)
"""The clock is started and left here: before the first campaign, and when the last has ended and all is payable."""
TICK: Final = timedelta(microseconds=1)
PER_REQUEST: Final = 5_000

Timed = TypeVar("Timed", Basket, Shown)


@dataclass(frozen=True, kw_only=True, slots=True)
class Launch:
    """Campaigns begin."""

    at: datetime
    campaigns: tuple[Campaign, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What happened up to a moment, that included: at most so much as goes into one request of each kind."""

    until: datetime
    impressions: Sequence[Shown]
    baskets: Sequence[Basket]


def opening(campaign: Campaign) -> datetime:
    """The first moment of a campaign."""
    return datetime.combine(campaign.first_day, time(), ZoneInfo(ZONE)).astimezone(UTC)


def timeline(journey: Journey, impressions: Sequence[Shown]) -> Iterator[Launch | Batch]:
    """The whole year; baskets and impressions are in order of time. No batch reaches over the beginning of a campaign."""
    by_opening: dict[datetime, list[Campaign]] = {}
    for campaign in journey.campaigns:
        by_opening.setdefault(opening(campaign), []).append(campaign)
    yield from _batches(journey.baskets, impressions, BEGIN, min(by_opening))
    for at, closes in pairwise([*sorted(by_opening), END]):
        yield Launch(at=at, campaigns=tuple(by_opening[at]))
        yield from _batches(journey.baskets, impressions, at, closes)


def _batches(baskets: Sequence[Basket], impressions: Sequence[Shown], opens: datetime, closes: datetime) -> Iterator[Batch]:
    """What lies between two moments (the first included, the last not), cut so that each part fits into a request."""
    bought, shown = _between(baskets, opens, closes), _between(impressions, opens, closes)
    while bought or shown:
        until = min([closes, *(things[PER_REQUEST].at for things in (bought, shown) if len(things) > PER_REQUEST)])
        batch = Batch(until=until - TICK, baskets=_before(bought, until), impressions=_before(shown, until))
        bought, shown = bought[len(batch.baskets) :], shown[len(batch.impressions) :]
        yield batch


def _between(things: Sequence[Timed], opens: datetime, closes: datetime) -> Sequence[Timed]:
    return _before(things[bisect_left(things, opens, key=_at) :], closes)


def _before(things: Sequence[Timed], moment: datetime) -> Sequence[Timed]:
    return things[: bisect_left(things, moment, key=_at)]


def _at(thing: Basket | Shown) -> datetime:
    return thing.at
