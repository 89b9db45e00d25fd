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


def pass_shards(tx: Transaction, shards: Iterable[int]) -> None:
    """Wait until whoever holds one of these shards now has committed, one shard after the other.

    What they wrote is seen by the next statement, and whoever holds a shard from then on sees what was committed before. None is held
    for longer than it takes to let go of it; a transaction that holds some already might wait for one that waits for it.
    """
    tx.connection.execute(SQL["pass_shards"], {"kind": SHARDS, "shards": sorted(set(shards))})
