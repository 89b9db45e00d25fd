"""How often an event was brought to a function, counted where it outlives both the function and who brings it.

Whoever brings events counts as well, and forgets it when it dies or its partitions are shared out anew; so what kills a function, and
perhaps its deliverer with it, would be brought for ever. A delivery is counted before the function begins, and forgotten when it is
answered for good or kept with the dead letters.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from shared.kernel.errors import Broken, Busy, CloError, Invalid
from shared.platform import delivery
from shared.platform.call import Once, Replayed
from shared.platform.database import Database, exactly_one
from shared.platform.outbox import SQL
from shared.platform.problems import EVENT_STATUS, status_of

MOST_DEATHS: Final = 5
"""So often an event may end its function: each time whatever runs beside it is ended too."""


@contextmanager
def counted(database: Database, once: Once) -> Iterator[None]:
    """Count one delivery. Raises Invalid, which ends with the dead letters, where the event was brought too often before."""
    which = {"consumer": once.consumer, "source": once.source, "key": once.key}
    with database.connection() as connection:
        begun = exactly_one(connection, SQL["begin_attempt"], **which)
    _require_a_chance(begun["begun"] - 1, begun["failed"])
    try:
        yield
    except Exception as error:
        _end(database, "attempt_failed" if _is_tried_again(error) else "forget_attempts", which)
        raise
    _end(database, "forget_attempts", which)


def _require_a_chance(before: int, failed: int) -> None:
    deaths = before - failed
    if deaths >= MOST_DEATHS:
        raise Invalid(f"Its function died: {deaths} of {before} times that it was brought.")
    if before >= delivery.MAX_ATTEMPTS:
        raise Invalid(f"It was brought {before} times, and was never taken.")


def _is_tried_again(error: Exception) -> bool:
    if isinstance(error, Replayed):
        return False
    status = status_of(error if isinstance(error, CloError) else Broken(), EVENT_STATUS)
    return delivery.judge(delivery.Answer(status=status), attempts=0) is delivery.Verdict.LATER


def _end(database: Database, statement: str, which: dict[str, Any]) -> None:
    with suppress(Busy), database.connection() as connection:  # what was done is done, and is answered
        connection.execute(SQL[statement], which)
