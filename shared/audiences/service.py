"""The use cases of segments, and what other areas may ask of audiences."""

from collections.abc import Collection
from uuid import UUID

from shared.audiences import store
from shared.platform.call import Transaction


def known_segments(tx: Transaction, ids: Collection[UUID]) -> set[UUID]:
    """Those of the segments that exist; for areas that refer to segments."""
    return store.known_segments(tx, ids)
