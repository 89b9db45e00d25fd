"""Control totals: what is counted and added up on both sides of a file, and must agree."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zlib import crc32

ENTRY_HASH_MODULUS: Final = 10**10


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """Of the records of a chunk or a file. Those of its parts, added up in any order, are those of the whole."""

    count: int = 0
    sums: Mapping[str, int] = field(default_factory=dict)
    """What the amounts come to: minor units by currency."""
    entry_hash: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None

    def __add__(self, other: "Totals") -> "Totals":
        moments = [at for at in (self.first_at, self.last_at, other.first_at, other.last_at) if at]
        return Totals(
            count=self.count + other.count,
            sums=dict(Counter(self.sums) + Counter(other.sums)) | _zeros(self.sums, other.sums),
            entry_hash=(self.entry_hash + other.entry_hash) % ENTRY_HASH_MODULUS,
            first_at=min(moments, default=None),
            last_at=max(moments, default=None),
        )

    def told(self) -> dict[str, Any]:
        """As JSON has it."""
        moments = {name: at.isoformat() for name in ("first_at", "last_at") if (at := getattr(self, name))}
        return {"count": self.count, "sums": dict(self.sums), "entry_hash": self.entry_hash, **moments}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Totals":
        """From what `told` gave."""
        moments = {name: datetime.fromisoformat(told[name]) for name in ("first_at", "last_at") if name in told}
        return cls(count=told["count"], sums=told["sums"], entry_hash=told["entry_hash"], **moments)


def _zeros(*sums: Mapping[str, int]) -> dict[str, int]:
    return {currency: 0 for currency in set().union(*sums) if not any(some.get(currency) for some in sums)}


def entry_hash(ids: Iterable[bytes]) -> int:
    """The sum of the CRC-32 of the records' ids modulo 10^10: their order does not matter, as in Nacha's entry hash."""
    return sum(map(crc32, ids)) % ENTRY_HASH_MODULUS
