"""A simulated clock that remembers where it stands when the platform is killed."""

from datetime import datetime
from pathlib import Path

from shared.kernel.clock import SimulatedClock


class StoredClock(SimulatedClock):
    """A simulated clock kept in a file."""

    def __init__(self, file: Path, start: datetime) -> None:
        """Go on where the file says, else at `start`."""
        super().__init__(datetime.fromisoformat(file.read_text(encoding="utf-8")) if file.exists() else start)
        self._file = file

    def advance(self, to: datetime) -> datetime:
        """Move forward and remember it before anyone is told."""
        now = super().advance(to)
        fresh = self._file.with_suffix(".new")
        fresh.write_text(now.isoformat(), encoding="utf-8")
        fresh.replace(self._file)
        return now
