"""Whose purchases are that name a card, seen anew when more is known of the card: what is on file moves, and is folded where it was and is.

A purchase is whoever's the card was at its moment. A refund is whoever's the purchase is that it is for, although the card may have
passed on since; while none is known, whoever's the card was when it was given.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from events.payloads import CardsChanged
from events.payloads import Transaction as Posted
from shared.audiences import cards
from shared.audiences.histories import emit_changed
from shared.eligibility.life import TELLING, Kind, purchases_of
from shared.kernel.reasons import Reason
from shared.offers.catalogue import catalogue
from shared.platform.call import Call, Transaction
from shared.platform.locks import lock_shards, pass_shards
from shared.redemptions import history
from shared.redemptions.purchases import Filed
from shared.redemptions.refunds import match_refunds
from shared.redemptions.routing import Holders, holder_of
from shared.redemptions.taking import match_loose, take_anew, unmatch

MOST_REFUNDS: Final = 10_000
WHY: Final = "a card was found to be another customer's or account's"


def attribute(call: Call, changed: CardsChanged) -> None:
    """See anew whose the purchases with cards are. All shards are held where any move, for they may pass from any to any.

    Nothing does for most cards that are told again. That is certain once whoever held a shard when this was told has committed: messages
    that are taken from then on are taken by what is known of the cards now.
    """
    with call.transaction() as tx:
        pass_shards(tx, range(call.shards))
        moving = _cards_of(_moving(tx, changed.card_tokens))
        if not moving:
            return
        lock_shards(tx, range(call.shards))
        moved = _moving(tx, moving)
        if moved:
            emit_changed(call, tx, _move(tx, moved), WHY)


def look_again(call: Call, tx: Transaction) -> int:
    """Let refunds by card that came be attributed anew where they are another's than it seemed; how many came, at most so many in one go.

    Where a refund and its purchase were taken at one moment, in two shards, each was read before the other was there, so that neither saw
    the other. Each refund is looked at once, when whoever held a shard while it was taken is done. This transaction may hold none.
    """
    came = history.take_refunds(tx, most=MOST_REFUNDS)
    if came:
        pass_shards(tx, range(call.shards))
        cards.emit_changed(tx, _cards_of(_moving(tx, history.apart(tx, came))))
    return len(came)


def unsettled(tx: Transaction, messages: Collection[Posted], holders: Holders) -> set[str]:
    """Cards with refunds, of these messages or on file, that may be for the purchase of another than who held the card last."""
    used = {one.card_token for one in messages if one.card_token}
    if not used:
        return set()
    doubtful = {str(one.card_token) for one in messages if one.card_token and _is_doubtful(one, holders)}
    refunded = {str(one.card_token) for one in messages if one.kind == Kind.REFUND.value and one.customer_id is None}
    return (doubtful & refunded) | (history.refunded(tx, doubtful) if doubtful else set()) | history.loose_apart(tx, used)


def attributed(on_file: Collection[Filed], holders: Holders) -> Iterator[tuple[Filed, Filed]]:
    """All that is on file with some cards: as it is, and as it is by what is known of the cards now. Pure."""
    held = [(one, _held(one, holders)) for one in on_file]
    told: dict[str | None, list[Filed]] = {}
    for _, after in held:
        if after.message.kind is not Kind.REFUND:
            told.setdefault(after.message.purchase_id, []).append(after)
    by_card: dict[str | None, list[Filed]] = {}
    for _, after in held:
        by_card.setdefault(after.card_token, []).append(after)
    matched = {key: purchase_id for of_card in by_card.values() for key, purchase_id in _matched(of_card)}
    for before, after in held:
        purchase_id = matched.get(after.message.key) if after.loose else after.message.purchase_id
        is_refund = after.by_card and after.message.kind is Kind.REFUND
        buyer = _buyer(told.get(purchase_id, ()), after.customer_id) if is_refund and purchase_id else None
        yield before, replace(after, customer_id=buyer) if buyer else after


def _moving(tx: Transaction, card_tokens: Collection[str]) -> list[tuple[Filed, Filed]]:
    """What with these cards is another's, or of another account, than is on file: as it is there, and as it is."""
    if not card_tokens:
        return []
    on_file = history.read_cards(tx, card_tokens)
    holders = cards.holders(tx, {(one.card_token, one.message.said.at) for one in on_file if one.card_token})
    return [(before, after) for before, after in attributed(on_file, holders) if after != before]


def _cards_of(moving: Iterable[tuple[Filed, Filed]]) -> set[str]:
    return {after.card_token for _, after in moving if after.card_token}


def _buyer(told: Iterable[Filed], holder: str | None) -> str | None:
    """Whose a purchase is to a refund. Of several whom its messages are with, the card's holder goes first, if he is among them."""
    buyers = [one.customer_id for one in sorted(told, key=_telling) if one.customer_id]
    return holder if holder in buyers else next(iter(buyers), None)


def _telling(one: Filed) -> tuple[int, int]:
    return TELLING.index(one.message.kind), one.message.sequence


def _is_doubtful(message: Posted, holders: Holders) -> bool:
    holder = holder_of(message, holders)
    return holder is None or holder.passed_on


def _held(one: Filed, holders: Holders) -> Filed:
    """A message as whoever's the card was, and of the account that it was of."""
    said = one.message.said
    holder = holders.get((said.card_token, said.at)) if said.card_token else None
    account_token = holder.account_token if holder else None
    card_product = one.product_said or (holder.card_product if holder else None)
    message = replace(one.message, said=replace(said, account_token=account_token, card_product=card_product))
    return replace(one, message=message, customer_id=(holder.customer_id if holder else None) if one.by_card else one.customer_id)


def _matched(of_card: Sequence[Filed]) -> Iterator[tuple[history.Key, str]]:
    """Refunds by one card that name no purchase, with the purchase by that card that each is for."""
    loose = {one.message.said.transaction_id: one.message for one in of_card if one.loose and one.by_card}
    if not loose:
        return
    purchases = purchases_of(one.message for one in of_card if not one.loose)
    for transaction_id, purchase_id in match_refunds(purchases, (message.said for message in loose.values())).items():
        if not isinstance(purchase_id, Reason):
            yield loose[transaction_id].key, purchase_id


def _move(tx: Transaction, moved: Sequence[tuple[Filed, Filed]]) -> Iterable[tuple[str, UUID]]:
    """Store whose messages are now; the histories that change by it."""
    history.move(tx, [after for _, after in moved])
    purchase_ids = {purchase_id for pair in moved for one in pair if (purchase_id := one.message.purchase_id)}
    taken = take_anew(tx, purchase_ids, catalogue(tx))
    taken.touched.update((one.customer_id, offer_id) for pair in moved for one in pair if one.customer_id for offer_id in pair[0].offers)
    match_loose(tx, taken, {one.customer_id for pair in moved for one in pair if one.customer_id})
    unmatch(tx, [after for _, after in moved if after.customer_id is None])
    return sorted(taken.touched)
