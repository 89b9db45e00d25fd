"""The use case of grants that are told one by one, each by its sender's own name: given or taken back, and said again without effect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from shared.audiences import store
from shared.audiences.api import GrantSent
from shared.audiences.grants import giving_of, why_no_grant
from shared.audiences.histories import emit_changed
from shared.audiences.model import Grant
from shared.audiences.store import GrantRow
from shared.kernel.errors import Conflict, Invalid
from shared.kernel.ids import GRANT, derived_id
from shared.kernel.shards import shard_of
from shared.platform.batches import BatchAnswer, Rejected, read_batch
from shared.platform.call import Call, Transaction
from shared.platform.locks import lock_shards
from shared.platform.operations import BodySchema

MOST_GRANTS: Final = 5_000
FIELD: Final = "grants"
WHY: Final = "an offer was granted or a grant revoked"
Wrong = tuple[str, str]
"""The field with which something is wrong, and what."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """A grant as it was said, with its place in the batch, its id, and the moment from which it counts."""

    index: int
    sent: GrantSent
    grant_id: UUID
    granted_at: datetime

    def rejected(self, field: str, message: str) -> Rejected:
        """Not taken for a reason."""
        return Rejected.because(self.index, self.sent.reference, f"/{FIELD}/{self.index}/{field}", message)


def put_grants(call: Call, raw: Annotated[bytes, BodySchema(FIELD, GrantSent, MOST_GRANTS)]) -> BatchAnswer:
    """Give offers and take grants back, each by its sender's own name: `{"grants": [...]}`, 1 to 5,000. Bad ones are named.

    A grant that is there already is taken and changes nothing, as one is that was revoked before. A customer without consent, held out
    or not known gets none.
    """
    batch = read_batch(raw, FIELD, GrantSent, MOST_GRANTS, id_field="reference")
    with call.transaction() as tx:
        told_at = min(call.told_at or tx.now, tx.now)
        said = [_said(call, index, sent, told_at) for index, sent in batch.accepted]
        lock_shards(tx, {shard_of(one.sent.customer_id, call.shards) for one in said})
        fit, rejected = _that_fit(tx, said)
        rejected += _give(call, tx, [one for one in fit if one.sent.action == "grant"])
        _revoke(call, tx, [one for one in fit if one.sent.action == "revoke"])
        refused = [*batch.rejected, *rejected]
        return tx.answer(BatchAnswer.of(len(said) + len(batch.rejected) - len(refused), refused))


def _said(call: Call, index: int, sent: GrantSent, told_at: datetime) -> Said:
    own = sent.reference.startswith(f"{GRANT.prefix}_")
    grant_id = GRANT.parse(sent.reference) if own else grant_id_of(call.caller.subject, sent.reference)
    return Said(index=index, sent=sent, grant_id=grant_id, granted_at=sent.granted_at or told_at)


def grant_id_of(subject: str, reference: str) -> UUID:
    """The id of a grant follows from who tells of it and that one's own name of it."""
    return derived_id("grant", subject, reference)


def _that_fit(tx: Transaction, said: Sequence[Said]) -> tuple[list[Said], list[Rejected]]:
    """Those that say something that can be and is not so yet, and those that contradict what is known."""
    known = store.grants(tx, {one.grant_id for one in said})
    fit: list[Said] = []
    rejected: list[Rejected] = []
    seen: set[UUID] = set()
    for one in said:
        before = known.get(one.grant_id)
        wrong = _wrong(one, before, tx.now, repeated=one.grant_id in seen)
        seen.add(one.grant_id)
        if wrong:
            rejected.append(one.rejected(*wrong))
        elif before is None or (one.sent.action == "revoke" and before.revoked_at is None):
            fit.append(one)
    return fit, rejected


def _wrong(one: Said, before: Grant | None, now: datetime, *, repeated: bool) -> Wrong | None:
    sent = one.sent
    if repeated:
        return "reference", "is in the batch twice"
    if one.granted_at > now:
        return "granted_at", "must not be in the future"
    if before and (before.offer_id, before.customer_id) != (sent.offer_id, sent.customer_id):
        return "reference", "is another grant's, of another offer or customer"
    if before and before.revoked_at and sent.action == "grant":
        return "reference", "was revoked; a new grant needs a reference of its own"
    if before is None and sent.action == "revoke":
        return "reference", "is no known grant"
    return None


def _give(call: Call, tx: Transaction, said: Sequence[Said]) -> list[Rejected]:
    """Give each offer to its customers; who can't be given it, and why."""
    by_offer: dict[UUID, list[Said]] = {}
    for one in said:
        by_offer.setdefault(one.sent.offer_id, []).append(one)
    return [rejected for offer_id, some in by_offer.items() for rejected in _give_offer(call, tx, offer_id, some)]


def _give_offer(call: Call, tx: Transaction, offer_id: UUID, said: Sequence[Said]) -> list[Rejected]:
    try:
        giving = giving_of(tx, offer_id, tx.now)
    except Invalid as error:
        return [one.rejected("offer_id", error.problems[0].message) for one in said]
    except Conflict as error:
        return [one.rejected("offer_id", str(error)) for one in said]
    known = store.candidates(tx, giving.campaign_id, {one.sent.customer_id for one in said})
    reasons = {one.index: why_no_grant(known.get(one.sent.customer_id)) for one in said}
    given = [one for one in said if not reasons[one.index]]
    store.insert_grants(tx, [GrantRow(one.grant_id, one.sent.customer_id, one.granted_at) for one in given], giving)
    _tell(call, tx, offer_id, given, {one.index: one.granted_at for one in given})
    return [one.rejected("customer_id", reason) for one in said if (reason := reasons[one.index])]


def _revoke(call: Call, tx: Transaction, said: Sequence[Said]) -> None:
    store.revoke(tx, [one.grant_id for one in said])
    for offer_id in dict.fromkeys(one.sent.offer_id for one in said):
        some = [one for one in said if one.sent.offer_id == offer_id]
        _tell(call, tx, offer_id, some, {one.index: tx.now for one in some})


def _tell(call: Call, tx: Transaction, offer_id: UUID, said: Sequence[Said], since: Mapping[int, datetime]) -> None:
    """Let the histories of customers be folded again who have purchases that may be judged otherwise."""
    moments: dict[str, datetime] = {}
    for one in said:
        moments[one.sent.customer_id] = min(since[one.index], moments.get(one.sent.customer_id, since[one.index]))
    if moments:
        emit_changed(call, tx, store.changed_pairs(tx, moments, offer_id), WHY)
