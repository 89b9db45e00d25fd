"""A day of card transactions: which message each row is, and the clocks, the midnights and the sizes of files that it is made by."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import Final
from zoneinfo import ZoneInfo

import pyarrow as pa

from shared.generator.habits import HOURS, TOWNS, TRADES, WEEKENDS_LATER
from shared.generator.lives import Message, messages
from shared.generator.portfolio import Portfolio

CLOCK: Final = 1 << 10
SATURDAY: Final = 5
HOUR: Final = 3_600
ALL_KINDS: Final = frozenset({"purchase", "authorization", "clearing", "reversal", "decline", "refund"})


@dataclass(frozen=True, kw_only=True)
class Day:
    """The transactions of a day."""

    portfolio: Portfolio
    day: date
    rows_on: Callable[[date], int]
    """How many rows the file of a day has."""
    kinds: Collection[str] = ALL_KINDS
    """What messages may be told of; there are purchases in the place of others."""

    @cached_property
    def messages(self) -> Sequence[Message]:
        """What each place of a group of rows says."""
        return messages(frozenset(self.kinds))

    @cached_property
    def farthest(self) -> int:
        """How many days the earliest purchase that is told of lies back."""
        return max(message.ago for message in self.messages)

    @cached_property
    def midnights(self) -> pa.Array:
        """When a day began in each town, for so many days ago: seconds since 1970."""
        days = [self.day - timedelta(days=ago) for ago in range(self.farthest + 1)]
        return pa.array([int(datetime.combine(day, time(), ZoneInfo(town.zone)).timestamp()) for day in days for town in TOWNS])

    @cached_property
    def clocks(self) -> pa.Array:
        """Seconds of a day at which it is bought, for so many days ago and each trade."""
        days = [self.day - timedelta(days=ago) for ago in range(self.farthest + 1)]
        return pa.array([second for day in days for trade in TRADES for second in _clock(trade.hours, day.weekday() >= SATURDAY)])

    @cached_property
    def counts(self) -> pa.Array:
        """How many rows there are of so many days ago."""
        return pa.array([self.rows_on(self.day - timedelta(days=ago)) for ago in range(self.farthest + 1)])


@lru_cache(maxsize=2 * len(HOURS))
def _clock(hours: str, weekend: bool) -> list[int]:  # noqa: FBT001  (of two days)
    """So many seconds of a day, the busier an hour the more."""
    weights = HOURS[hours]
    late = WEEKENDS_LATER * weekend
    sums = list(accumulate((*weights[24 - late :], *weights[: 24 - late]), initial=0))
    found = []
    hour = 0
    for place in range(CLOCK):
        at = place * sums[-1] / CLOCK
        while sums[hour + 1] <= at:
            hour += 1
        found.append(hour * HOUR + int((at - sums[hour]) / (sums[hour + 1] - sums[hour]) * HOUR))
    return found
