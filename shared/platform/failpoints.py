"""The points at which a process may die and leave something half done: before and after each commit and each write elsewhere.

Nothing happens at them. A test that wants a process to die there watches them from within that process; what kills lies with the tests
and is in no image, so no setting and no caller can let a function die by mistake.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum


class Point(Enum):
    """What is about to be done, or has just been done."""

    COMMIT_DUE = "commit due"  # a transaction is done but for its commit
    COMMITTED = "committed"
    OBJECT_DUE = "object due"  # an object is about to be seen; where a store allows it, all of it is written
    OBJECT_STORED = "object stored"
    REMOVAL_DUE = "removal due"  # an object is about to be removed
    REMOVED = "removed"
    EVENTS_DUE = "events due"  # events are about to be sent to Kafka
    EVENTS_SENT = "events sent"  # Kafka has acknowledged them, or not
    OFFSETS_DUE = "offsets due"  # records are answered, and their offsets not committed yet
    OFFSETS_COMMITTED = "offsets committed"


_watching: list[Callable[[Point], None]] = []


def reached(point: Point) -> None:
    """Say that this process is at a point."""
    for watch in _watching:
        watch(point)


@contextmanager
def watched(watch: Callable[[Point], None]) -> Iterator[None]:
    """Tell of each point that this process reaches."""
    _watching.append(watch)
    try:
        yield
    finally:
        _watching.remove(watch)
