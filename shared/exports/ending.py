"""The end of an export: on record, told, and what the partner knows by it."""

from typing import Final

from shared.exports import store
from shared.exports.due import tell
from shared.exports.model import Export, State
from shared.exports.places import Places
from shared.exports.report import REPORT
from shared.files.names import MANIFEST
from shared.files.places import discard
from shared.kernel.errors import Problem
from shared.platform.call import Transaction

MADE: Final = (MANIFEST, REPORT, "")
"""What lies in the place of exports of a file, in the order in which it may be taken away."""


def end(tx: Transaction, export: Export, state: State, problems: tuple[Problem, ...] = ()) -> Export:
    """Put the end of an export on record, and tell of it. What it held counts as known only where the partner took it."""
    closed = export.closed(state, tx.now, problems)
    if state is State.ACKNOWLEDGED:
        store.acknowledge(tx, closed)
    store.forget_items(tx, closed.export_id)
    store.update(tx, closed)
    tell(tx, closed)
    return closed


def take_away(places: Places, export: Export) -> None:
    """Take a file out of the place of exports, its manifest first. Done again, it changes nothing."""
    for ending in MADE:
        discard(places.exports, f"{export.name}{ending}")
