"""Where three records of a redemption differ: ours, the partner's (told and settled), the card system's. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final
from uuid import UUID


class Record(Enum):
    """Whose record is held against ours."""

    PARTNER = "partner"  # redemptions as the partner tells of them
    SETTLEMENT = "settlement"  # what the partner settled
    CARDS = "cards"  # what the card system credited, and what was set against a debt


class BreakKind(Enum):
    """How a record differs from ours."""

    LATE = "late"  # one of both says nothing yet, and there is still time
    MISSING = "missing"  # one of both says nothing, and the time is over
    DUPLICATE = "duplicate"  # it is there several times and comes to more than ours
    REVERSED = "reversed"  # one of both was taken back, the other stands
    AMOUNT = "amount"  # both stand with different amounts or currencies


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """What a record says of a redemption. Nothing of it stands where the amount is 0: it was taken back."""

    amount_minor: int
    currency: str
    at: datetime
    """Since when it could be known."""
    times: int = 1
    """How many lines the amount is of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sides:
    """One redemption in all records; a record that says nothing of it is left out."""

    redemption_id: UUID
    ours: Mapping[Record, Side]
    """As each of the others should have it: the same amount, from when it is due there. Empty where we have none."""
    theirs: Mapping[Record, Side]


@dataclass(frozen=True, kw_only=True, slots=True)
class Break:
    """One record that differs from ours."""

    redemption_id: UUID
    record: Record
    kind: BreakKind
    ours: Side | None
    theirs: Side | None

    @property
    def difference_minor(self) -> int:
        """How much more theirs is; negative where it is less."""
        return _minor(self.theirs) - _minor(self.ours)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pair:
    ours: Side | None
    theirs: Side | None
    in_time: bool

    @property
    def one_silent(self) -> bool:
        return self.ours is None or self.theirs is None

    @property
    def minors(self) -> tuple[int, int]:
        return _minor(self.ours), _minor(self.theirs)

    @property
    def currencies(self) -> set[str]:
        return {side.currency for side in (self.ours, self.theirs) if side and side.amount_minor}


RULES: Final[tuple[tuple[BreakKind | None, Callable[[_Pair], bool]], ...]] = (
    (None, lambda pair: pair.minors[0] == pair.minors[1] and len(pair.currencies) <= 1),
    (BreakKind.LATE, lambda pair: pair.one_silent and pair.in_time),
    (BreakKind.MISSING, lambda pair: pair.one_silent),
    (BreakKind.REVERSED, lambda pair: 0 in pair.minors),
    (BreakKind.DUPLICATE, lambda pair: pair.theirs is not None and pair.theirs.times > 1 and pair.minors[1] > pair.minors[0]),
    (BreakKind.AMOUNT, lambda _pair: True),
)
"""The first that holds tells how two records differ; None: they agree."""


def breaks(sides: Sides, allowed: timedelta, now: datetime) -> Iterator[Break]:
    """Where a redemption's records differ from ours. `allowed`: how long a record may say nothing."""
    for record in Record:
        ours, theirs = sides.ours.get(record), sides.theirs.get(record)
        since = max((side.at for side in (ours, theirs) if side), default=now)
        pair = _Pair(ours=ours, theirs=theirs, in_time=now - since <= allowed)
        kind = next(kind for kind, holds in RULES if holds(pair))
        if kind:
            yield Break(redemption_id=sides.redemption_id, record=record, kind=kind, ours=ours, theirs=theirs)


def _minor(side: Side | None) -> int:
    return side.amount_minor if side else 0
