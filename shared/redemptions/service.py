"""Turning purchases into cashback, a batch of one customer shard at a time: fold the histories, post the difference.

However many purchases a batch holds, the number of SQL statements is the same. Late purchases, activations that arrive after the
purchase, repeated events: all are history, folded by the same code.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from events.payloads import HistoriesChanged, RecordedRedemption, RedemptionsRecorded, TransactionsPosted
from shared.eligibility.compile import CompiledOffer
from shared.eligibility.fold import evaluate
from shared.eligibility.matching import Catalogue
from shared.eligibility.model import Evaluation, Grant, History, Refusal
from shared.kernel.reasons import Reason
from shared.kernel.shards import shard_key
from shared.ledger import service as ledger
from shared.offers.catalogue import catalogue
from shared.platform.call import Call, Transaction
from shared.platform.locks import lock_shards
from shared.redemptions import store
from shared.redemptions.model import Change, Owner, Pots, Redemption, State, admit, by_offer, difference
from shared.redemptions.purchases import Arrival, arrivals, surroundings
from shared.redemptions.store import Known, Pair


def redeem(call: Call, posted: TransactionsPosted) -> None:
    """Take a batch of purchases into the history and post what they earn."""
    with call.transaction() as tx:
        lock_shards(tx, [posted.shard])
        offers = catalogue(tx)
        known = surroundings(tx, posted.transactions)
        fresh, again = _new_among(tx, arrivals(posted.transactions, known, offers.candidates, now=tx.now))
        if again:
            store.file_under_more(tx, again)
        if fresh or again:
            _fold_and_post(tx, posted.shard, offers, {pair for arrival in (*fresh, *again) for pair in arrival.pairs()}, fresh, again)
        if fresh:
            store.add_transactions(tx, fresh)


def refold(call: Call, changed: HistoriesChanged) -> None:
    """Fold histories again of which something else than purchases changed, and post the difference."""
    with call.transaction() as tx:
        lock_shards(tx, [changed.shard])
        _fold_and_post(tx, changed.shard, catalogue(tx), set(changed.pairs))


def _new_among(tx: Transaction, arrived: list[Arrival]) -> tuple[list[Arrival], list[Arrival]]:
    """Those that are not in the history yet, each once, and those that are, with the offers that they are new to.

    A purchase that is sent again may be new to an offer that was approved, or changed, since it came first. What contradicts an
    earlier transaction of the same id is set aside.
    """
    if not arrived:
        return [], []
    known = store.known_transactions(tx, {arrival.purchase.transaction_id for arrival in arrived})
    fresh, again, contradictions = [], [], []
    for arrival in arrived:
        transaction_id = arrival.purchase.transaction_id
        first = known.get(transaction_id)
        if first is None:
            fresh.append(arrival)
            known[transaction_id] = Known(arrival.content_hash, frozenset(arrival.offers))
        elif first.content_hash != arrival.content_hash:
            contradictions.append(arrival)
        elif new := frozenset(arrival.offers) - first.offers:
            again.append(replace(arrival, offers=tuple(new)))
            known[transaction_id] = Known(arrival.content_hash, first.offers | new)
    if contradictions:
        store.set_aside(tx, contradictions, Reason.TRANSACTION_ID_REUSED)
    return fresh, again


def _fold_and_post(
    tx: Transaction, shard: int, offers: Catalogue, pairs: Collection[Pair], fresh: Sequence[Arrival] = (), again: Sequence[Arrival] = ()
) -> None:
    """Fold the histories of these customers and offers with the fresh purchases, and post how the outcomes differ from the record."""
    grants = store.read_grants(tx, pairs)
    if not grants:
        return
    recorded = store.read_redemptions(tx, [grant.grant_id for given in grants.values() for grant in given])
    folded = _fold(tx, offers, grants, recorded, fresh)
    new = {(arrival.purchase.transaction_id, offer_id) for arrival in (*fresh, *again) for offer_id in arrival.offers}
    refused = _refused_purchases(folded, new)
    if refused:
        store.count_refusals(tx, refused)
    outcomes = ((owner, outcome) for owner, evaluation in folded for outcome in evaluation.outcomes)
    changes = difference(outcomes, recorded, now=tx.now)
    if changes:
        _post(tx, shard, offers, changes)


def _fold(
    tx: Transaction, offers: Catalogue, grants: dict[Pair, list[Grant]], recorded: Iterable[Redemption], fresh: Iterable[Arrival]
) -> list[tuple[Owner, Evaluation]]:
    purchases = store.read_purchases(tx, grants.keys())
    for arrival in fresh:
        for pair in arrival.pairs():
            if pair in purchases:
                purchases[pair].append(arrival.purchase)
    customers = store.read_customers(tx, {customer_id for customer_id, _ in grants})
    refusals: dict[Pair, list[Refusal]] = {}
    for r in recorded:
        if r.state is State.REJECTED and r.reason:
            refusals.setdefault((r.customer_id, r.offer_id), []).append(Refusal(grant_id=r.grant_id, ordinal=r.ordinal, reason=r.reason))
    folded = []
    for pair, given in grants.items():
        compiled = offers.get(pair[1])
        if compiled is None:
            continue
        zone, without_consent = customers.get(pair[0], (None, ()))
        history = History(
            grants=tuple(given),
            purchases=tuple(purchases[pair]),
            consent_withdrawn=without_consent,
            zone=zone,
            refusals=tuple(refusals.get(pair, ())),
        )
        folded.append((_owner(pair[0], compiled), evaluate(compiled, history)))
    return folded


def _owner(customer_id: str, compiled: CompiledOffer) -> Owner:
    return Owner(
        offer_id=compiled.offer.offer_id,
        campaign_id=compiled.offer.campaign_id,
        customer_id=customer_id,
        currency=compiled.versions[-1].terms.currency,
        holds={version.number: timedelta(days=version.terms.hold_days) for version in compiled.versions},
    )


def _refused_purchases(folded: Iterable[tuple[Owner, Evaluation]], new: Collection[tuple[str, UUID]]) -> Counter[tuple[UUID, Reason]]:
    """How many of the purchases that are new to an offer earned nothing, by offer and reason."""
    return Counter(
        (owner.offer_id, decision.reason)
        for owner, evaluation in folded
        for decision in evaluation.decisions
        if decision.reason and (decision.transaction_id, owner.offer_id) in new
    )


def _post(tx: Transaction, shard: int, offers: Catalogue, changes: list[Change]) -> None:
    """Admit changes while the pots are held, write them, and tell of them."""
    held = ledger.lock_pots(tx, {change.after.campaign_id for change in changes})
    limits = _limits(offers, {change.after.offer_id for change in changes})
    given = store.lock_offer_totals(tx, limits) if limits else {}
    pots = Pots(available_minor={pot.campaign_id: pot.available_minor for pot in held.values()}, redemptions_left=by_offer(limits, given))
    admission = admit(changes, pots, now=tx.now)
    store.write_redemptions(tx, admission.redemptions)
    ledger.post(tx, admission.movements, held)
    if limits:
        store.add_offer_totals(tx, {offer_id: count for offer_id, count in admission.admitted.items() if offer_id in limits})
    tx.emit(
        RedemptionsRecorded(shard=shard, redemptions=[_recorded(redemption) for redemption in admission.redemptions]),
        subject=shard_key(shard),
        key=shard_key(shard),
    )


def _limits(offers: Catalogue, offer_ids: Iterable[UUID]) -> dict[UUID, int | None]:
    """The limits in total, as of now, of those offers that have one under any version: these are counted even while theirs is lifted."""
    compiled = [found for offer_id in offer_ids if (found := offers.get(offer_id))]
    limits = {c.offer.offer_id: [version.terms.limits.redemptions_total for version in c.versions] for c in compiled}
    return {offer_id: of_versions[-1] for offer_id, of_versions in limits.items() if any(of_versions)}


def _recorded(redemption: Redemption) -> RecordedRedemption:
    r = redemption
    return RecordedRedemption(
        redemption_id=r.redemption_id,
        grant_id=r.grant_id,
        offer_id=r.offer_id,
        campaign_id=r.campaign_id,
        customer_id=r.customer_id,
        ordinal=r.ordinal,
        state=r.state.value,
        reward_minor=r.reward_minor,
        currency=r.currency,
        payable_at=r.payable_at,
        reason=r.reason.code if r.reason else None,
    )
