"""The use cases of claims, from the customer's word to a resolution."""

from dataclasses import replace
from typing import Final
from uuid import UUID

from events.payloads import PurchaseSaid
from shared.claims import store
from shared.claims.api import (
    AcceptanceAsked,
    ClaimAsked,
    ClaimDetail,
    ClaimReason,
    Claims,
    ClaimsQuery,
    ClaimView,
    Finding,
    RejectionAsked,
    known,
)
from shared.claims.model import Change, Claim, State, due_at, rejected_as, suggest
from shared.corrections import service as corrections
from shared.corrections.api import AdjustmentAsked, ForcedAsked
from shared.corrections.model import Correction
from shared.corrections.model import State as CorrectionState
from shared.eligibility.model import Purchase
from shared.kernel.errors import Conflict
from shared.kernel.ids import ClaimId, new_id
from shared.kernel.resolutions import RESOLUTIONS, Resolution
from shared.kernel.trail import ChangeView
from shared.platform.call import Call, Transaction
from shared.redemptions import correcting, past
from shared.redemptions.purchases import purchase_of, surroundings

MOST_DUE: Final = 1_000


def open_claim(call: Call, body: ClaimAsked) -> ClaimView:
    """Claim that a purchase should have earned cashback; what the engine says of it now is kept with the claim."""
    with call.transaction() as tx:
        claim = Claim(
            claim_id=new_id(tx.now),
            customer_id=body.customer_id,
            offer_id=body.offer_id,
            transaction_id=body.purchase.transaction_id,
            said=body.purchase.model_dump_json(),
            reason=body.reason,
            state=State.OPENED,
            opened_by=call.caller.subject,
            opened_at=tx.now,
            due_at=due_at(tx.now),
        )
        found = _find(tx, claim)
        if not store.insert(tx, claim):
            raise Conflict("There is an open claim about this purchase.")
        store.add_finding(tx, claim.claim_id, found)
        store.add_history(tx, claim.claim_id, _change(call, tx, "open", None, claim, body.reason))
        return tx.answer(ClaimView.of(claim), status=201)


def list_claims(call: Call, query: ClaimsQuery) -> Claims:
    """Claims by id: of a customer, in a state, overdue, or all."""
    with call.reading() as tx:
        return Claims(claims=[ClaimView.of(claim) for claim in store.list_some(tx, query.model_dump() | {"now": tx.now})])


def get_claim(call: Call, claim_id: ClaimId) -> ClaimDetail:
    """One claim with all that was found, and who did what with it when and why."""
    with call.reading() as tx:
        claim = store.read(tx, claim_id)
        changes = [ChangeView.of(change) for change in store.history(tx, claim_id)]
        return ClaimDetail(claim=ClaimView.of(claim), findings=store.findings(tx, claim_id), history=changes)


def review_claim(call: Call, claim_id: ClaimId, body: ClaimReason) -> ClaimDetail:
    """Look into a claim: what the engine says now is kept as well. One whose correction was rejected is looked into again."""
    with call.transaction() as tx:
        before = store.read(tx, claim_id, lock=True)
        if before.state is State.ACCEPTED and not _was_rejected(tx, before.correction_id):
            raise Conflict("The claim was accepted, and its correction was not rejected.")
        after = replace(before.after("review"), resolution=None, reason_code=None)
        store.add_finding(tx, claim_id, _find(tx, after))
        store.update(tx, after, _change(call, tx, "review", before, after, body.reason))
        changes = [ChangeView.of(change) for change in store.history(tx, claim_id)]
        return tx.answer(ClaimDetail(claim=ClaimView.of(after), findings=store.findings(tx, claim_id), history=changes))


def accept_claim(call: Call, claim_id: ClaimId, body: AcceptanceAsked) -> ClaimView:
    """Accept a claim: a correction is asked for, which a second person approves or rejects."""
    with call.transaction() as tx:
        before = store.read(tx, claim_id, lock=True)
        accepted = before.after("accept")
        correction = _ask(call, tx, before, body)
        if (correction.customer_id, correction.offer_id) != (before.customer_id, before.offer_id or correction.offer_id):
            raise Conflict("The grant or the redemption is not of the customer and the offer of the claim.")
        after = replace(accepted, resolution=Resolution.ACCEPTED, correction_id=correction.correction_id)
        store.update(tx, after, _change(call, tx, "accept", before, after, body.reason))
        return tx.answer(ClaimView.of(after))


def reject_claim(call: Call, claim_id: ClaimId, body: RejectionAsked) -> ClaimView:
    """Reject a claim with a resolution that what was found bears out."""
    with call.transaction() as tx:
        before = store.read(tx, claim_id, lock=True)
        rejected = before.after("reject")
        found = store.findings(tx, claim_id)[-1]
        resolution, reason_code = rejected_as(RESOLUTIONS[body.resolution], body.reason_code, found.known)
        after = replace(rejected, resolution=resolution, reason_code=reason_code)
        store.update(tx, after, _change(call, tx, "reject", before, after, body.reason))
        return tx.answer(ClaimView.of(after))


def withdraw_claim(call: Call, claim_id: ClaimId, body: ClaimReason) -> ClaimView:
    """Take an open claim back."""
    with call.transaction() as tx:
        before = store.read(tx, claim_id, lock=True)
        after = before.after("withdraw")
        store.update(tx, after, _change(call, tx, "withdraw", before, after, body.reason))
        return tx.answer(ClaimView.of(after))


def mark_overdue(tx: Transaction) -> int:
    """Mark open claims whose due date has passed, at most so many in one go; how many."""
    return store.mark_overdue(tx, now=tx.now, most=MOST_DUE)


def _find(tx: Transaction, claim: Claim) -> Finding:
    """What is known now of the purchase that a claim is about: as it is on file, else as the customer tells of it."""
    on_file = correcting.purchase_on_file(tx, claim.customer_id, claim.transaction_id)
    verdict = past.judge_as_of(tx, claim.customer_id, on_file or _as_told(tx, claim), claim.offer_id, tx.now)
    given = store.given(tx, claim)
    suggestion = suggest(known(verdict, given, on_file=on_file is not None))
    return Finding.of(verdict, given, suggestion, on_file=on_file is not None)


def _ask(call: Call, tx: Transaction, claim: Claim, body: AcceptanceAsked) -> Correction:
    by, told = call.caller.subject, {"reason": body.reason}
    if body.grant_id is None:
        more = {"redemption_id": body.redemption_id, "change": "raise", "amount": body.amount}
        return corrections.ask_for_adjustment(tx, AdjustmentAsked.model_validate(more | told), by=by)
    told_of = _as_told(tx, claim)
    purchase = {"transaction_id": claim.transaction_id, "at": told_of.at, "merchant_id": told_of.merchant_id}
    purchase |= {"amount": told_of.amount_minor}
    forced = {"grant_id": body.grant_id, "reward": body.amount}
    return corrections.ask_for_redemption(tx, ForcedAsked.model_validate(forced | purchase | told), by=by)


def _as_told(tx: Transaction, claim: Claim) -> Purchase:
    """The purchase as the customer tells of it, at the merchant that this is known to be."""
    said = PurchaseSaid.model_validate_json(claim.said)
    return purchase_of(said, surroundings(tx, [said]), recorded_at=tx.now)


def _was_rejected(tx: Transaction, correction_id: UUID | None) -> bool:
    return correction_id is not None and corrections.require_correction(tx, correction_id).state is CorrectionState.REJECTED


def _change(call: Call, tx: Transaction, action: str, before: Claim | None, after: Claim, reason: str) -> Change:
    return Change(
        action=action, from_state=before.state if before else None, to_state=after.state, by=call.caller.subject, at=tx.now, reason=reason
    )
