"""Merchants in PostgreSQL: values in, values out."""

from collections.abc import Collection, Sequence

from shared.kernel.errors import NotFound
from shared.merchants.model import Location, Merchant, Place
from shared.platform.call import Transaction
from shared.platform.database import Queries, one, rows

SQL = Queries(__file__)


def put(tx: Transaction, merchants: Sequence[Merchant]) -> None:
    """Store merchants and their places, each id once, in two statements."""
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
    }
    tx.connection.execute(SQL["upsert_locations"], values | {"now": tx.now})


def read(tx: Transaction, merchant_id: str) -> Merchant:
    """One merchant with all its places. Raises NotFound."""
    row = one(tx.connection, SQL["read_merchant"], merchant_id=merchant_id)
    if row is None:
        raise NotFound("There is no such merchant.")
    locations = rows(tx.connection, SQL["read_locations"], merchant_id=merchant_id)
    return Merchant(**row, locations=tuple(Location(**location) for location in locations))


def places(tx: Transaction, location_ids: Collection[str]) -> dict[str, Place]:
    """What those of the locations that are known tell of a purchase."""
    found = rows(tx.connection, SQL["places"], location_ids=list(location_ids))
    return {row.pop("location_id"): Place(**row) for row in found}


def brands(tx: Transaction, merchant_ids: Collection[str]) -> dict[str, str]:
    """The brand of each of the merchants that has one."""
    found = rows(tx.connection, SQL["brands"], merchant_ids=list(merchant_ids))
    return {row["merchant_id"]: row["brand"] for row in found}
