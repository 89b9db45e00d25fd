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
from shared.eligibility.matching import Catalogue, Key
from shared.kernel.shards import shard_of
from shared.merchants import service as merchants
from shared.merchants.ladder import Book, Clues
from shared.platform.call import Transaction
from shared.redemptions import history
from shared.redemptions.purchases import SPOT, clues_of

REFUND: Final = Kind.REFUND.value


def concerning(tx: Transaction, posted: TransactionsPosted, offers: Catalogue, shards: int) -> tuple[list[Posted], Book]:
    """The messages that may concern us, in order, and what is known of the merchants and places of all.

    Refunds may, and so may what names no customer, belongs in another shard, or comes from a later revision of a file.
    """
    messages = posted.transactions
    spots = list(map(SPOT, messages))
    clues = {spot: clues_of(message) for spot, message in dict(zip(spots, messages, strict=True)).items()}
    book = merchants.look_up(tx, clues.values())
    if posted.file and posted.file.revision > 1:
        return messages, book
    named = {spot for spot, of_spot in clues.items() if offers.may_hold(_codes(of_spot, book))}
    may = [
        spot in named
        or message.customer_id is None
        or message.kind == REFUND
        or shard_of(message.customer_id, shards) != posted.shard
        or (bool(message.items) and offers.may_hold([("products", item.product) for item in message.items]))
        for message, spot in zip(messages, spots, strict=True)
    ]
    spoken_of = {message.purchase_id for message in compress(messages, may)}
    rest = {message.transaction_id for message in compress(messages, map(not_, may))} - spoken_of
    if rest:
        spoken_of |= history.spoken_of(tx, rest)
    return [message for message, sure in zip(messages, may, strict=True) if sure or message.transaction_id in spoken_of], book


def _codes(clues: Clues, book: Book) -> Iterable[Key]:
    """The codes by which offers may name what was bought there, whenever it was: what is said, and what merchants and places may tell."""
    place, said = book.place(clues.location_id), clues.merchant_id
    possible = {alias.merchant_id for value in clues.values() for alias in book.aliases[value]} | ({said} if said else set())
    codes = [("merchants", merchant_id) for merchant_id in possible]
    codes += [("brands", book.brands[merchant_id]) for merchant_id in possible if merchant_id in book.brands]
    mcc, brand = (clues.mcc or place.mcc, place.brand) if place else (clues.mcc, None)
    told = (("locations", clues.location_id), ("network_merchant_ids", clues.network_merchant_id), ("mccs", mcc), ("brands", brand))
    return codes + [(kind, code) for kind, code in told if code]
