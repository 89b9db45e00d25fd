"""Grants, redemptions and payments in PostgreSQL; every statement takes a whole batch."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

import orjson
from psycopg.rows import DictRow

from events.payloads import StatementCredit
from shared.eligibility.model import Correction, Grant, Interval
from shared.kernel.reasons import Reason
from shared.platform.call import Transaction
from shared.platform.database import Queries, copy_rows, joined, one, prepared, rows
from shared.redemptions.history import Pair
from shared.redemptions.model import Redemption, State
from shared.redemptions.netting import Offset, Settlement
from shared.redemptions.pots import Given, Key, SharedPot

SQL = Queries(__file__)

REDEMPTION: Final = (
    "uuid", "uuid", "text", "uuid", "uuid", "text", "text", "int8", "int8", "int8", "int8", "int8", "text", "int8", "int8", "int4", "text",
    "text", "text", "timestamptz", "timestamptz", "text", "int4", "timestamptz",
)  # fmt: skip
CREDIT: Final = ("uuid", "uuid", "text", "uuid", "int8", "text", "timestamptz")
OFFSET: Final = ("uuid", "uuid", "uuid", "text", "int8", "text", "timestamptz")
"""Types of the columns of the COPY statements."""

UPDATED: Final = (
    "redemption_id", "state", "wanted_minor", "reward_minor", "earned_minor", "written_off_minor", "qualifying_minor", "corrected_minor",
    "version", "transaction_id", "merchant_id", "account_token", "earned_at", "payable_at", "reason", "revision",
)  # fmt: skip


def read_grants(tx: Transaction, pairs: Collection[Pair]) -> dict[Pair, list[Grant]]:
    """The grants of customers and offers; pairs without any are left out."""
    values = {"customer_ids": joined(customer for customer, _ in pairs), "offer_ids": joined(offer for _, offer in pairs)}
    found: dict[Pair, list[Grant]] = {}
    for row in rows(tx.connection, SQL["read_grants"], **values):
        pair = (row.pop("customer_id"), row.pop("offer_id"))
        found.setdefault(pair, []).append(Grant(**row))
    return found


def read_held(tx: Transaction, customer_ids: Collection[str]) -> dict[str, list[UUID]]:
    """Of which offers customers were ever given a grant; those who never were are left out."""
    return {row["customer_id"]: row["offers"] for row in rows(tx.connection, SQL["read_held"], customer_ids=joined(customer_ids))}


def read_customers(tx: Transaction, customer_ids: Collection[str]) -> dict[str, tuple[str | None, tuple[Interval, ...]]]:
    """Zone of each customer, and the intervals in which consent did not stand."""
    found = rows(tx.connection, SQL["read_customers"], customer_ids=joined(customer_ids))
    return {row["customer_id"]: (row["zone"], without_consent(row["changed"] or [], row["given"] or [])) for row in found}


def read_redemptions(tx: Transaction, grant_ids: Collection[UUID]) -> list[Redemption]:
    """What is on record of grants."""
    return [redemption_of_row(row) for row in rows(tx.connection, SQL["read_redemptions"], grant_ids=joined(grant_ids))]


def read_redemption(tx: Transaction, redemption_id: UUID) -> Redemption | None:
    """One redemption on record."""
    row = one(tx.connection, SQL["read_redemption"], redemption_id=redemption_id)
    return redemption_of_row(row) if row else None


def read_corrections(tx: Transaction, grant_ids: Collection[UUID]) -> dict[Pair, list[Correction]]:
    """What was decided of completions of grants, by customer and offer."""
    found: dict[Pair, list[Correction]] = {}
    for row in rows(tx.connection, SQL["read_corrections"], grant_ids=joined(grant_ids)):
        found.setdefault((row["customer_id"], row["offer_id"]), []).append(correction_of_row(row))
    return found


def correction_of_row(row: Mapping[str, Any]) -> Correction:
    """A correction from its row."""
    return Correction(
        correction_id=row["correction_id"],
        grant_id=row["grant_id"],
        completion=row["completion"],
        forces=row["kind"] == "force",
        amount_minor=row["amount_minor"],
        at=row["at"],
        transaction_id=row["transaction_id"],
        merchant_id=row["merchant_id"],
        purchase_minor=row["purchase_minor"],
    )


def forced_purchases(tx: Transaction, purchase_ids: Collection[str]) -> dict[tuple[str | None, str | None], frozenset[UUID]]:
    """The offers under which redemptions were forced for purchases, by customer and purchase."""
    found: dict[tuple[str | None, str | None], frozenset[UUID]] = {}
    for row in rows(tx.connection, SQL["forced_purchases"], transaction_ids=joined(purchase_ids)):
        life = (row["customer_id"], row["transaction_id"])
        found[life] = found.get(life, frozenset()) | {row["offer_id"]}
    return found


def write_redemptions(tx: Transaction, redemptions: Sequence[Redemption]) -> None:
    """Write redemptions: new ones (first revision) are added, the others brought up to date."""
    new = [r for r in redemptions if r.revision == 1]
    changed = [r for r in redemptions if r.revision > 1]
    if new:
        copy_rows(tx.connection, SQL["copy_redemptions"], REDEMPTION, (_new(redemption, tx) for redemption in new))
    if changed:
        columns = {name: [_plain(value) for value in map(attrgetter(name), changed)] for name in UPDATED}
        tx.connection.execute(SQL["update_redemptions"], columns | {"now": tx.now})


def lock_offer_pots(tx: Transaction, keys: Mapping[Key, SharedPot]) -> dict[Key, Given]:
    """What offers' limited pots gave, held until the transaction ends; taken in one order, so nobody waits in a circle."""
    values, from_start = _named(keys), [pot.from_start for pot in keys.values()]
    spans = {"starts": [key.start for key in keys], "stops": [key.stop for key in keys]}
    tx.connection.execute(SQL["open_offer_pots"], values | spans | {"from_start": from_start})
    return _given(keys, rows(tx.connection, SQL["lock_offer_pots"], **values))


def read_given(tx: Transaction, keys: Mapping[Key, SharedPot]) -> dict[Key, Given]:
    """What offers' limited pots gave, without holding them: to be told of, not to be decided by."""
    return _given(keys, prepared(tx.connection, SQL["read_given"], pots=told(keys)))


def _given(keys: Iterable[Key], found: Iterable[DictRow]) -> dict[Key, Given]:
    given = {(row["offer_id"], row["kind"], row["of"]): Given(row["redemptions"], row["cost_minor"]) for row in found}
    return {key: given[key[:3]] for key in keys}


def told(keys: Mapping[Key, SharedPot]) -> str:
    """Offers' limited pots as JSON, as the statements of eligibility take them."""
    return orjson.dumps([key._asdict() | {"from_start": pot.from_start} for key, pot in keys.items()]).decode()


def add_to_offer_pots(tx: Transaction, given: Mapping[Key, Given]) -> None:
    """Count what pots gave that are held."""
    values = {"redemptions": [one.redemptions for one in given.values()], "costs": [one.cost_minor for one in given.values()]}
    tx.connection.execute(SQL["add_to_offer_pots"], _named(given) | values)


def _named(keys: Collection[Key]) -> dict[str, list[Any]]:
    return {"offer_ids": [key.offer_id for key in keys], "kinds": [key.kind for key in keys], "ofs": [key.of for key in keys]}


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
    return [redemption_of_row(row) for row in rows(tx.connection, SQL["lock_payable"], redemption_ids=list(redemption_ids), now=now)]


def lock_debts(tx: Transaction, customer_ids: Collection[str]) -> list[Redemption]:
    """Redemptions of customers of which more was paid than stands, held until the transaction ends; oldest first."""
    return [redemption_of_row(row) for row in rows(tx.connection, SQL["lock_debts"], customer_ids=joined(customer_ids))]


def write_settlements(tx: Transaction, settlements: Sequence[Settlement], statement_credits: Sequence[StatementCredit]) -> None:
    """Write statement credits and offsets, and what was paid by them; of a debt so much less."""
    campaigns = {one.owed.redemption_id: one.owed.campaign_id for one in settlements}
    copy_rows(
        tx.connection, SQL["copy_credits"], CREDIT, (_credit(credit, campaigns[credit.redemption_id], tx) for credit in statement_credits)
    )
    offsets = [offset for one in settlements for offset in one.offsets]
    if offsets:
        copy_rows(tx.connection, SQL["copy_offsets"], OFFSET, (_offset(offset, tx) for offset in offsets))
    paid = Counter({one.owed.redemption_id: one.owed.owed_minor for one in settlements})
    for offset in offsets:
        paid[offset.debt.redemption_id] -= offset.amount_minor
    move_paid(tx, paid, Counter({credit.redemption_id: credit.amount_minor for credit in statement_credits}))


def move_paid(tx: Transaction, paid: Mapping[UUID, int], instructed: Mapping[UUID, int]) -> None:
    """Add (or take away) what was paid of redemptions and what of that is on its way; their states follow."""
    values = {"paid": list(paid.values()), "instructed": [instructed.get(redemption_id, 0) for redemption_id in paid]}
    tx.connection.execute(SQL["move_paid"], values | {"redemption_ids": list(paid), "now": tx.now})


def release_due(tx: Transaction, *, now: datetime, most: int) -> list[tuple[UUID, str]]:
    """Redemptions whose hold is over become payable, at most so many; each with its customer."""
    found = rows(tx.connection, SQL["release_due"], now=now, most=most)
    return [(row["redemption_id"], row["customer_id"]) for row in found]


def release_waits(tx: Transaction, *, most: int, redemption_id: UUID | None = None) -> list[tuple[UUID, str]]:
    """Redemptions that are to be tried again, at most so many, or the one that a person names; each with its customer."""
    found = rows(tx.connection, SQL["release_waits"], now=tx.now, most=most, redemption_id=redemption_id)
    return [(row["redemption_id"], row["customer_id"]) for row in found]


def count_credits(tx: Transaction, redemption_ids: Collection[UUID]) -> dict[UUID, int]:
    """How often redemptions were instructed, of those that were."""
    return {row["redemption_id"]: row["credits"] for row in rows(tx.connection, SQL["count_credits"], redemption_ids=list(redemption_ids))}


def without_consent(changed: Sequence[datetime], given: Sequence[bool]) -> tuple[Interval, ...]:
    """The intervals in which consent did not stand, of its changes in order."""
    if not changed:
        return ()
    ends = chain(changed[1:], [None])
    return tuple(Interval(start=at, end=end) for at, end, stands in zip(changed, ends, given, strict=False) if not stands)


def _new(r: Redemption, tx: Transaction) -> tuple[object, ...]:
    return (
        r.redemption_id, r.grant_id, r.completion, r.offer_id, r.campaign_id, r.customer_id, r.state.value, r.wanted_minor, r.reward_minor,
        r.earned_minor, r.written_off_minor, r.paid_minor, r.currency, r.qualifying_minor, r.corrected_minor, r.version, r.transaction_id,
        r.merchant_id, r.account_token, r.earned_at, r.payable_at, r.reason.code if r.reason else None, r.revision, tx.now,
    )  # fmt: skip


def _credit(credit: StatementCredit, campaign_id: UUID, tx: Transaction) -> tuple[object, ...]:
    return credit.credit_id, credit.redemption_id, credit.customer_id, campaign_id, credit.amount_minor, credit.currency, tx.now


def _offset(offset: Offset, tx: Transaction) -> tuple[object, ...]:
    owed, debt = offset.owed, offset.debt
    return offset.offset_id, owed.redemption_id, debt.redemption_id, owed.customer_id, offset.amount_minor, owed.currency, tx.now


def redemption_of_row(row: DictRow) -> Redemption:
    """A redemption from a row of its table."""
    return Redemption(**row | {"state": State(row["state"]), "reason": Reason.of(row["reason"]) if row["reason"] else None})


def _plain(value: object) -> object:
    return value.value if isinstance(value, State | Reason) else value
