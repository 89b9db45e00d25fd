"""Merchants in PostgreSQL: values in, values out."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from psycopg.rows import DictRow

from shared.kernel.errors import NotFound
from shared.merchants.ladder import Book
from shared.merchants.model import CIRCUMSTANCES, Alias, Location, Merchant, Place, Rung, Value
from shared.platform.call import Transaction
from shared.platform.database import Queries, exactly_one, joined, one, prepared, rows

SQL = Queries(__file__)


def put(tx: Transaction, merchants: Sequence[Merchant]) -> list[str]:
    """Store merchants, their places and their other names, each once, in four statements. Who has names holds their lock.

    Returns the places of which more is told than was known.
    """
    values = {
        "merchant_ids": [m.merchant_id for m in merchants],
        "names": [m.name for m in merchants],
        "brands": [m.brand for m in merchants],
        "mccs": [m.mcc for m in merchants],
    }
    tx.connection.execute(SQL["upsert_merchants"], values | {"now": tx.now})
    places = [(m.merchant_id, at) for m in merchants for at in m.locations]
    values = {
        "merchant_ids": [merchant_id for merchant_id, _ in places],
        "location_ids": [at.location_id for _, at in places],
        "zones": [at.zone for _, at in places],
        "countries": [at.country for _, at in places],
        "regions": [at.region for _, at in places],
        "cities": [at.city for _, at in places],
    }
    more = [row["location_id"] for row in rows(tx.connection, SQL["tell_more"], **values)] if places else []
    tx.connection.execute(SQL["upsert_locations"], values | {"now": tx.now})
    aliases = [alias for m in merchants for alias in m.aliases]
    if aliases:  # who has none must not wait for who holds the lock while it holds rows of merchants
        tx.connection.execute(SQL["upsert_aliases"], _columns(aliases) | {"now": tx.now})
    return more


def lock_aliases(tx: Transaction, values: Collection[Value]) -> list[Alias]:
    """All aliases with these values; nobody else adds any until the transaction ends."""
    tx.connection.execute(SQL["lock_aliases"])
    found = rows(tx.connection, SQL["read_aliases"], rungs=[rung.value for rung, _ in values], values=[value for _, value in values])
    return [_alias(row) for row in found]


def read(tx: Transaction, merchant_id: str) -> Merchant:
    """One merchant with all its places and names. Raises NotFound."""
    row = one(tx.connection, SQL["read_merchant"], merchant_id=merchant_id)
    if row is None:
        raise NotFound("There is no such merchant.")
    locations = rows(tx.connection, SQL["read_locations"], merchant_id=merchant_id)
    aliases = rows(tx.connection, SQL["aliases_of"], merchant_id=merchant_id)
    return Merchant(**row, locations=tuple(Location(**location) for location in locations), aliases=tuple(map(_alias, aliases)))


def book(tx: Transaction, values: Collection[Value], location_ids: Collection[str], as_of: datetime | None = None) -> Book:
    """What is known, or was at a moment, of these names and places, in two statements."""
    past, read = ({}, rows) if as_of is None else ({"as_of": as_of}, prepared)
    asked: dict[Rung, set[str]] = {rung: set() for rung in Rung}
    for rung, value in values:
        asked[rung].add(value)
    names = {
        "merchant_ids": joined(asked[Rung.MERCHANT_ID]),
        "network_merchant_ids": joined(asked[Rung.NETWORK]),
        "descriptors": list(asked[Rung.DESCRIPTOR]),
    }
    aliases: dict[Value, list[Alias]] = {value: [] for value in values}
    brands = {}
    for row in read(tx.connection, SQL["book_as_of" if past else "book"], **names, **past):
        brand, alias = row.pop("brand"), _alias(row)
        aliases[alias.found_by].append(alias)
        if brand:
            brands[alias.merchant_id] = brand
    places = read(tx.connection, SQL["places_as_of" if past else "places"], location_ids=list(location_ids), **past)
    found = {row.pop("location_id"): Place(**row) for row in places}
    return Book(aliases=aliases, brands=brands, places=dict.fromkeys(location_ids) | found)


def revision(tx: Transaction) -> int:
    """How often merchants have changed."""
    return int(exactly_one(tx.connection, SQL["read_revision"])["revision"])


def _columns(aliases: Sequence[Alias]) -> dict[str, list[Any]]:
    asked = [dict(alias.asks) for alias in aliases]
    circumstances = ("mccs", "countries", "regions", "cities", "location_ids")
    columns: dict[str, list[Any]] = {
        column: [a.get(name) for a in asked] for column, name in zip(circumstances, CIRCUMSTANCES, strict=True)
    }
    return columns | {
        "rungs": [alias.rung.value for alias in aliases],
        "values": [alias.value for alias in aliases],
        "merchant_ids": [alias.merchant_id for alias in aliases],
        "networks": [alias.network for alias in aliases],
        "valid_from": [alias.valid_from for alias in aliases],
        "valid_to": [alias.valid_to for alias in aliases],
    }


def _alias(row: DictRow) -> Alias:
    asks = {name: row.pop(name) for name in CIRCUMSTANCES}
    return Alias(**row | {"rung": Rung(row["rung"])}, asks=frozenset((name, wanted) for name, wanted in asks.items() if wanted))
