"""The use cases of lists that change: members added and removed one by one, or a whole list in place of another."""

from collections.abc import Collection, Iterable, Sequence
from typing import Annotated, Final
from uuid import UUID

from shared.audiences import store
from shared.audiences.api import MemberSent
from shared.audiences.model import ERASED, Segment, SegmentKind
from shared.audiences.store import Member
from shared.platform.batches import BatchAnswer, Rejected, read_batch
from shared.platform.call import Call, Transaction
from shared.platform.operations import BodySchema

MOST_MEMBERS: Final = 5_000
FIELD: Final = "members"
Sent = list[tuple[int, MemberSent]]


def put_members(call: Call, raw: Annotated[bytes, BodySchema(FIELD, MemberSent, MOST_MEMBERS)]) -> BatchAnswer:
    """Add customers to lists and remove them: `{"members": [...]}`, 1 to 5,000. Bad ones are named, the others taken.

    Who is to be added and is in the list, or is to be removed and is not, is taken as well and changes nothing.
    """
    batch = read_batch(raw, FIELD, MemberSent, MOST_MEMBERS, id_field="customer_id")
    with call.transaction() as tx:
        sent, refused = _that_fit(tx, batch.accepted)
        store.drop_members(tx, _named(sent, "remove"))
        store.put_members(tx, _named(sent, "add"))
        return tx.answer(BatchAnswer.of(len(sent), [*batch.rejected, *refused]))


def stage_members(call: Call, upload_id: UUID, raw: bytes) -> BatchAnswer:
    """Keep a part of whole lists, `{"members": [...]}`, until all of an upload is there. Nobody is removed by name there."""
    batch = read_batch(raw, FIELD, MemberSent, MOST_MEMBERS, id_field="customer_id")
    with call.transaction() as tx:
        sent, refused = _that_fit(tx, batch.accepted)
        refused += [
            _rejected(index, member, "action", "a whole list only names its members") for index, member in sent if member.action == "remove"
        ]
        members = _named(sent, "add")
        store.stage_members(tx, upload_id, members)
        return tx.answer(BatchAnswer.of(len(members), [*batch.rejected, *refused]))


def replace_lists(call: Call, upload_id: UUID) -> None:
    """Let the lists of an upload, all of which is there, take the place of what there is. Done again, it changes nothing."""
    with call.transaction() as tx:
        store.replace_lists(tx, upload_id)


def _named(sent: Sent, action: str) -> list[Member]:
    return [(member.segment_id, member.customer_id) for _, member in sent if member.action == action]


def _that_fit(tx: Transaction, sent: Sequence[tuple[int, MemberSent]]) -> tuple[Sent, list[Rejected]]:
    """Those that can be taken, while their segments are held: of a list, not erased, each once."""
    segments = store.lock_segments(tx, {member.segment_id for _, member in sent})
    erased = store.erased(tx, {member.customer_id for _, member in sent})
    fit: Sent = []
    refused: list[Rejected] = []
    seen: set[Member] = set()
    for index, member in sent:
        wrong = _wrong(member, segments.get(member.segment_id), erased, seen)
        if wrong:
            refused.append(_rejected(index, member, *wrong))
        else:
            fit.append((index, member))
            seen.add((member.segment_id, member.customer_id))
    return fit, refused


def _wrong(member: MemberSent, segment: Segment | None, erased: Collection[str], seen: Iterable[Member]) -> tuple[str, str] | None:
    """The field with which something is wrong, and what."""
    if segment is None:
        return "segment_id", "is no known segment"
    if segment.kind is not SegmentKind.LIST:
        return "segment_id", "is no list: its rule says who belongs"
    if member.customer_id in erased:
        return "customer_id", ERASED
    return ("customer_id", "is in the batch twice for this segment") if (member.segment_id, member.customer_id) in seen else None


def _rejected(index: int, member: MemberSent, field: str, message: str) -> Rejected:
    return Rejected.because(index, member.customer_id, f"/{FIELD}/{index}/{field}", message)
