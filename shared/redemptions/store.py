"""Histories and redemptions in PostgreSQL; every statement takes a whole batch."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from operator import attrgetter
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
from psycopg.rows import DictRow

from events.payloads import StatementCredit
from shared.eligibility.model import Grant, Interval, Item, Purchase
from shared.kernel.reasons import Reason
from shared.platform.call import Transaction
from shared.platform.database import Queries, copy_rows, joined, rows
from shared.redemptions.model import Redemption, State
from shared.redemptions.purchases import Arrival

SQL = Queries(__file__)
Pair = tuple[str, UUID]

TRANSACTION: Final = (
    "text", "text", "text", "timestamptz", "int8", "text", "text", "text", "text", "text", "text", "text", "text", "text", "text", "text",
    "int8", "int8", "int8", "text", "uuid[]", "bytea", "timestamptz",
)  # fmt: skip
REDEMPTION: Final = (
    "uuid", "uuid", "int4", "uuid", "uuid", "text", "text", "int8", "int8", "int8", "text", "int8", "int4", "text", "timestamptz",
    "timestamptz", "text", "int4", "timestamptz",
)  # fmt: skip
CREDIT: Final = ("uuid", "uuid", "text", "uuid", "int8", "text", "timestamptz")
"""Types of the columns of the COPY statements."""

UPDATED: Final = (
    "redemption_id", "state", "wanted_minor", "reward_minor", "qualifying_minor", "version", "transaction_id", "earned_at", "payable_at",
    "reason", "revision",
)  # fmt: skip


class Known(NamedTuple):
    """What is in the history of a transaction: the hash of what it said, the offers that it is filed under."""

    content_hash: bytes
    offers: frozenset[UUID]


def known_transactions(tx: Transaction, transaction_ids: Collection[str]) -> dict[str, Known]:
    """Which of these transactions are in the history."""
    found = rows(tx.connection, SQL["known_transactions"], transaction_ids=joined(transaction_ids))
    return {row["transaction_id"]: Known(row["content_hash"], frozenset(row["offers"])) for row in found}


def add_transactions(tx: Transaction, arrivals: Iterable[Arrival]) -> None:
    """Add purchases to the history, each under the offers in whose scope it fell."""
    copy_rows(tx.connection, SQL["copy_transactions"], TRANSACTION, map(_arrival, arrivals))


def file_under_more(tx: Transaction, arrivals: Iterable[Arrival]) -> None:
    """File purchases that are in the history under the offers of these arrivals too."""
    more = [(arrival.purchase.transaction_id, offer_id) for arrival in arrivals for offer_id in arrival.offers]
    values = {
        "transaction_ids": joined(transaction_id for transaction_id, _ in more),
        "offer_ids": joined(offer_id for _, offer_id in more),
    }
    tx.connection.execute(SQL["file_under_more"], values)


def set_aside(tx: Transaction, arrivals: Sequence[Arrival], reason: Reason) -> None:
    """Keep purchases that could not be taken, with the reason."""
    values = {
        "transaction_ids": [a.purchase.transaction_id for a in arrivals],
        "hashes": [a.content_hash for a in arrivals],
        "payloads": [a.posted.model_dump_json() for a in arrivals],
        "reason": reason.code,
        "now": tx.now,
    }
    tx.connection.execute(SQL["set_aside"], values)


def read_grants(tx: Transaction, pairs: Collection[Pair]) -> dict[Pair, list[Grant]]:
    """The grants of customers and offers; pairs without any are left out."""
    values = {"customer_ids": joined(customer for customer, _ in pairs), "offer_ids": joined(offer for _, offer in pairs)}
    found: dict[Pair, list[Grant]] = {}
    for row in rows(tx.connection, SQL["read_grants"], **values):
        grant = Grant(
            grant_id=row["grant_id"], granted_at=row["granted_at"], activated_at=row["activated_at"], revoked_at=row["revoked_at"]
        )
        found.setdefault((row["customer_id"], row["offer_id"]), []).append(grant)
    return found


def read_customers(tx: Transaction, customer_ids: Collection[str]) -> dict[str, tuple[str | None, tuple[Interval, ...]]]:
    """Zone of each customer, and the intervals in which consent did not stand."""
    found = rows(tx.connection, SQL["read_customers"], customer_ids=joined(customer_ids))
    return {row["customer_id"]: (row["zone"], without_consent(row["changed"] or [], row["given"] or [])) for row in found}


def read_purchases(tx: Transaction, pairs: Collection[Pair]) -> dict[Pair, list[Purchase]]:
    """The purchases of customers under offers."""
    values = {"customer_ids": joined({customer for customer, _ in pairs}), "offer_ids": list({offer for _, offer in pairs})}
    found: dict[Pair, list[Purchase]] = {pair: [] for pair in pairs}
    for row in rows(tx.connection, SQL["read_transactions"], **values):
        wanted = [found[pair] for offer in row["offers"] if (pair := (row["customer_id"], offer)) in found]
        if wanted:
            purchase = purchase_of_row(row)
            for history in wanted:
                history.append(purchase)
    return found


def read_redemptions(tx: Transaction, grant_ids: Collection[UUID]) -> list[Redemption]:
    """What is on record of grants."""
    return [_redemption(row) for row in rows(tx.connection, SQL["read_redemptions"], grant_ids=joined(grant_ids))]


def write_redemptions(tx: Transaction, redemptions: Sequence[Redemption]) -> None:
    """Write redemptions: new ones (first revision) are added, the others brought up to date."""
    new = [r for r in redemptions if r.revision == 1]
    changed = [r for r in redemptions if r.revision > 1]
    if new:
        copy_rows(tx.connection, SQL["copy_redemptions"], REDEMPTION, (_new(redemption, tx) for redemption in new))
    if changed:
        columns = {name: [_plain(value) for value in map(attrgetter(name), changed)] for name in UPDATED}
        tx.connection.execute(SQL["update_redemptions"], columns | {"now": tx.now})


def lock_offer_totals(tx: Transaction, offer_ids: Collection[UUID]) -> dict[UUID, int]:
    """Redemptions given of offers that have a limit in total, held until the transaction ends."""
    values = {"offer_ids": list(offer_ids)}
    tx.connection.execute(SQL["open_offer_totals"], values)
    return {row["offer_id"]: row["redemptions"] for row in rows(tx.connection, SQL["lock_offer_totals"], **values)}


def add_offer_totals(tx: Transaction, given: Mapping[UUID, int]) -> None:
    """Count redemptions given of offers whose totals are held."""
    tx.connection.execute(SQL["add_offer_totals"], {"offer_ids": list(given), "redemptions": list(given.values())})


def count_refusals(tx: Transaction, counts: Mapping[tuple[UUID, Reason], int]) -> None:
    """Count purchases that earned nothing, by offer and reason."""
    values = {
        "offer_ids": [offer_id for offer_id, _ in counts],
        "reasons": [reason.code for _, reason in counts],
        "purchases": list(counts.values()),
    }
    tx.connection.execute(SQL["count_refusals"], values)


def lock_payable(tx: Transaction, redemption_ids: Collection[UUID], *, now: datetime) -> list[Redemption]:
    """Those of the redemptions that are owed something now, held until the transaction ends."""
    return [_redemption(row) for row in rows(tx.connection, SQL["lock_payable"], redemption_ids=list(redemption_ids), now=now)]


def write_credits(tx: Transaction, owed: Sequence[tuple[Redemption, StatementCredit]]) -> None:
    """Write statement credits, each of all that is owed of its redemption, and mark these paid."""
    copy_rows(tx.connection, SQL["copy_credits"], CREDIT, (_credit(redemption, credit, tx) for redemption, credit in owed))
    tx.connection.execute(SQL["mark_paid"], {"redemption_ids": [redemption.redemption_id for redemption, _ in owed], "now": tx.now})


def release_due(tx: Transaction, *, now: datetime, most: int) -> list[tuple[UUID, str]]:
    """Redemptions whose hold is over become payable, at most so many; each with its customer."""
    found = rows(tx.connection, SQL["release_due"], now=now, most=most)
    return [(row["redemption_id"], row["customer_id"]) for row in found]


def without_consent(changed: Sequence[datetime], given: Sequence[bool]) -> tuple[Interval, ...]:
    """The intervals in which consent did not stand, of its changes in order."""
    if not changed:
        return ()
    ends = chain(changed[1:], [None])
    return tuple(Interval(start=at, end=end) for at, end, stands in zip(changed, ends, given, strict=False) if not stands)


def purchase_of_row(row: Mapping[str, Any]) -> Purchase:
    """A purchase from a row of the history."""
    items = row["items"]
    return Purchase(
        transaction_id=row["transaction_id"],
        at=row["at"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        merchant_id=row["merchant_id"],
        location_id=row["location_id"],
        mcc=row["mcc"],
        zone=row["zone"],
        brand=row["brand"],
        network_merchant_id=row["network_merchant_id"],
        channel=row["channel"],
        country=row["country"],
        region=row["region"],
        card_product=row["card_product"],
        tip_minor=row["tip_minor"],
        tax_minor=row["tax_minor"],
        cash_back_minor=row["cash_back_minor"],
        recorded_at=row["recorded_at"],
        items=tuple([Item(*item) for item in orjson.loads(items)]) if items else (),
    )


def _arrival(arrival: Arrival) -> tuple[object, ...]:
    p = arrival.purchase
    items = orjson.dumps([tuple(item) for item in p.items]).decode() if p.items else None
    return (
        p.transaction_id, "purchase", arrival.posted.customer_id, p.at, p.amount_minor, p.currency, p.merchant_id, p.location_id, p.mcc,
        p.zone, p.brand, p.network_merchant_id, p.channel, p.country, p.region, p.card_product, p.tip_minor, p.tax_minor,
        p.cash_back_minor, items, list(arrival.offers), arrival.content_hash, p.recorded_at,
    )  # fmt: skip


def _new(r: Redemption, tx: Transaction) -> tuple[object, ...]:
    return (
        r.redemption_id, r.grant_id, r.ordinal, r.offer_id, r.campaign_id, r.customer_id, r.state.value, r.wanted_minor, r.reward_minor,
        r.paid_minor, r.currency, r.qualifying_minor, r.version, r.transaction_id, r.earned_at, r.payable_at,
        r.reason.code if r.reason else None, r.revision, tx.now,
    )  # fmt: skip


def _credit(redemption: Redemption, credit: StatementCredit, tx: Transaction) -> tuple[object, ...]:
    return (
        credit.credit_id, credit.redemption_id, credit.customer_id, redemption.campaign_id, credit.amount_minor, credit.currency, tx.now,
    )  # fmt: skip


def _redemption(row: DictRow) -> Redemption:
    return Redemption(**row | {"state": State(row["state"]), "reason": Reason.of(row["reason"]) if row["reason"] else None})


def _plain(value: object) -> object:
    return value.value if isinstance(value, State | Reason) else value
