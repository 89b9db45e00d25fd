"""What writers that died or came too late have left in the stores of files: nobody needs it, and it takes room."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from typing import Final
from uuid import UUID

from shared.files import store
from shared.files.places import WORK, work_prefix
from shared.files.stores.opening import open_store
from shared.files.stores.protocol import ObjectStore
from shared.kernel.clock import SystemClock
from shared.platform.call import Call

LEFT_FOR: Final = timedelta(days=1)
"""No writer takes as long; what is older has none."""


MOST_DROPS: Final = 1_000
"""So many drops that something was made of are looked at at a time."""
BEHIND_ALL: Final = "~"
"""Comes after the names of all that is made of a drop."""


def sweep_left_behind(call: Call) -> int:
    """Remove what was never finished, and what is left of drops that are closed; how much that was.

    The stores go by the machine's time, whatever the platform's clock says.
    """
    places = call.file_places
    if places is None:
        return 0
    stores = filter(None, (places.drops, places.lake, places.exports))
    swept = sum(open_store(url).sweep(SystemClock().now() - LEFT_FOR) for url in stores)
    return swept + _clear_closed(call, open_store(places.drops))


def _clear_closed(call: Call, drops: ObjectStore) -> int:
    """A chunk may be read while its file is closed as broken: what it then leaves is of no use."""
    found = list(islice(worked_on(drops, WORK), MOST_DROPS))
    with call.reading() as tx:
        closed = store.closed(tx, found) if found else []
    left = [made for drop_id in closed for made in drops.list(work_prefix(drop_id))]
    for made in left:
        drops.delete(made.name, made.generation)
    return len(left)


def worked_on(store: ObjectStore, place: str) -> Iterator[UUID]:
    """Of which drops, or exports, something lies under a part of the name that was made of them on their way."""
    after = ""
    while made := next(store.list(f"{place}/", after), None):
        folder = made.name.split("/")[1]
        after = f"{place}/{folder}/{BEHIND_ALL}"
        with suppress(ValueError):
            yield UUID(hex=folder)
