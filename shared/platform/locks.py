"""Locks that hold until the transaction ends."""

from collections.abc import Iterable
from typing import Final

from shared.platform.call import SQL, Transaction

SHARDS: Final = 0x436C
"""The class of advisory locks that are numbered by customer shard."""


def lock_shards(tx: Transaction, shards: Iterable[int]) -> None:
    """Hold the histories of these shards, so that who folds them and who changes what they are folded from never miss one another.

    In one statement and in ascending order: two that lock several can't wait for each other.
    """
    tx.connection.execute(SQL["lock_shards"], {"kind": SHARDS, "shards": sorted(set(shards))})
