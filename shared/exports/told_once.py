"""A message that a file and a request tell, or two requests, is in the lake twice and is sent once.

What tells it first for a partner counts: what the partner knows, then files, then events, in the order of the export's parts. All who tell
a message tell the same moment, so each part is held against what else there is of its days. Files are not held against files.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from events.payloads import MessageNamed
from shared.exports.kinds import EXPORTED
from shared.exports.model import Part
from shared.files.columns import TYPES
from shared.files.names import Kind
from shared.files.spans import Placed, rows_of

KEY: Final = pa.schema([(name, TYPES[EXPORTED[Kind.TRANSACTIONS].columns[name]]) for name in MessageNamed.model_fields])
"""What tells a message from any other."""
NAME: Final = "name"
Read = Callable[[Sequence[str], pa.Schema], Iterator[pa.RecordBatch]]
"""Gives columns of rows of some objects, slice by slice."""


def parts_of(items: Sequence[Placed], known: Sequence[Placed], most: int) -> list[Part]:
    """Parts of an export of at most so many records (more where one object has more), made from parts of the lake, those of files first.

    `known`: what the partner has acknowledged of these days.
    """
    parts: list[Part] = []
    before: list[Placed] = []
    for some in _portions(items, most):
        told = [*known, *(before if not some[0].from_file else ())]
        days = {part.day for part in some}
        found = [part for part in told if part.day in days and not (part.from_file and some[0].from_file)]
        against = sorted(found, key=lambda part: (part.object, part.first_row))
        parts.append(
            Part(
                number=len(parts) + 1,
                sources=tuple(map(str, rows_of(some))),
                against=tuple(map(str, rows_of(against))),
                may_repeat=bool(against) or not some[0].from_file,
            )
        )
        before += some
    return parts


def _portions(items: Sequence[Placed], most: int) -> Iterator[list[Placed]]:
    """Parts of files, then those of events, object by object, so many together."""
    some: list[Placed] = []
    for (from_file, _), group in groupby(items, lambda part: (part.from_file, part.object)):
        more = list(group)
        if some and (some[0].from_file != from_file or sum(part.records for part in (*some, *more)) > most):
            yield some
            some = []
        some += more
    if some:
        yield some


def first_told(part: Part, read: Read) -> pa.Array | None:
    """Which records of a part of an export nobody tells before it, and it has not told before; None where that is all of them.

    The part's own messages are held; what others tell is read slice by slice.
    """
    if not part.may_repeat:
        return None
    own = pa.chunked_array([_names(batch) for batch in read(part.sources, KEY)], pa.string()).combine_chunks()
    first = pc.invert(pc.is_in(own, value_set=_told_by_others(own, part, read)))
    again = _told_again(own)
    return pc.and_(first, pc.invert(pc.is_in(pa.array(range(len(own))), value_set=again))) if len(again) else first


def _told_by_others(own: pa.Array, part: Part, read: Read) -> pa.Array:
    named = (pa.record_batch({NAME: _names(batch)}) for batch in read(part.against, KEY))
    told = pc.field(NAME).isin(pc.unique(own))  # looked up in one table for all slices
    scanner = ds.Scanner.from_batches(named, schema=pa.schema([(NAME, pa.string())]), filter=told, use_threads=False)
    return pc.unique(scanner.to_table()[NAME].combine_chunks())


def _told_again(own: pa.Array) -> pa.Array:
    """Where a message stands that stood before."""
    counted = pc.value_counts(own)
    here = counted.field("values").filter(pc.greater(counted.field("counts"), 1))
    places = pc.indices_nonzero(pc.is_in(own, value_set=here))
    seen: set[str] = set()
    again = []
    for place, name in zip(places.to_pylist(), own.take(places).to_pylist(), strict=True):
        if name in seen:
            again.append(place)
        seen.add(name)
    return pa.array(again, pa.int64())


def _names(batch: pa.RecordBatch) -> pa.Array:
    """The messages, each by what tells it from the others."""
    told = ((batch.column(name), field) for name, field in MessageNamed.model_fields.items())
    filled = (column if field.is_required() else pc.fill_null(column, field.default) for column, field in told)
    return pc.binary_join_element_wise(*(pc.cast(column, pa.string()) for column in filled), "/")
