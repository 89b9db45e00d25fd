"""What a process was told of merchants, kept at hand until any of them changes: for readers that check the revision in what they read."""

from collections.abc import Collection
from dataclasses import dataclass
from threading import Lock
from typing import Final
from weakref import WeakKeyDictionary

from shared.merchants import service, store
from shared.merchants.ladder import Book, Clues
from shared.platform.call import Transaction
from shared.platform.database import Database

MOST_KEPT: Final = 100_000
"""So many names and places are kept; then it begins anew."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """A book as of a revision of the merchants; while they stay as they are, more is added to it as more is asked."""

    revision: int
    book: Book


KEPT: Final[WeakKeyDictionary[Database, Kept]] = WeakKeyDictionary()
KEPT_LOCK: Final = Lock()
NOTHING_YET: Final = Kept(revision=-1, book=Book())


def at_hand(database: Database) -> Kept:
    """What is kept of one database's merchants; the reader asks whether it covers what he needs, and still holds."""
    return KEPT.get(database, NOTHING_YET)


def look_up_and_keep(tx: Transaction, purchases: Collection[Clues]) -> Kept:
    """What is known of the merchants and places of purchases: kept with what was known before, or in its place where that has changed."""
    found = Kept(revision=store.revision(tx), book=service.look_up(tx, purchases))
    with KEPT_LOCK:
        kept = at_hand(tx.database)
        if kept.revision == found.revision and len(kept.book) < MOST_KEPT:
            kept.book.add(found.book)
            return kept
        if kept.revision <= found.revision:
            KEPT[tx.database] = found
        return found
