"""Refunds that name no purchase and could be matched with none: people match them by hand, or find that they are not ours.

A match is more history: the refund belongs to its purchase from then on, as if it had named it, and is folded as always.
"""

from datetime import timedelta
from itertools import chain
from typing import Final
from uuid import UUID

from shared.eligibility.life import Kind
from shared.kernel.errors import Conflict, Invalid, NotFound, Problem
from shared.kernel.shards import shard_of
from shared.kernel.wire import ExternalId
from shared.offers.catalogue import catalogue
from shared.platform.call import Call, Transaction
from shared.platform.locks import lock_shards
from shared.redemptions import history, unmatched_store
from shared.redemptions.purchases import Filed
from shared.redemptions.refunds import REFUND_WINDOW
from shared.redemptions.service import fold_and_post
from shared.redemptions.taking import NO_OFFERS, Taken, assign
from shared.redemptions.unmatched_api import CloseAsked, MatchAsked, RefundView, Unmatched, UnmatchedQuery, UnmatchedTotals

REFUNDS_WAIT: Final = REFUND_WINDOW + timedelta(days=90)
"""How long a refund waits for its purchase: that is made at most the refund window before it, and arrives late."""
MOST_DUE: Final = 5_000


def list_unmatched(call: Call, query: UnmatchedQuery) -> Unmatched:
    """Refunds that name no purchase and wait for one, by reason and age; those found not to be ours where that reason is asked for."""
    with call.reading() as tx:
        before = tx.now - timedelta(days=query.older_than_days)
        found = unmatched_store.list_unmatched(tx, query, before=before, limit=query.limit + 1)
    refunds = found[: query.limit]
    return Unmatched(refunds=refunds, next=refunds[-1].transaction_id if len(found) > query.limit else None)


def count_unmatched(call: Call) -> UnmatchedTotals:
    """How many refunds wait for a purchase, since when, and how many waited too long and were let go."""
    with call.reading() as tx:
        return unmatched_store.totals(tx)


def match_refund(call: Call, transaction_id: ExternalId, body: MatchAsked) -> RefundView:
    """Say which purchase of the same customer a refund is for: it takes back what that earned, as any refund does."""
    with call.transaction() as tx:
        customer_id, refund = _hold(call, tx, transaction_id)
        under = _offers_of(tx, refund, body.purchase_id)
        unmatched_store.decide(tx, transaction_id, "match", body.purchase_id, reason=body.reason, by=call.caller.subject)
        taken = assign(tx, customer_id, refund, body.purchase_id, under)
        return tx.answer(_posted(call, tx, customer_id, taken, transaction_id))


def close_refund(call: Call, transaction_id: ExternalId, body: CloseAsked) -> RefundView:
    """Say that a refund is for no purchase that concerns us; it is matched with none from now on, unless a person does."""
    with call.transaction() as tx:
        customer_id, refund = _hold(call, tx, transaction_id)
        unmatched_store.decide(tx, transaction_id, "close", None, reason=body.reason, by=call.caller.subject)
        taken = assign(tx, customer_id, refund, None, NO_OFFERS)
        return tx.answer(_posted(call, tx, customer_id, taken, transaction_id))


def let_go(call: Call, tx: Transaction) -> int:
    """Take refunds that waited too long out of the history, counted by reason, at most so many in one go; how many.

    They are under no offer: what they are for passed by, or never came. The shards are held, so that nobody matches one meanwhile; that
    is why it comes before whatever else the transaction holds, and once in it.
    """
    overdue = unmatched_store.overdue(tx, before=tx.now - REFUNDS_WAIT, most=MOST_DUE)
    if not overdue:
        return 0
    lock_shards(tx, {shard_of(refund["whose"], call.shards) for refund in overdue})
    return unmatched_store.let_go(tx, {refund["transaction_id"] for refund in overdue})


def _hold(call: Call, tx: Transaction, transaction_id: str) -> tuple[str, Filed]:
    """A refund of which people may decide, and its customer, whose shard is held from now on.

    Raises NotFound, and Conflict where its purchase is certain or its customer is not known.
    """
    customer_id = _find(tx, transaction_id).customer_id
    lock_shards(tx, [shard_of(customer_id, call.shards)] if customer_id else [])
    refund = _find(tx, transaction_id)
    if customer_id is None or refund.customer_id != customer_id:
        raise Conflict("Whose refund it is is not known: tell whose the card was.")
    if refund.message.purchase_id is not None and not refund.loose:
        raise Conflict(f"The refund is for the purchase {refund.message.purchase_id}.")
    return customer_id, refund


def _find(tx: Transaction, transaction_id: str) -> Filed:
    key = (transaction_id, Kind.REFUND.value, 0)
    refund = next((one for one in history.read_lives(tx, {transaction_id}, ()) if one.message.key == key), None)
    if refund is None:
        raise NotFound("There is no such refund on file.")
    return refund


def _offers_of(tx: Transaction, refund: Filed, purchase_id: str) -> frozenset[UUID]:
    """The offers that the purchase is under that a refund is to be for. Raises Invalid where it can't be that one's."""
    of_purchase = [one for one in history.read_lives(tx, {purchase_id}, ()) if one.life == (refund.customer_id, purchase_id)]
    currency = next((one.message.said.currency for one in of_purchase if one.message.kind is not Kind.REFUND), None)
    if currency is None:
        raise Invalid(problems=(Problem(path="/purchase_id", message="is no purchase of this customer that is on file"),))
    if currency != refund.message.said.currency:
        raise Invalid(problems=(Problem(path="/purchase_id", message=f"is in {currency}, another currency than the refund"),))
    return frozenset(chain.from_iterable(one.offers for one in of_purchase))


def _posted(call: Call, tx: Transaction, customer_id: str, taken: Taken, transaction_id: str) -> RefundView:
    """Post what an assignment changes, and tell how the refund stands."""
    if taken.touched:
        fold_and_post(tx, shard_of(customer_id, call.shards), catalogue(tx), taken)
    return unmatched_store.read_refund(tx, transaction_id)
