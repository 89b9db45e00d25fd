"""Merchants, their places and their other names as values."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final


class Rung(Enum):
    """What tells the merchant of a purchase; in the order in which it is asked."""

    MERCHANT_ID = "merchant_id"  # the merchant's own id, under which the bank sent it
    ACQUIRER = "acquirer"  # the id that the merchant's acquirer gave it
    NETWORK = "network"  # the id that a card network gave it
    DESCRIPTOR = "descriptor"  # what card statements call it, perhaps of a category or at a place only

    __hash__ = object.__hash__  # asked of each purchase; the one that enumerations have hashes the name anew each time


Value = tuple[Rung, str]
"""What an alias is found by: its rung, and the id or the normalised descriptor."""
CIRCUMSTANCES: Final = ("mcc", "country", "region", "city", "location_id")
"""What an alias may ask of a purchase beside what it is found by."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Alias:
    """Another name of a merchant, which holds from `valid_from` up to, not including, `valid_to`; None is for ever."""

    merchant_id: str
    rung: Rung
    value: str
    network: str | None = None
    asks: frozenset[tuple[str, str]] = frozenset()
    """Circumstances, each by name and value, in which alone it holds."""
    valid_from: datetime | None = None
    valid_to: datetime | None = None

    @property
    def found_by(self) -> Value:
        """What it is looked up by."""
        return self.rung, self.value

    @property
    def name(self) -> tuple[object, ...]:
        """What it says, whoever it names and whenever."""
        return self.rung, self.value, self.network, self.asks

    @property
    def key(self) -> tuple[object, ...]:
        """What tells it from all others: sent again it takes the place of the one with the same key."""
        return self.merchant_id, self.name, self.valid_from

    def overlaps(self, other: "Alias") -> bool:
        """Whether there is a moment at which both hold."""
        return _before(self.valid_from, other.valid_to) and _before(other.valid_from, self.valid_to) and self.ever and other.ever

    @property
    def ever(self) -> bool:
        """Whether it holds at all: one that ends where it begins was taken back."""
        return _before(self.valid_from, self.valid_to)


def _before(start: datetime | None, end: datetime | None) -> bool:
    return start is None or end is None or start < end


@dataclass(frozen=True, kw_only=True, slots=True)
class Location:
    """One place of a merchant. `zone` is its IANA time zone, `country` ISO 3166-1 alpha-2, `region` the bank's own word."""

    location_id: str
    zone: str | None
    country: str | None
    region: str | None
    city: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Merchant:
    """A merchant as the bank names it, with its merchant category code (ISO 18245)."""

    merchant_id: str
    name: str
    brand: str | None
    mcc: str
    locations: tuple[Location, ...]
    aliases: tuple[Alias, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What a location tells of a purchase made there."""

    zone: str | None
    merchant_id: str
    mcc: str
    brand: str | None
    country: str | None
    region: str | None
    city: str | None
