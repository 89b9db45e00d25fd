"""How what records say takes effect: by the use case of the request that takes the same items. What it refuses is named as a reject.

The use case is called for some records at a time, each time as a request of its own that is carried out once: a chunk that is taken
again gets the answers that it got before.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import pyarrow as pa
from pydantic_core import to_json

from events.told import MOST_CUSTOMERS, MOST_MERCHANTS
from shared.aggregators.offers import MOST_OFFERS, put_partner_offers
from shared.audiences.cards import MOST_CARDS, put_cards
from shared.audiences.customers import put_customers
from shared.audiences.grants_told import MOST_GRANTS, put_grants
from shared.audiences.members import MOST_MEMBERS, put_members, replace_lists, stage_members
from shared.files.drops import Drop, Found
from shared.files.layout import Layout
from shared.files.names import Kind, Scope
from shared.files.parsing import LINE, LINE_HASH, shapes_of, totals_of
from shared.files.rejects import Code, Fault, Reject
from shared.kernel.ids import DROP
from shared.kernel.shards import shard_of
from shared.merchants.service import put_merchants
from shared.platform.batches import BatchAnswer, Rejected
from shared.platform.call import Call, Caller, Once, Replayed
from shared.reconciliation.service import MOST_LINES, put_partner_redemptions, put_settlement
from shared.redemptions.payout_results import MOST_RESULTS, put_payout_results

CONSUMER: Final = "files"
Shape = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Taker:
    """The request by which records of a kind take effect."""

    field: str
    """What its body calls the items."""
    most: int
    """So many items at a time."""
    use_case: Callable[..., BatchAnswer]
    """Of a call and the body; of the sender as well, between them, where `by_sender`."""
    by_sender: bool = False
    customer: str | None = None
    """The field with the customer whose shard is held meanwhile: items of one shard go together."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WholeTaker:
    """How the whole that a full file is takes the place of what there was: kept in parts, then put in place in one go."""

    stage: Callable[[Call, UUID, bytes], BatchAnswer]
    replace: Callable[[Call, UUID], None]


TAKERS: Final[Mapping[Kind, Taker]] = {
    Kind.CARDS: Taker(field="cards", most=MOST_CARDS, use_case=put_cards),
    Kind.CUSTOMERS: Taker(field="customers", most=MOST_CUSTOMERS, use_case=put_customers, customer="customer_id"),
    Kind.MERCHANTS: Taker(field="merchants", most=MOST_MERCHANTS, use_case=put_merchants),
    Kind.SEGMENTS: Taker(field="members", most=MOST_MEMBERS, use_case=put_members),
    Kind.GRANTS: Taker(field="grants", most=MOST_GRANTS, use_case=put_grants, customer="customer_id"),
    Kind.PAYOUTS: Taker(field="results", most=MOST_RESULTS, use_case=put_payout_results),
    Kind.OFFERS: Taker(field="offers", most=MOST_OFFERS, use_case=put_partner_offers, by_sender=True),
    Kind.REDEMPTIONS: Taker(field="lines", most=MOST_LINES, use_case=put_partner_redemptions, by_sender=True),
    Kind.SETTLEMENT: Taker(field="lines", most=MOST_LINES, use_case=put_settlement, by_sender=True),
}
WHOLES: Final[Mapping[Kind, WholeTaker]] = {Kind.SEGMENTS: WholeTaker(stage=stage_members, replace=replace_lists)}
"""Kinds of which a full file says what there is, and nothing beside it. Full files of other kinds are taken record by record."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """What became of the records of a chunk when they took effect."""

    batches: list[pa.RecordBatch]
    """Those that did, without where they stood in the file."""
    rejects: list[Reject]
    """Why the others did not, by line."""
    found: Found


def take(call: Call, layout: Layout, drop: Drop, number: int, batches: Sequence[pa.RecordBatch]) -> Taken:
    """Let the accepted records of a chunk take effect. Done again, it changes nothing and answers the same."""
    taker, shapes = TAKERS[layout.kind], list(shapes_of(batches, layout))
    refused: dict[int, Rejected] = {}
    for part, rows in enumerate(_portions(shapes, taker, call.shards)):
        raw = to_json({taker.field: [shapes[row] for row in rows]})
        answer = _ask(_use_case(drop, taker), _request(call, drop, f"{number}/{part}", raw), raw)
        refused |= {rows[item.index]: item for item in answer.rejected}
    accepted = list(_without(batches, refused))
    found = Found(accepted=len(shapes) - len(refused), rejected=len(refused), totals=totals_of(accepted, layout.record))
    return Taken(batches=accepted, rejects=_rejects(batches, shapes, refused), found=found)


def finish(call: Call, drop: Drop) -> None:
    """Once every chunk took effect: let the whole that a full file is take the place of what there was. Done again, it changes nothing."""
    whole = _whole(drop)
    if whole:
        with suppress(Replayed):
            whole.replace(_request(call, drop, "whole", b""), drop.drop_id)


def _use_case(drop: Drop, taker: Taker) -> Callable[[Call, bytes], BatchAnswer]:
    whole = _whole(drop)
    if whole:
        return lambda call, raw: whole.stage(call, drop.drop_id, raw)
    return (lambda call, raw: taker.use_case(call, drop.sender, raw)) if taker.by_sender else taker.use_case


def _whole(drop: Drop) -> WholeTaker | None:
    said = drop.file_name
    return WHOLES.get(said.kind) if said.scope is Scope.FULL else None


def _portions(shapes: Sequence[Shape], taker: Taker, shards: int) -> Iterator[list[int]]:
    """Which records go together, by their numbers."""
    groups: dict[int, list[int]] = {}
    for row, shape in enumerate(shapes):
        groups.setdefault(shard_of(shape[taker.customer], shards) if taker.customer else 0, []).append(row)
    for _, rows in sorted(groups.items()):
        for start in range(0, len(rows), taker.most):
            yield rows[start : start + taker.most]


def _request(call: Call, drop: Drop, key: str, raw: bytes) -> Call:
    """A call on the sender's behalf, at the moment when the file came."""
    once = Once(consumer=CONSUMER, source=DROP.render(drop.drop_id), key=key, input_hash=hashlib.sha256(raw).digest())
    return replace(call, caller=Caller(subject=subject_of(drop.file_name.sender)), once=once, told_at=drop.received_at)


def subject_of(sender: str) -> str:
    """Who says what a sender's files say."""
    return f"files:{sender}"


def _ask(use_case: Callable[[Call, bytes], BatchAnswer], call: Call, raw: bytes) -> BatchAnswer:
    try:
        return use_case(call, raw)
    except Replayed as first:
        return BatchAnswer.model_validate_json(first.answer or "")


def _without(batches: Sequence[pa.RecordBatch], refused: Mapping[int, Rejected]) -> Iterator[pa.RecordBatch]:
    start = 0
    for batch in batches:
        kept = [row not in refused for row in range(start, start + batch.num_rows)]
        start += batch.num_rows
        if any(kept):
            yield batch.drop_columns([LINE, LINE_HASH]).filter(pa.array(kept))


def _rejects(batches: Sequence[pa.RecordBatch], shapes: Sequence[Shape], refused: Mapping[int, Rejected]) -> list[Reject]:
    if not refused:
        return []
    table = pa.Table.from_batches(batches)
    lines, hashes = table[LINE].to_pylist(), table[LINE_HASH].to_pylist()
    rejects = [
        fault.of(lines[row], hashes[row]) for row, item in refused.items() for fault in _faults(item, shapes[row])
    ]  # fmt: skip
    return sorted(rejects, key=lambda reject: reject.line)


def _faults(item: Rejected, shape: Shape) -> Iterator[Fault]:
    """What a use case says of an item: its problems lie at `/items/3/field`."""
    for problem in item.problems:
        field = ".".join(problem.path.split("/")[3:])
        yield Fault(field=field, code=Code.REFUSED, value=shape.get(field), note=problem.message)
