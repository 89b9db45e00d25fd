"""Aliases, clues and books with valid defaults; a test changes one thing."""

from datetime import datetime
from typing import Any, Final

from shared.merchants.ladder import Book, Clues
from shared.merchants.model import CIRCUMSTANCES, Alias, Rung, Value
from tests.conftest import NOW


def alias(merchant: str = "m1", rung: str = "acquirer", value: str = "a-77", **overrides: Any) -> Alias:
    """A name of a merchant; moments as text."""
    asks = frozenset((name, overrides.pop(name)) for name in CIRCUMSTANCES if name in overrides)
    moments: dict[str, Any] = {name: datetime.fromisoformat(overrides.pop(name)) for name in MOMENTS if name in overrides}
    return Alias(merchant_id=merchant, rung=Rung(rung), value=value, asks=asks, **moments, **overrides)


def clues(**said: Any) -> Clues:
    """What is said of a purchase made NOW."""
    return Clues(**{"at": NOW, **said})


def book(*aliases: Alias) -> Book:
    """What is known of merchants: these names."""
    found: dict[Value, list[Alias]] = {}
    for one in aliases:
        found.setdefault(one.found_by, []).append(one)
    return Book(aliases=found)


MOMENTS: Final = ("valid_from", "valid_to")
