"""Lanes: each partition's records on their way to a function, one after the other."""

import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

from shared.platform.delivery import Answer, Verdict, judge, pause_seconds
from shared.platform.kafka.records import Record

FULL: Final = 64
"""Records of a lane that wait; with so many nothing more is fetched for it."""


@dataclass(kw_only=True, slots=True)
class Lane:
    """One partition of a source. One thread delivers, another adds records and reads how far it is."""

    records: deque[Record] = field(default_factory=deque)
    read: int = 0
    """The offset after the last record that was added."""
    answered: int | None = None
    """The offset after the last record that was dealt with."""
    committed: int | None = None
    attempts: int = 0
    """Deliveries of the first record that came to nothing."""
    dead: Answer | None = None
    """Why the first record is dead; it is to be brought to the sink."""
    due: float = 0.0
    """When the first record may be delivered, by the monotonic clock."""
    gone: bool = False
    """Whether the partition has been taken away: nothing more is delivered, and nothing more counts."""
    work: Future[None] | None = None

    def add(self, records: Iterable[Record]) -> None:
        """Records that were read; those read before come again when the group has shared out its partitions anew, and are left out."""
        for record in records:
            if record.offset >= self.read:
                self.records.append(record)
                self.read = record.offset + 1

    def is_due(self) -> bool:
        """Whether a worker is wanted."""
        return bool(self.records) and not self.gone and (self.work is None or self.work.done()) and time.monotonic() >= self.due

    def uncommitted(self) -> int | None:
        """The offset to commit, if there is something new to commit."""
        return self.answered if self.answered != self.committed else None

    def judge(self, answer: Answer) -> Verdict:
        """What becomes of the first record by the function's answer."""
        verdict = judge(answer, attempts=self.attempts)
        match verdict:
            case Verdict.TAKEN:
                self.done()
            case Verdict.LATER:
                self.put_off()
            case Verdict.DEAD:
                self.dead, self.attempts = answer, 0  # from here on attempts to bury it are counted
        return verdict

    def done(self) -> None:
        """The first record is dealt with."""
        self.answered = self.records.popleft().offset + 1
        self.attempts, self.dead = 0, None

    def put_off(self) -> None:
        """The first record waits, longer each time."""
        self.due = time.monotonic() + pause_seconds(self.attempts)
        self.attempts += 1
