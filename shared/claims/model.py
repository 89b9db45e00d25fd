"""Claims: their states, when an answer is due, and which resolution what is known asks for. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from enum import Enum
from typing import Final, NamedTuple
from uuid import UUID

from shared.kernel import trail
from shared.kernel.errors import Conflict
from shared.kernel.resolutions import Resolution

WORKING_DAYS: Final = 10
SATURDAY: Final = 5


class State(Enum):
    """Where a claim is in its life."""

    OPENED = "opened"  # waits for somebody who looks into it
    IN_REVIEW = "in_review"  # somebody looks into it
    ACCEPTED = "accepted"  # a correction was asked for
    REJECTED = "rejected"  # there is nothing to correct
    WITHDRAWN = "withdrawn"  # the customer claims it no more


OPEN: Final = frozenset({State.OPENED, State.IN_REVIEW})
TRANSITIONS: Final = {
    "review": (frozenset({State.OPENED, State.ACCEPTED}), State.IN_REVIEW),
    "accept": (frozenset({State.IN_REVIEW}), State.ACCEPTED),
    "reject": (frozenset({State.IN_REVIEW}), State.REJECTED),
    "withdraw": (OPEN, State.WITHDRAWN),
}
"""From which states an action leads where. What was accepted is reviewed again when its correction was rejected."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A claim that a purchase should have earned cashback; `said` is the purchase as the customer tells of it (JSON)."""

    claim_id: UUID
    customer_id: str
    offer_id: UUID | None
    transaction_id: str
    said: str
    reason: str
    state: State
    opened_by: str
    opened_at: datetime
    due_at: datetime
    overdue_at: datetime | None = None
    resolution: Resolution | None = None
    reason_code: str | None = None
    correction_id: UUID | None = None

    def after(self, action: str) -> "Claim":
        """The claim after an action. Raises Conflict when its state does not allow it."""
        sources, target = TRANSITIONS[action]
        if self.state not in sources:
            allowed = ", ".join(sorted(state.value for state in sources))
            raise Conflict(f"A claim that is {self.state.value} can't be taken to {target.value}; it must be {allowed}.")
        return replace(self, state=target)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change(trail.Change[State]):
    """One line of a claim's history."""


class Given(NamedTuple):
    """What is on record for the purchase that a claim is about."""

    state: str
    reward_minor: int
    reason: str | None


class Known(NamedTuple):
    """What decides about a claim: whether the purchase is on file, what was given for it, and what the engine says of it."""

    on_file: bool
    given: Sequence[Given]
    eligible: bool
    reasons: Sequence[str]

    @property
    def why_not(self) -> list[str]:
        """The reason codes that a rejection may name: of refusals first, then those of the engine."""
        return [*(one.reason for one in self.given if one.state == "rejected" and one.reason), *self.reasons]


class Suggestion(NamedTuple):
    """The resolution that what is known asks for, with the reason code where it has one."""

    resolution: Resolution
    reason_code: str | None = None


def due_at(opened_at: datetime) -> datetime:
    """When an answer is due: at the end (UTC) of the tenth working day after the claim was opened; Saturdays and Sundays don't count."""
    day, left = opened_at.astimezone(UTC).date(), WORKING_DAYS
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < SATURDAY
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def suggest(known: Known) -> Suggestion | None:
    """Which resolution what is known asks for; None where somebody must look."""
    rewarded = [one for one in known.given if one.reward_minor > 0]
    if rewarded:
        paid = all(one.state == "paid" for one in rewarded)
        return Suggestion(Resolution.PAID_ALREADY if paid else Resolution.ON_ITS_WAY)
    if known.why_not and not known.eligible:
        return Suggestion(Resolution.NOT_ELIGIBLE, known.why_not[0])
    if not known.on_file:
        return Suggestion(Resolution.PURCHASE_NOT_RECEIVED)
    return Suggestion(Resolution.ACCEPTED) if known.eligible else None


def rejected_as(resolution: Resolution, reason_code: str | None, known: Known) -> Suggestion:
    """A rejection that what is known bears out. Raises Conflict for one that it does not."""
    rewarded = any(one.reward_minor > 0 for one in known.given)
    if resolution in {Resolution.PAID_ALREADY, Resolution.ON_ITS_WAY} and not rewarded:
        raise Conflict("Nothing was given for the purchase.")
    if resolution is Resolution.PURCHASE_NOT_RECEIVED and known.on_file:
        raise Conflict("The purchase is on file.")
    if resolution is not Resolution.NOT_ELIGIBLE:
        return Suggestion(resolution)
    code = reason_code or next(iter(known.why_not), None)
    if code not in known.why_not:
        said = ", ".join(known.why_not) or "nothing against it"
        raise Conflict(f"The reason must be one that was found when the claim was looked into: {said}.")
    return Suggestion(resolution, code)
