"""The use cases of corrections: one person asks, another decides, and the fold posts what follows."""

from uuid import UUID

from shared.corrections import store
from shared.corrections.api import (
    AdjustmentAsked,
    CorrectionDetail,
    Corrections,
    CorrectionsQuery,
    CorrectionView,
    DecisionReason,
    ForcedAsked,
)
from shared.corrections.model import Change, Correction, Kind, State, completion_to_force, require_adjustable, require_given
from shared.eligibility.compile import CompiledOffer
from shared.eligibility.model import Purchase
from shared.kernel.errors import Conflict, Invalid, NotFound, Problem
from shared.kernel.ids import CorrectionId, new_id
from shared.kernel.money import MAX_MINOR, to_decimal, to_minor
from shared.kernel.shards import shard_of
from shared.kernel.trail import ChangeView
from shared.kernel.wire import Amount
from shared.offers.catalogue import catalogue
from shared.platform.call import Call, Transaction
from shared.platform.locks import lock_shards
from shared.redemptions import correcting


def request_forced_redemption(call: Call, body: ForcedAsked) -> CorrectionView:
    """Ask for a redemption that the terms do not give; another person decides."""
    with call.transaction() as tx:
        return tx.answer(CorrectionView.of(ask_for_redemption(tx, body, by=call.caller.subject)), status=201)


def request_adjustment(call: Call, body: AdjustmentAsked) -> CorrectionView:
    """Ask for more or less than a redemption gives; another person decides."""
    with call.transaction() as tx:
        return tx.answer(CorrectionView.of(ask_for_adjustment(tx, body, by=call.caller.subject)), status=201)


def list_corrections(call: Call, query: CorrectionsQuery) -> Corrections:
    """Corrections by id: of a customer, in a state, or all."""
    with call.reading() as tx:
        return Corrections(corrections=[CorrectionView.of(found) for found in store.list_some(tx, query.model_dump())])


def get_correction(call: Call, correction_id: CorrectionId) -> CorrectionDetail:
    """One correction, and who did what with it when and why."""
    with call.reading() as tx:
        found = store.read(tx, correction_id)
        changes = [ChangeView.of(change) for change in store.history(tx, correction_id)]
        return CorrectionDetail(correction=CorrectionView.of(found), history=changes)


def approve_correction(call: Call, correction_id: CorrectionId, body: DecisionReason) -> CorrectionView:
    """Make a correction part of the history and post what follows. It goes on waiting, and why is told, where no pot covers it."""
    with call.transaction() as tx:
        waiting = store.read(tx, correction_id)
        shard = shard_of(waiting.customer_id, call.shards)
        lock_shards(tx, [shard])
        approved = _decide(call, tx, correction_id, State.APPROVED, body.reason)
        if approved.kind is Kind.ADJUST:
            require_adjustable(correcting.redemption(tx, approved.redemption_id))
        after = correcting.post_correction(
            tx,
            shard,
            (approved.customer_id, approved.offer_id),
            (approved.grant_id, approved.completion),
            approved.transaction_id if approved.kind is Kind.FORCE else None,
        )
        require_given(approved, after)
        return tx.answer(CorrectionView.of(approved))


def reject_correction(call: Call, correction_id: CorrectionId, body: DecisionReason) -> CorrectionView:
    """Refuse a correction: nothing changes."""
    with call.transaction() as tx:
        return tx.answer(CorrectionView.of(_decide(call, tx, correction_id, State.REJECTED, body.reason)))


def ask_for_redemption(tx: Transaction, body: ForcedAsked, *, by: str) -> Correction:
    """A forced redemption that waits for a second person, inside the transaction of whoever asks for it."""
    customer_id, offer_id = _grant(tx, body.grant_id)
    compiled = _offer(tx, offer_id)
    currency = compiled.versions[-1].terms.currency
    on_file = correcting.purchase_on_file(tx, customer_id, body.transaction_id)
    purchase = on_file or _told(tx, body, currency)
    if purchase.ended:
        raise Conflict(f"Nothing of the purchase stands: {purchase.ended.support}", reason=purchase.ended.code)
    sums = compiled.version_at(purchase.at).sums
    correction = Correction(
        correction_id=new_id(tx.now),
        kind=Kind.FORCE,
        customer_id=customer_id,
        offer_id=offer_id,
        grant_id=body.grant_id,
        completion=completion_to_force(correcting.standing(tx, body.grant_id), body.transaction_id, sums=sums),
        amount_minor=_amount(body.reward, currency, "/reward"),
        currency=currency,
        at=purchase.at,
        transaction_id=body.transaction_id,
        merchant_id=purchase.merchant_id,
        purchase_minor=None if on_file else purchase.amount_minor,
        state=State.REQUESTED,
        requested_by=by,
        requested_at=tx.now,
        reason=body.reason,
    )
    return _asked(tx, correction)


def ask_for_adjustment(tx: Transaction, body: AdjustmentAsked, *, by: str) -> Correction:
    """An adjustment that waits for a second person, inside the transaction of whoever asks for it."""
    redemption = correcting.redemption(tx, body.redemption_id)
    require_adjustable(redemption)
    amount_minor = _amount(body.amount, redemption.currency, "/amount")
    if body.change == "lower" and amount_minor > redemption.wanted_minor:
        most = to_decimal(redemption.wanted_minor, redemption.currency)
        raise Invalid(problems=(Problem(path="/amount", message=f"must be at most what the redemption gives, {most}"),))
    correction = Correction(
        correction_id=new_id(tx.now),
        kind=Kind.ADJUST,
        customer_id=redemption.customer_id,
        offer_id=redemption.offer_id,
        grant_id=redemption.grant_id,
        completion=redemption.completion,
        amount_minor=amount_minor if body.change == "raise" else -amount_minor,
        currency=redemption.currency,
        at=redemption.earned_at,
        transaction_id=redemption.transaction_id,
        merchant_id=redemption.merchant_id,
        purchase_minor=None,
        state=State.REQUESTED,
        requested_by=by,
        requested_at=tx.now,
        reason=body.reason,
    )
    return _asked(tx, correction)


def require_correction(tx: Transaction, correction_id: UUID) -> Correction:
    """A correction as it is now, for areas that refer to it. Raises NotFound."""
    return store.read(tx, correction_id)


def _grant(tx: Transaction, grant_id: UUID) -> tuple[str, UUID]:
    found = store.grant_of(tx, grant_id)
    if found is None:
        raise NotFound("There is no such grant.")
    return found


def _offer(tx: Transaction, offer_id: UUID) -> CompiledOffer:
    found = catalogue(tx).get(offer_id)
    if found is None:
        raise NotFound("There is no offer of this grant with an approved version.")
    return found


def _told(tx: Transaction, body: ForcedAsked, currency: str) -> Purchase:
    """A purchase that is not on file, as far as it is told. Raises Invalid where its moment, its merchant or its amount is not told."""
    missing = [name for name in ("at", "merchant_id", "amount") if getattr(body, name) is None]
    problems = [Problem(path=f"/{name}", message="must be told of a purchase that is not on file") for name in missing]
    if body.at and body.at > tx.now:
        problems.append(Problem(path="/at", message="must not be in the future"))
    if problems or body.at is None or body.merchant_id is None or body.amount is None:
        raise Invalid(problems=tuple(problems))
    amount_minor = _amount(body.amount, currency, "/amount")
    return Purchase(
        transaction_id=body.transaction_id, at=body.at, amount_minor=amount_minor, currency=currency, merchant_id=body.merchant_id
    )


def _amount(amount: Amount, currency: str, path: str) -> int:
    try:
        amount_minor = to_minor(amount, currency)
    except ValueError as error:
        raise Invalid(problems=(Problem(path=path, message=str(error)),)) from error
    if not 0 < amount_minor <= MAX_MINOR:
        raise Invalid(problems=(Problem(path=path, message=f"must be more than nothing and at most {to_decimal(MAX_MINOR, currency)}"),))
    return amount_minor


def _asked(tx: Transaction, correction: Correction) -> Correction:
    if not store.insert(tx, correction):
        raise Conflict("This completion of the grant was forced before, or is to be: decide that correction, or adjust its redemption.")
    asked = Change(
        action="request", from_state=None, to_state=State.REQUESTED, by=correction.requested_by, at=tx.now, reason=correction.reason
    )
    store.add_history(tx, correction.correction_id, asked)
    return correction


def _decide(call: Call, tx: Transaction, correction_id: UUID, state: State, reason: str) -> Correction:
    before = store.read(tx, correction_id, lock=True)
    after = before.decided(state, by=call.caller.subject, at=tx.now, reason=reason)
    store.decide(tx, after)
    action = "approve" if state is State.APPROVED else "reject"
    change = Change(action=action, from_state=before.state, to_state=state, by=call.caller.subject, at=tx.now, reason=reason)
    store.add_history(tx, correction_id, change)
    return after
