"""Turning purchases into cashback, a batch of one customer shard at a time: fold the histories, post the difference.

However many purchases a batch holds, the number of SQL statements is the same. Late purchases, activations that arrive after the
purchase, repeated events: all are history, folded by the same code.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from functools import partial
from typing import Final
from uuid import UUID

from events.payloads import HistoriesChanged, RecordedRedemption, RedemptionsRecorded, TransactionsPosted, TransactionsWithdrawn
from shared.audiences import cards
from shared.audiences.histories import emit_changed, emit_changed_in
from shared.eligibility.matching import Catalogue
from shared.eligibility.model import Evaluation, Grant, History
from shared.eligibility.stacking import Member, evaluate_together
from shared.kernel.reasons import Reason
from shared.kernel.shards import shard_key, shard_of
from shared.ledger import service as ledger
from shared.offers.catalogue import catalogue
from shared.platform.call import Call, Transaction
from shared.platform.locks import lock_shards
from shared.redemptions import history, store
from shared.redemptions.admission import Pots, admit, keys_of, left_of
from shared.redemptions.attribution import attribute, unsettled
from shared.redemptions.completing import complete
from shared.redemptions.history import Pair
from shared.redemptions.holding import Held, NotHeld
from shared.redemptions.model import Change, Completion, Owner, Redemption, State, difference, refusals_of
from shared.redemptions.owners import OfferTerms
from shared.redemptions.passing import concerning
from shared.redemptions.purchases import Filed
from shared.redemptions.routing import holders_of, route, send, sort_out
from shared.redemptions.taking import Taken, take_back, take_in

__all__ = ["attribute", "complete", "redeem", "refold", "withdraw"]

WHY: Final = "a revision of a file told purchases otherwise"


def redeem(call: Call, posted: TransactionsPosted) -> None:
    """Take a batch of messages about purchases into the history and post what they earn.

    What a file told that has been revised since is let pass: the later revision tells the same, something else, or no more of it.
    Raises Busy where what is told otherwise passes from hand to hand meanwhile.
    """
    _widening(partial(_redeem, call, posted), wide=posted.file is not None and posted.file.revision > 1)


def withdraw(call: Call, told: TransactionsWithdrawn) -> None:
    """Take out of the history what a revision of a file tells no more, unless somebody else tells it, and post the difference.

    What had been set aside because of it is told again. Raises Busy as `redeem` does.
    """
    _widening(partial(_withdraw, call, told), wide=True)


def _widening(work: Callable[..., None], *, wide: bool) -> None:
    """Hold the shards of whatever may be told otherwise only where that is likely, or turned out to be needed."""
    try:
        work(wide=wide)
    except NotHeld:
        if wide:
            raise
        work(wide=True)


def _redeem(call: Call, posted: TransactionsPosted, *, wide: bool) -> None:
    with call.transaction() as tx:
        held = Held.of(tx, posted.shard, call.shards, and_of=[one.transaction_id for one in posted.transactions] if wide else ())
        if posted.file and history.newest_revision(tx, posted.file) > posted.file.revision:
            return
        offers = catalogue(tx)
        messages, known = concerning(tx, posted, offers, call.shards)
        here, elsewhere = sort_out(messages, posted.shard, known.holders, call.shards)
        if elsewhere:
            send(tx, elsewhere, call.shards, file=posted.file)
        taken = take_in(tx, here, known, offers, held, posted.file)
        _fold_all(call, tx, posted.shard, offers, taken)
        if taken.fresh:
            history.add(tx, taken.fresh)
        cards.emit_changed(tx, unsettled(tx, here, known.holders) | taken.apart | _refunded(tx, taken))


def _withdraw(call: Call, told: TransactionsWithdrawn, *, wide: bool) -> None:
    with call.transaction() as tx:
        held = Held.of(tx, told.shard, call.shards, and_of=[one.transaction_id for one in told.messages] if wide else ())
        history.newest_revision(tx, told.file)
        offers = catalogue(tx)
        taken = take_back(tx, told.messages, told.file, offers, held)
        _fold_all(call, tx, told.shard, offers, taken)
        cards.emit_changed(tx, _refunded(tx, taken))
        for origin, messages in history.read_set_aside(tx, [one.message.key for one in taken.left]).items():
            send(tx, route(messages, holders_of(tx, messages)), call.shards, file=origin)


def _fold_all(call: Call, tx: Transaction, shard: int, offers: Catalogue, taken: Taken) -> None:
    """Fold what changed in a shard, and let be folded what changed in others: what is told otherwise may pass to another customer."""
    if not taken.touched:
        return
    here = {pair for pair in taken.touched if shard_of(pair[0], call.shards) == shard} if taken.left else taken.touched
    fold_and_post(tx, shard, offers, replace(taken, touched=here))
    emit_changed(call, tx, sorted(taken.touched - here), WHY)


def _refunded(tx: Transaction, taken: Taken) -> set[str]:
    """Cards with refunds whose owners may follow from purchases that are told otherwise now, or no more."""
    card_tokens = {one.card_token for one in taken.left if one.card_token}
    return history.refunded(tx, card_tokens) if card_tokens else set()


def refold(call: Call, changed: HistoriesChanged) -> None:
    """Fold histories again of which something else than purchases changed, and post the difference."""
    with call.transaction() as tx:
        lock_shards(tx, [changed.shard])
        fold_and_post(tx, changed.shard, catalogue(tx), Taken(touched=set(changed.pairs)))


def fold_and_post(tx: Transaction, shard: int, offers: Catalogue, taken: Taken, anew: frozenset[Completion] = frozenset()) -> None:
    """Fold the histories that changed, with what is fresh, and post how the outcomes differ from the record.

    The shard is held. Completions that a pot refused stay refused, but for those that are to be admitted `anew`.
    """
    grants = store.read_grants(tx, {(customer, offer) for customer, one in taken.touched for offer in offers.judged_together(one)})
    if not grants:
        return
    recorded = store.read_redemptions(tx, [grant.grant_id for given in grants.values() for grant in given])
    folded = _fold(tx, offers, grants, recorded, taken.fresh)
    refused = _refused_purchases(folded, taken.new)
    if refused:
        store.count_refusals(tx, refused)
    changes = difference(folded, recorded, now=tx.now, anew=anew)
    if changes:
        _pass_on(tx, shard, offers, changes, _post(tx, shard, changes))


def _fold(
    tx: Transaction, offers: Catalogue, grants: dict[Pair, list[Grant]], recorded: Iterable[Redemption], fresh: Iterable[Filed]
) -> list[tuple[Owner, Evaluation]]:
    known = history.read_known(tx, grants.keys(), fresh)
    customers = store.read_customers(tx, {customer_id for customer_id, _ in grants})
    corrections = store.read_corrections(tx, [grant.grant_id for given in grants.values() for grant in given])
    refusals = refusals_of(recorded)
    terms = {offer_id: OfferTerms.of(compiled) for offer_id in {offer_id for _, offer_id in grants} if (compiled := offers.get(offer_id))}
    histories: dict[Pair, History] = {}
    for pair, given in grants.items():
        (zone, without_consent), known_of = customers.get(pair[0], (None, ())), known[pair]
        histories[pair] = History(
            grants=tuple(given),
            purchases=tuple(known_of.purchases),
            consent_withdrawn=without_consent,
            zone=zone,
            refusals=tuple(refusals.get(pair, ())),
            corrections=tuple(corrections.get(pair, ())),
            given_back=known_of.given_back,
        )
    folded: list[tuple[Owner, Evaluation]] = []
    for pairs in _judged_together(offers, histories):
        owners = [terms[offer_id].owner(customer_id) for customer_id, offer_id in pairs]
        evaluations = evaluate_together([Member(terms[pair[1]].compiled, histories[pair]) for pair in pairs])
        folded.extend(zip(owners, evaluations, strict=True))
    return folded


def _judged_together(offers: Catalogue, pairs: Iterable[Pair]) -> Iterable[list[Pair]]:
    """Pairs of customer and offer, those together that must be folded together."""
    together: dict[tuple[str, frozenset[UUID]], list[Pair]] = {}
    for customer_id, offer_id in pairs:
        together.setdefault((customer_id, offers.judged_together(offer_id)), []).append((customer_id, offer_id))
    return together.values()


def _refused_purchases(folded: Iterable[tuple[Owner, Evaluation]], new: Collection[tuple[str, UUID]]) -> Counter[tuple[UUID, Reason]]:
    """How many of the purchases that are new to an offer earned nothing, by offer and reason."""
    return Counter(
        (owner.offer_id, decision.reason)
        for owner, evaluation in folded
        for decision in evaluation.decisions
        if decision.reason and (decision.transaction_id, owner.offer_id) in new
    )


def _post(tx: Transaction, shard: int, changes: list[Change]) -> list[Redemption]:
    """Admit changes while the pots are held, write them, and tell of them; the redemptions as they are now."""
    goodwill = {change.goodwill for change in changes if change.goodwill}
    held = ledger.lock_pots(tx, goodwill | {change.after.campaign_id for change in changes})
    keys = keys_of(changes)
    given = store.lock_offer_pots(tx, keys) if keys else {}
    pots = Pots(available_minor={pot.campaign_id: pot.available_minor for pot in held.values()}, shared=left_of(keys, given))
    admission = admit(changes, pots, now=tx.now)
    store.write_redemptions(tx, admission.redemptions)
    ledger.post(tx, admission.movements, held)
    if admission.given:
        store.add_to_offer_pots(tx, admission.given)
    tx.emit(
        RedemptionsRecorded(shard=shard, redemptions=[_recorded(redemption) for redemption in admission.redemptions]),
        subject=shard_key(shard),
        key=shard_key(shard),
    )
    return admission.redemptions


def _pass_on(tx: Transaction, shard: int, offers: Catalogue, changes: Iterable[Change], after: Iterable[Redemption]) -> None:
    """Let histories be folded again in which refusals are new, or are none any more, where that leaves others more or less.

    What a pot refused uses up none of the customer's limits, and the next offer of its group has its turn.
    """
    were = {change.before.redemption_id for change in changes if change.before and change.before.state is State.REJECTED}
    turned = [r for r in after if (r.state is State.REJECTED) != (r.redemption_id in were)]
    pairs = {(r.customer_id, r.offer_id) for r in turned if (compiled := offers.get(r.offer_id)) and compiled.minds_refusals}
    emit_changed_in(tx, shard, sorted(pairs), "what a pot refused is another thing now")


def _recorded(redemption: Redemption) -> RecordedRedemption:
    r = redemption
    return RecordedRedemption(
        redemption_id=r.redemption_id,
        grant_id=r.grant_id,
        offer_id=r.offer_id,
        campaign_id=r.campaign_id,
        customer_id=r.customer_id,
        completion=r.completion,
        state=r.state.value,
        reward_minor=r.reward_minor,
        earned_minor=r.earned_minor,
        currency=r.currency,
        payable_at=r.payable_at,
        reason=r.reason.code if r.reason else None,
    )
