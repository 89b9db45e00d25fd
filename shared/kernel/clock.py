"""The only place that reads the time. Everything else is told what time it is."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time: aware, in UTC."""

    def now(self) -> datetime:
        """The present moment."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment."""
        return datetime.now(UTC)


class SimulatedClock:
    """A clock that stands still until it is moved, and never moves back."""

    def __init__(self, start: datetime) -> None:
        """Start at an aware moment."""
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """The present moment of the simulation."""
        return self._now

    def advance(self, to: datetime) -> datetime:
        """Move forward to `to`; a moment in the past leaves the clock where it is. Answers where it stands."""
        self._now = max(self._now, to.astimezone(UTC))
        return self._now
