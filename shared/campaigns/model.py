"""Campaigns as values: their states, the transitions between them, and their window in absolute time."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from itertools import zip_longest
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.kernel import trail
from shared.kernel.errors import Conflict, SelfApproval


class State(Enum):
    """Where a campaign is in its life."""

    DRAFT = "draft"  # being prepared, no budget asked for
    BUDGET_REQUESTED = "budget_requested"  # waits for a second person
    FUNDED = "funded"  # budget approved, no start set
    REJECTED = "rejected"  # budget refused; another may be asked for
    SCHEDULED = "scheduled"  # starts by itself at its window's start
    LIVE = "live"  # its offers earn cashback
    PAUSED = "paused"  # purchases made now earn nothing
    ENDED = "ended"  # its window is over
    CANCELLED = "cancelled"  # stopped for good by command


@dataclass(frozen=True, kw_only=True, slots=True)
class Transition:
    """From which states an action leads where."""

    sources: frozenset[State]
    target: State


def _from(*sources: State, to: State) -> Transition:
    return Transition(sources=frozenset(sources), target=to)


TRANSITIONS: Final = {
    "request_budget": _from(State.DRAFT, State.REJECTED, to=State.BUDGET_REQUESTED),
    "approve_budget": _from(State.BUDGET_REQUESTED, to=State.FUNDED),
    "reject_budget": _from(State.BUDGET_REQUESTED, to=State.REJECTED),
    "schedule": _from(State.FUNDED, to=State.SCHEDULED),
    "start": _from(State.SCHEDULED, to=State.LIVE),
    "pause": _from(State.LIVE, to=State.PAUSED),
    "resume": _from(State.PAUSED, to=State.LIVE),
    "end": _from(State.SCHEDULED, State.LIVE, State.PAUSED, to=State.ENDED),
    "cancel": _from(
        State.DRAFT, State.BUDGET_REQUESTED, State.FUNDED, State.REJECTED, State.SCHEDULED, State.LIVE, State.PAUSED, to=State.CANCELLED
    ),
}

TOP_UP_STATES: Final = frozenset({State.FUNDED, State.SCHEDULED, State.LIVE, State.PAUSED})
"""States in which more budget is asked for without leaving the state."""

SCHEDULED_STATES: Final = frozenset({State.SCHEDULED, State.LIVE, State.PAUSED, State.ENDED})
"""States of a campaign that was funded and scheduled: its offers may be given."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Campaign:
    """A campaign: `starts_at` is its first moment, `ends_at` the first moment after it, both UTC."""

    campaign_id: UUID
    name: str
    objective: str
    portfolio: str
    currency: str
    starts_at: datetime
    ends_at: datetime
    zone: str
    state: State
    created_by: str
    created_at: datetime

    def after(self, action: str) -> "Campaign":
        """The campaign after an action. Raises Conflict when its state does not allow it."""
        transition = TRANSITIONS[action]
        if self.state not in transition.sources:
            allowed = ", ".join(sorted(state.value for state in transition.sources))
            raise Conflict(f"A campaign that is {self.state.value} can't {action.replace('_', ' ')}; it must be {allowed}.")
        return replace(self, state=transition.target)


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetRequest:
    """A request to `raise` or `lower` a budget by minor units of the campaign's currency, open until another person decides it."""

    request_id: UUID
    campaign_id: UUID
    change: str
    amount_minor: int
    state: str
    requested_by: str
    requested_at: datetime
    reason: str
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision_reason: str | None = None

    def action(self, verb: str) -> str:
        """What asking for it or deciding it is called in the history: request_budget, approve_lower_budget, ..."""
        return f"{verb}_budget" if self.change == "raise" else f"{verb}_lower_budget"

    def decided(self, state: str, *, by: str, at: datetime, reason: str) -> "BudgetRequest":
        """The request once decided. Raises SelfApproval when the one who asked decides."""
        if by == self.requested_by:
            raise SelfApproval("A budget is decided by another person than the one who asked for it.")
        return replace(self, state=state, decided_by=by, decided_at=at, decision_reason=reason)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change(trail.Change[State]):
    """One line of a campaign's history."""


class Turn(NamedTuple):
    """A change of a campaign's state: what it became, from when on, and since when that is known."""

    to_state: State
    at: datetime
    recorded_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline:
    """What of a campaign's life decides about purchases: when it stood still, and when it was stopped for good."""

    campaign_id: UUID
    turns: tuple[Turn, ...] = ()
    """In the order in which they were recorded."""

    def as_of(self, moment: datetime) -> "Timeline":
        """The timeline as it was known at a moment."""
        return replace(self, turns=tuple(turn for turn in self.turns if turn.recorded_at <= moment))

    @property
    def pauses(self) -> list[tuple[datetime, datetime | None]]:
        """First moment of each pause and first moment after it, None where it goes on."""
        ends = [turn.at for turn in self.turns[1:]]
        return [(turn.at, end) for turn, end in zip_longest(self.turns, ends) if turn.to_state is State.PAUSED]

    @property
    def cancelled_at(self) -> datetime | None:
        """When it was cancelled."""
        return next((turn.at for turn in self.turns if turn.to_state is State.CANCELLED), None)


def window(start: str, end: str, zone: str) -> tuple[datetime, datetime]:
    """First moment and first moment after, of local times in a zone; a date as the end means that whole day."""
    place = ZoneInfo(zone)
    return _moment(start, place, whole_day=False), _moment(end, place, whole_day=True)


def _moment(text: str, place: ZoneInfo, *, whole_day: bool) -> datetime:
    if "T" in text:
        local = datetime.fromisoformat(text).replace(tzinfo=place)
    else:
        local = datetime.combine(date.fromisoformat(text) + timedelta(days=1 if whole_day else 0), time(), place)
    return local.astimezone(UTC)
