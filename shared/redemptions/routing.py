"""Messages about purchases on their way to the shard of the customer whom they are about."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from events.payloads import FileOrigin, PurchaseSaid, Transaction, TransactionsPosted
from shared.audiences import cards
from shared.audiences.model import Holder
from shared.kernel.ids import derived_id
from shared.kernel.shards import shard_key, shard_of
from shared.platform import call

EVENT_BYTES: Final = 700_000
"""An event stays below this (estimated) size, so that it fits into a Kafka record with its envelope."""
TRANSACTION_BYTES: Final = 950
ITEM_BYTES: Final = 110

Holders = Mapping[tuple[str, datetime], Holder]
"""Whose cards were, by token and moment."""
Routed = tuple[str, Transaction]
"""A message, and what decides its shard: the customer, or the card while nobody is known to hold it."""


def holders_of(tx: call.Transaction, said: Iterable[PurchaseSaid], *, as_of: datetime | None = None) -> Holders:
    """Whose the cards were that purchases were paid with, in one statement at most; `as_of`: by what was known then."""
    return cards.holders(tx, {(purchase.card_token, purchase.at) for purchase in said if purchase.card_token}, as_of=as_of)


def holder_of(said: PurchaseSaid, holders: Holders) -> Holder | None:
    """Whose the card was that a purchase was paid with."""
    return holders.get((said.card_token, said.at)) if said.card_token else None


def customer_of(said: PurchaseSaid, named: str | None, holders: Holders) -> str | None:
    """Whose purchase it is: who is named goes first, else the card decides; None where that is nobody's as far as is known."""
    holder = None if named else holder_of(said, holders)
    return holder.customer_id if holder else named


def route(messages: Iterable[Transaction], holders: Holders) -> Iterator[Routed]:
    """Messages with what decides their shard."""
    for message in messages:
        yield customer_of(message, message.customer_id, holders) or str(message.card_token), message


def sort_out(messages: Iterable[Transaction], shard: int, holders: Holders, shards: int) -> tuple[list[Transaction], list[Routed]]:
    """What belongs in the shard that it was sent to, and what belongs elsewhere.

    Cards may have passed on while it was on its way, and another system may have reckoned the shard wrongly.
    """
    here, elsewhere = [], []
    for whose, message in route(messages, holders):
        if shard_of(whose, shards) == shard:
            here.append(message)
        else:
            elsewhere.append((whose, message))
    return here, elsewhere


def send(
    tx: call.Transaction, routed: Iterable[Routed], shards: int, *origin: object, bulk: bool = False, file: FileOrigin | None = None
) -> None:
    """Emit messages as events of their shards. From the same origin (where one is told), the same messages are the same events.

    `bulk` says that they are input on its way, as the transaction changes nothing that they tell of, else they are told again; `file` which
    file told them.
    """
    for shard, part in parts(routed, shards):
        keys = (f"{message.transaction_id}/{message.kind}/{message.sequence}" for message in part)
        tx.emit(
            TransactionsPosted(shard=shard, file=file, again=not bulk, transactions=part),
            subject=shard_key(shard),
            key=shard_key(shard),
            event_id=derived_id(*origin, shard, *keys) if origin else None,
            bulk=bulk,
        )


def parts(routed: Iterable[Routed], shards: int) -> Iterator[tuple[int, list[Transaction]]]:
    """The messages by shard, in parts that fit into an event."""
    by_shard: dict[int, list[Transaction]] = {}
    for whose, message in routed:
        by_shard.setdefault(shard_of(whose, shards), []).append(message)
    for shard, all_of_shard in by_shard.items():
        for part in _split(all_of_shard):
            yield shard, part


def _split(messages: list[Transaction]) -> Iterator[list[Transaction]]:
    part: list[Transaction] = []
    size = 0
    for message in messages:
        weight = TRANSACTION_BYTES + ITEM_BYTES * len(message.items)
        if part and size + weight > EVENT_BYTES:
            yield part
            part, size = [], 0
        part.append(message)
        size += weight
    yield part
