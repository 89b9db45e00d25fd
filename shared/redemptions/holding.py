"""Holding the customer shards of all whom a batch of messages concerns."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from shared.kernel.errors import Busy
from shared.kernel.shards import shard_of
from shared.platform.call import Transaction
from shared.platform.locks import lock_shards
from shared.redemptions import history


class NotHeld(Busy):
    """What is told otherwise is of a customer whose shard is not held."""

    code = "not_held"


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """The shards that a transaction holds, and of how many."""

    numbers: frozenset[int]
    shards: int

    @classmethod
    def of(cls, tx: Transaction, shard: int, shards: int, *, and_of: Iterable[str] = ()) -> Self:
        """Hold a shard, and those of whom messages with these ids are that may be told otherwise."""
        whose = history.read_whose(tx, ids) if (ids := list(and_of)) else ()
        numbers = frozenset({shard, *(shard_of(one, shards) for one in whose)})
        lock_shards(tx, numbers)
        return cls(numbers=numbers, shards=shards)

    def require(self, whose: str) -> None:
        """Raise NotHeld where whose shard it is is not held."""
        if shard_of(whose, self.shards) not in self.numbers:
            raise NotHeld
