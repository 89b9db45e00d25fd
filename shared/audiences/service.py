"""The use cases of segments, and what other areas may ask of audiences."""

from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from uuid import UUID

from shared.audiences import store
from shared.audiences.api import AudienceAsked, Estimate, NewSegment, Page, Segments, SegmentView, SizedSegment
from shared.audiences.model import Segment, SegmentKind, Selection, VariantSelection
from shared.audiences.rules import Rule, any_of, to_jsonpath
from shared.kernel.errors import Conflict, Invalid, NotFound, Problem
from shared.kernel.ids import SegmentId, new_id
from shared.kernel.money import Rounding, share
from shared.platform.call import Call, Transaction


def create_segment(call: Call, body: NewSegment) -> SizedSegment:
    """Name a set of customers, by a list or by a rule."""
    with call.transaction() as tx:
        segment = Segment(
            segment_id=body.segment_id or new_id(tx.now),
            name=body.name,
            kind=SegmentKind(body.kind),
            rule=body.rule.model_dump_json(exclude_none=True) if body.rule else None,
            created_by=call.caller.subject,
            created_at=tx.now,
        )
        if not store.insert_segment(tx, segment, body.customers or []):
            raise Conflict("There is a segment with this id already.")
        return tx.answer(_sized(tx, segment), status=201)


def list_segments(call: Call, query: Page) -> Segments:
    """Segments, newest first."""
    with call.reading() as tx:
        return Segments(segments=[SegmentView.of(s) for s in store.list_segments(tx, limit=query.limit, offset=query.offset)])


def get_segment(call: Call, segment_id: SegmentId) -> SizedSegment:
    """One segment and its size now."""
    with call.reading() as tx:
        found = store.segments(tx, [segment_id])
        if not found:
            raise NotFound("There is no such segment.")
        return _sized(tx, found[0])


def estimate_audience(call: Call, body: AudienceAsked) -> Estimate:
    """How large an audience is now and how many grants it would come to; nothing is drawn."""
    with call.reading() as tx:
        named = {"segments_in": body.segments_in, "segments_out": body.segments_out}
        require_segments(tx, {f"/{field}/{index}": segment for field, ids in named.items() for index, segment in enumerate(ids)})
        size = store.audience_size(tx, select(tx, body.segments_in, body.segments_out), body.campaign_id)
        held_out = size.held_out + share(size.undrawn, body.holdout, rounding=Rounding.HALF_UP)
        grants = size.customers - size.without_consent - held_out
        return Estimate(customers=size.customers, without_consent=size.without_consent, held_out=held_out, grants=grants)


def known_segments(tx: Transaction, ids: Collection[UUID]) -> set[UUID]:
    """Those of the segments that exist; for areas that refer to segments."""
    return store.known_segments(tx, ids)


def select(tx: Transaction, segments_in: Collection[UUID], segments_out: Collection[UUID]) -> Selection:
    """Resolve segments to lists and one predicate each way. A segment that does not exist has no members."""
    found = {segment.segment_id: segment for segment in store.segments(tx, {*segments_in, *segments_out})}
    lists_in, rule_in = _resolve(found[s] for s in segments_in if s in found)
    lists_out, rule_out = _resolve(found[s] for s in segments_out if s in found)
    return Selection(lists_in=lists_in, rule_in=rule_in, lists_out=lists_out, rule_out=rule_out)


def select_variants(tx: Transaction, variants: Mapping[str, Collection[UUID]]) -> list[VariantSelection]:
    """Resolve the segments of variants, in their order."""
    if not variants:
        return []
    found = {segment.segment_id: segment for segment in store.segments(tx, set(chain.from_iterable(variants.values())))}
    resolved = {name: _resolve(found[s] for s in segments if s in found) for name, segments in variants.items()}
    return [VariantSelection(variant=name, lists=lists, rule=rule) for name, (lists, rule) in resolved.items()]


def require_segments(tx: Transaction, named: Mapping[str, UUID]) -> None:
    """Raise Invalid with every place (JSON pointer) at which a segment is named that does not exist."""
    known = store.known_segments(tx, set(named.values()))
    problems = [Problem(path=path, message="is no known segment") for path, segment_id in named.items() if segment_id not in known]
    if problems:
        raise Invalid(problems=tuple(problems))


def _resolve(segments: Iterable[Segment]) -> tuple[tuple[UUID, ...], str | None]:
    segments = tuple(segments)
    lists = tuple(segment.segment_id for segment in segments if segment.kind is SegmentKind.LIST)
    rules = [_predicate(segment) for segment in segments if segment.kind is SegmentKind.RULE]
    return lists, any_of(iter(rules)) if rules else None


def _predicate(segment: Segment) -> str:
    return to_jsonpath(Rule.model_validate_json(segment.rule or ""))


def _sized(tx: Transaction, segment: Segment) -> SizedSegment:
    is_list = segment.kind is SegmentKind.LIST
    customers, unknown = store.list_size(tx, segment.segment_id) if is_list else store.rule_size(tx, _predicate(segment))
    return SizedSegment.sized(segment, customers=customers, unknown=unknown)
