"""The history of purchases in PostgreSQL; every statement takes a whole batch."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
from psycopg.rows import DictRow

from events.payloads import MAX_SEQUENCE, FileOrigin
from events.payloads import Transaction as Posted
from shared.eligibility.life import Kind, Message, given_back, purchase_of
from shared.eligibility.model import Item, Purchase
from shared.kernel.reasons import Reason
from shared.platform.call import Transaction
from shared.platform.database import Queries, copy_rows, joined, prepared, rows
from shared.redemptions.purchases import Arrival, Filed
from shared.redemptions.routing import Routed
from shared.redemptions.words import Tellers
from shared.redemptions.words import read as read_tellers
from shared.redemptions.words import written as written_tellers

SQL = Queries(__file__)
Pair = tuple[str, UUID]
Key = tuple[str, str, int]
"""What tells a message from all others: transaction id, kind, sequence."""

MESSAGE: Final = (
    "text", "text", "int4", "int4", "text", "text", "timestamptz", "int8", "text", "text", "text", "text", "text", "text", "text",
    "text", "text", "text", "text", "text", "text", "text", "text", "text", "int8", "int8", "int8", "text", "uuid[]", "bytea",
    "timestamptz", "text", "text", "timestamptz", "timestamptz", "bool", "text", "bool", "text", "text",
)  # fmt: skip
"""Types of the columns of copy_messages."""
COLUMNS: Final = (
    "transaction_id", "kind", "sequence", "sequence_count", "purchase_id", "customer_id", "at", "amount_minor", "currency", "merchant_id",
    "matched_by", "merchant_said", "network", "network_merchant_id", "descriptor", "location_id", "mcc", "zone", "brand", "channel",
    "country", "region", "city", "card_product", "tip_minor", "tax_minor", "cash_back_minor", "items", "offers", "content_hash",
    "recorded_at", "card_token", "account_token", "posted_at", "expires_at", "loose", "unmatched", "by_card", "told_by", "product_said",
)  # fmt: skip
"""Their names, as they are restated."""


def read_lives(tx: Transaction, ids: Collection[str], customer_ids: Collection[str], *, withdrawn: bool = False) -> list[Filed]:
    """All that is on file with these transaction ids or of these purchases, and these customers' refunds that name no purchase.

    What is `withdrawn` is left out unless asked for.
    """
    found = rows(tx.connection, SQL["read_lives"], transaction_ids=joined(ids), customer_ids=joined(customer_ids))
    return [_filed(row) for row in found if withdrawn or not row["withdrawn"]]


def spoken_of(tx: Transaction, purchase_ids: Collection[str]) -> set[str]:
    """Those of the purchases of which a message is on file, or that redemptions were forced for; those of refunds tell nothing of them."""
    return {row["transaction_id"] for row in rows(tx.connection, SQL["spoken_of"], purchase_ids=joined(purchase_ids))}


def read_all(tx: Transaction, customer_ids: Collection[str]) -> list[Filed]:
    """All that is on file of customers."""
    return [_filed(row) for row in rows(tx.connection, SQL["read_all"], customer_ids=joined(customer_ids))]


def read_cards(tx: Transaction, card_tokens: Collection[str]) -> list[Filed]:
    """All that is on file of purchases with these cards, and of those that refunds to them are for."""
    return [_filed(row) for row in rows(tx.connection, SQL["read_cards"], card_tokens=joined(card_tokens))]


def read_places(tx: Transaction, location_ids: Collection[str], *, after: str | None, most: int) -> list[Filed]:
    """All that is on file of purchases at places, of so many transactions at most, in order from after one."""
    found = rows(tx.connection, SQL["read_places"], location_ids=list(location_ids), after=after, most=most)
    return [_filed(row) for row in found]


def refunded(tx: Transaction, card_tokens: Collection[str]) -> set[str]:
    """Those of the cards to which refunds are on file that name no customer."""
    return {row["card_token"] for row in rows(tx.connection, SQL["refunded"], card_tokens=joined(card_tokens))}


def loose_apart(tx: Transaction, card_tokens: Collection[str]) -> set[str]:
    """Those of the cards with a refund that names neither customer nor purchase, and with purchases of another than it is with."""
    return {row["card_token"] for row in rows(tx.connection, SQL["loose_apart"], card_tokens=joined(card_tokens))}


def take_refunds(tx: Transaction, *, most: int) -> list[str]:
    """Refunds by card that were taken and are to be looked at once more, so many at most; they are not told of again."""
    return [row["transaction_id"] for row in rows(tx.connection, SQL["take_refunds"], most=most)]


def apart(tx: Transaction, refund_ids: Sequence[str]) -> set[str]:
    """Cards of those of these refunds that name no customer, and are with another than purchases that they may be for."""
    return {row["card_token"] for row in rows(tx.connection, SQL["apart"], transaction_ids=refund_ids)}


def told_early(tx: Transaction, *, since: datetime, most: int) -> list[Pair]:
    """Histories with purchases that were told before their moment, of offers on which was decided in between and since a moment."""
    return [(row["customer_id"], row["offer_id"]) for row in rows(tx.connection, SQL["told_early"], since=since, most=most)]


class Known(NamedTuple):
    """What is known of a customer's purchases under an offer, and what refunds gave back of those that are not known themselves."""

    purchases: list[Purchase]
    given_back: dict[tuple[str, str], int]


def read_known(tx: Transaction, pairs: Collection[Pair], fresh: Iterable[Filed] = ()) -> dict[Pair, Known]:
    """The purchases of customers under offers, as all that is on file, and what is fresh, tells of them together."""
    values = {"customer_ids": joined({customer for customer, _ in pairs}), "offer_ids": list({offer for _, offer in pairs})}
    lives: dict[tuple[str, str], list[tuple[Message, Collection[UUID]]]] = {}
    for row in rows(tx.connection, SQL["read_messages"], **values):
        lives.setdefault((row["customer_id"], row["purchase_id"]), []).append((message_of_row(row), row["offers"]))
    for one in fresh:
        if one.offers and one.customer_id is not None and one.message.purchase_id is not None:
            lives.setdefault((one.customer_id, one.message.purchase_id), []).append((one.message, one.offers))
    found = {pair: Known([], {}) for pair in pairs}
    for (customer_id, _), messages in lives.items():
        under = {offer_id for _, offers in messages for offer_id in offers}
        wanted = [found[pair] for offer_id in under if (pair := (customer_id, offer_id)) in found]
        told = [message for message, _ in messages]
        purchase = purchase_of(told) if wanted else None
        for history in wanted:
            if purchase:
                history.purchases.append(purchase)
            else:
                history.given_back.update(given_back(told))
    return found


def add(tx: Transaction, fresh: Collection[Filed]) -> None:
    """Add messages to the history."""
    copy_rows(tx.connection, SQL["copy_messages"], MESSAGE, map(_row, fresh))
    _note_refunds(tx, fresh)


def _note_refunds(tx: Transaction, told: Iterable[Filed]) -> None:
    """Let refunds by card be looked at once more: a purchase that is taken at this moment in another shard is not seen yet."""
    refunds = [one.message.said.transaction_id for one in told if one.by_card and one.message.kind is Kind.REFUND and not one.withdrawn]
    if refunds:
        tx.connection.execute(SQL["note_refunds"], {"transaction_ids": sorted(refunds)})


def file_under_more(tx: Transaction, more: Collection[tuple[Key, UUID]]) -> None:
    """File messages that are on file under more offers."""
    values = {"offer_ids": joined(offer_id for _, offer_id in more), "now": tx.now}
    tx.connection.execute(SQL["file_under_more"], _keys(key for key, _ in more) | values)


def restate(tx: Transaction, messages: Collection[Filed]) -> None:
    """Bring it up to date what messages say, or that they are withdrawn."""
    told = orjson.dumps([dict(zip(COLUMNS, _plain(one), strict=True)) | {"withdrawn": one.withdrawn} for one in messages])
    tx.connection.execute(SQL["restate"], {"messages": told.decode(), "now": tx.now})
    _open_again(tx, messages)
    _note_refunds(tx, messages)


def retell(tx: Transaction, told: Mapping[Key, Tellers]) -> None:
    """Bring it up to date who tells messages in the words that stand."""
    tx.connection.execute(SQL["retell"], _keys(told) | {"told_by": [written_tellers(tellers) for tellers in told.values()]})


def read_whose(tx: Transaction, transaction_ids: Iterable[str]) -> set[str]:
    """Whose, or of which cards, those of these messages are that may be told otherwise."""
    return {row["whose"] for row in rows(tx.connection, SQL["read_whose"], transaction_ids=joined(transaction_ids))}


def newest_revision(tx: Transaction, origin: FileOrigin) -> int:
    """The newest revision of a file of which anything came, that of the origin included, which is noted where no later one came."""
    found = prepared(tx.connection, SQL["read_file_revision"], file_id=origin.file_id)
    newest = found[0]["revision"] if found else 1
    if origin.revision > newest:  # rarely: the row is held until the transaction ends
        tx.connection.execute(SQL["put_file_revision"], {"file_id": origin.file_id, "revision": origin.revision})
    return max(newest, origin.revision)


def move(tx: Transaction, moved: Collection[Filed]) -> None:
    """Bring it up to date whose messages are, of which account, and with which kind of card."""
    values = {
        "customer_ids": [one.customer_id for one in moved],
        "account_tokens": [one.message.said.account_token for one in moved],
        "card_products": [one.message.said.card_product for one in moved],
        "now": tx.now,
    }
    tx.connection.execute(SQL["move"], _keys(one.message.key for one in moved) | values)
    _open_again(tx, moved)


def _open_again(tx: Transaction, changed: Iterable[Filed]) -> None:
    """Let it be seen anew whether authorisations are closed: what closed them may be another's now, or told no more."""
    transaction_ids = list({one.message.said.transaction_id for one in changed if one.message.kind is not Kind.REFUND})
    tx.connection.execute(SQL["open_again"], {"transaction_ids": transaction_ids, "now": tx.now})


def rematch(tx: Transaction, refunds: Collection[Filed]) -> None:
    """Bring it up to date which purchases refunds are for, by whose word, and under which offers they are."""
    values = {
        "loose": [one.loose for one in refunds],
        "purchase_ids": [one.message.purchase_id for one in refunds],
        "unmatched": [one.unmatched.code if one.unmatched else None for one in refunds],
        "offers": [joined(one.offers) for one in refunds],
        "now": tx.now,
    }
    tx.connection.execute(SQL["rematch"], _keys(one.message.key for one in refunds) | values)


def match_anew(tx: Transaction, messages: Collection[Filed]) -> None:
    """Bring it up to date which merchants messages are matched to, and what these and their places tell."""
    told = [one.message.said for one in messages]
    values = {
        "merchant_ids": [said.merchant_id for said in told],
        "matched_by": [said.matched_by for said in told],
        "brands": [said.brand for said in told],
        "mccs": [said.mcc for said in told],
        "zones": [said.zone for said in told],
        "countries": [said.country for said in told],
        "regions": [said.region for said in told],
        "now": tx.now,
    }
    tx.connection.execute(SQL["match_anew"], _keys(one.message.key for one in messages) | values)


def close_due(tx: Transaction, *, now: datetime, again_at: datetime, most: int) -> tuple[int, list[Routed]]:
    """Close authorisations that waited too long, at most so many: how many, and what is to be said of those that expired, and to whom.

    Those are closed once it is on file; if it is not by `again_at`, it is to be said once more.
    """
    held = rows(tx.connection, SQL["hold_due"], now=now, most=most)
    if not held:
        return 0, []
    keys = _keys((row["transaction_id"], row["kind"], row["sequence"]) for row in held)
    expired = rows(tx.connection, SQL["close_due"], **keys, now=now, again_at=again_at, last=MAX_SEQUENCE)
    return len(held), [(row["customer_id"] or row["card_token"], _expiry(row)) for row in expired]


def _expiry(row: DictRow) -> Posted:
    """That an authorisation expired, said as the authorisation was: of its customer, or of its card."""
    customer_id = None if row["by_card"] else row["customer_id"]
    return Posted(kind=Kind.EXPIRY.value, amount=0, customer_id=customer_id, **{name: row[name] for name in EXPIRED})


EXPIRED: Final = (
    "transaction_id", "sequence", "at", "currency", "merchant_id", "network", "network_merchant_id", "descriptor", "card_token",
)  # fmt: skip


def set_aside(tx: Transaction, arrivals: Sequence[Arrival], reason: Reason, origin: FileOrigin | None) -> None:
    """Keep messages that could not be taken, with the reason and the file that told them."""
    values = {
        "file_id": origin.file_id if origin else "",
        "revision": origin.revision if origin else 0,
        "hashes": [one.filed.content_hash for one in arrivals],
        "payloads": [one.posted.model_dump_json() for one in arrivals],
        "reason": reason.code,
        "now": tx.now,
    }
    tx.connection.execute(SQL["set_aside"], _keys(one.filed.message.key for one in arrivals) | values)


def read_set_aside(tx: Transaction, keys: Iterable[Key]) -> dict[FileOrigin | None, list[Posted]]:
    """What was set aside because of these messages, oldest first, by the file that told it."""
    found: dict[tuple[str, int], list[Posted]] = {}
    for row in rows(tx.connection, SQL["read_set_aside"], **_keys(keys)):
        found.setdefault((row["file_id"], row["revision"]), []).append(Posted.model_validate_json(row["payload"]))
    origins = {told: FileOrigin(file_id=told[0], revision=told[1]) if told[0] else None for told in found}
    return {origins[told]: messages for told, messages in found.items()}


def message_of_row(row: Mapping[str, Any]) -> Message:
    """A message from a row of the history."""
    items = row["items"]
    said = Purchase(
        transaction_id=row["transaction_id"],
        at=row["at"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        merchant_id=row["merchant_id"],
        matched_by=row["matched_by"],
        network_merchant_id=row["network_merchant_id"],
        descriptor=row["descriptor"],
        location_id=row["location_id"],
        mcc=row["mcc"],
        zone=row["zone"],
        brand=row["brand"],
        channel=row["channel"],
        country=row["country"],
        region=row["region"],
        card_product=row["card_product"],
        tip_minor=row["tip_minor"],
        tax_minor=row["tax_minor"],
        cash_back_minor=row["cash_back_minor"],
        recorded_at=row["recorded_at"],
        items=tuple([Item(*item) for item in orjson.loads(items)]) if items else (),
        card_token=row["card_token"],
        account_token=row["account_token"],
        posted_at=row["posted_at"],
    )
    return Message(
        kind=KINDS[row["kind"]],
        sequence=row["sequence"],
        purchase_id=row["purchase_id"],
        said=said,
        sequence_count=row["sequence_count"],
    )


KINDS: Final = {kind.value: kind for kind in Kind}


def _filed(row: DictRow) -> Filed:
    return Filed(
        message=message_of_row(row),
        customer_id=row["customer_id"],
        by_card=row["by_card"],
        offers=frozenset(row["offers"]),
        content_hash=row["content_hash"],
        loose=row["loose"],
        unmatched=Reason.of(row["unmatched"]) if row["unmatched"] else None,
        expires_at=row["expires_at"],
        merchant_said=row["merchant_said"],
        product_said=row["product_said"],
        network=row["network"],
        city=row["city"],
        told_by=read_tellers(row["told_by"]),
        withdrawn=row["withdrawn"],
    )


def _row(one: Filed) -> tuple[object, ...]:
    message, p = one.message, one.message.said
    items = orjson.dumps([tuple(item) for item in p.items]).decode() if p.items else None
    return (
        p.transaction_id, message.kind.value, message.sequence, message.sequence_count, message.purchase_id, one.customer_id, p.at,
        p.amount_minor, p.currency, p.merchant_id, p.matched_by, one.merchant_said, one.network, p.network_merchant_id, p.descriptor,
        p.location_id, p.mcc, p.zone, p.brand, p.channel, p.country, p.region, one.city, p.card_product, p.tip_minor, p.tax_minor,
        p.cash_back_minor, items, list(one.offers), one.content_hash, p.recorded_at, p.card_token, p.account_token, p.posted_at,
        one.expires_at, one.loose, one.unmatched.code if one.unmatched else None, one.by_card, written_tellers(one.told_by),
        one.product_said,
    )  # fmt: skip


def _plain(one: Filed) -> tuple[object, ...]:
    """A row as JSON has it."""
    return tuple(rf"\x{value.hex()}" if isinstance(value, bytes) else value for value in _row(one))


def _keys(keys: Iterable[Key]) -> dict[str, list[Any]]:
    keys = list(keys)
    return {"transaction_ids": [key[0] for key in keys], "kinds": [key[1] for key in keys], "sequences": [key[2] for key in keys]}
