"""Merchants and their places as values."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Location:
    """One place of a merchant. `zone` is its IANA time zone, `country` ISO 3166-1 alpha-2, `region` the bank's own word."""

    location_id: str
    zone: str | None
    country: str | None
    region: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Merchant:
    """A merchant as the bank names it, with its merchant category code (ISO 18245)."""

    merchant_id: str
    name: str
    brand: str | None
    mcc: str
    locations: tuple[Location, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What a location tells of a purchase made there."""

    zone: str | None
    merchant_id: str
    mcc: str
    brand: str | None
    country: str | None
    region: str | None
