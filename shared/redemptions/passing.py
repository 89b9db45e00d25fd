"""Which messages certainly pass by, found out before anything is made of them: most purchases are for no offer.

One passes by when no offer names a code that it says or that its merchant and place may tell, and neither what came with it nor what is
on file tells more of its purchase. What the others are for is found out by all that is known of them.
"""

from collections.abc import Iterable
from itertools import compress
from operator import not_
from typing import Final

from events.payloads import Transaction as Posted
from events.payloads import TransactionsPosted
from shared.eligibility.life import Kind
from shared.eligibility.matching import Catalogue
from shared.kernel.shards import shard_of
from shared.merchants import service as merchants
from shared.merchants.ladder import Book, Spot
from shared.platform.call import Transaction
from shared.redemptions import history
from shared.redemptions.purchases import SPOT, Surroundings, clues_of
from shared.redemptions.routing import holders_of

REFUND: Final = Kind.REFUND.value


def concerning(tx: Transaction, posted: TransactionsPosted, offers: Catalogue, shards: int) -> tuple[list[Posted], Surroundings]:
    """The messages that may concern us, in order, and what is known beside what they say.

    Refunds may, and so may what names no customer or belongs in another shard.
    """
    messages = posted.transactions
    there = list(map(SPOT, messages))
    clues = {said: clues_of(message) for said, message in dict(zip(there, messages, strict=True)).items()}
    book = merchants.look_up(tx, clues.values())
    spots = {said: Spot.of(of_spot, book) for said, of_spot in clues.items()}
    named = {said for said, spot in spots.items() if offers.may_hold(_codes(spot, book))}
    may = [
        said in named
        or message.customer_id is None
        or message.kind == REFUND
        or shard_of(message.customer_id, shards) != posted.shard
        or (bool(message.items) and offers.may_hold([("products", item.product) for item in message.items]))
        for message, said in zip(messages, there, strict=True)
    ]
    spoken_of = {message.purchase_id for message in compress(messages, may)}
    rest = {message.transaction_id for message in compress(messages, map(not_, may))} - spoken_of
    if rest:
        spoken_of |= history.spoken_of(tx, rest)
    concern = [message for message, sure in zip(messages, may, strict=True) if sure or message.transaction_id in spoken_of]
    return concern, Surroundings(book, holders_of(tx, concern), spots)


def _codes(spot: Spot, book: Book) -> Iterable[tuple[str, str | None]]:
    """The codes by which offers may name what was bought there, whenever it was: what is said, and what merchants and places may tell."""
    clues = spot.clues
    told = [("locations", clues.location_id), ("network_merchant_ids", clues.network_merchant_id), ("mccs", clues.mcc)]
    if spot.place:
        told.append(("brands", spot.place.brand))
    for merchant_id in {clues.merchant_id, *[alias.merchant_id for _, known in spot.rungs for alias in known]}:
        told += (("merchants", merchant_id), ("brands", book.brands.get(merchant_id or "")))
    return told
