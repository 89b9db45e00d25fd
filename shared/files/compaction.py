"""Many small objects of a day of the lake become few large ones; records that count no more stay behind.

The new object is on record before it is written, as one that nobody uses, so that it is removed if its writer dies. Then one commit lets
the parts lie there. The old objects stay for a while: who has just read where parts lie still finds them.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import accumulate, takewhile
from typing import Final

import pyarrow as pa
from pyarrow.parquet import ParquetFile

from events.files import LakeScattered
from shared.files import lake_store
from shared.files.lake import as_blocks, partition
from shared.files.lake_store import LakeObject
from shared.files.places import discard, keep_blocks, places_of, read_whole
from shared.files.spans import Rows, opened, read_rows, rows_of
from shared.files.stores.opening import open_store
from shared.kernel.errors import Busy
from shared.kernel.ids import derived_id
from shared.platform.call import Call, Transaction

LEAST_OBJECTS: Final = 8
"""So many small objects of a day are put together; fewer may stay."""
MOST_OBJECTS: Final = 1_000
MOST_BYTES: Final = 64 << 20
MOST_RECORDS: Final = 1_000_000
"""What is put together has at most so many objects, bytes and records: it is held in memory as it lies in the store."""
ROW_GROUP: Final = 1 << 17
MOST_DAYS: Final = 500
LEFT_FOR: Final = timedelta(days=1)
"""Nobody reads as long from where parts lay; exports that are on their way say what they still need."""
MOST_REMOVED: Final = 2_000


def plan_due(call: Call, tx: Transaction) -> None:
    """Ask that days be put together of which the records lie scattered. While nothing changes there, it is asked once."""
    if call.file_places is None:
        return
    for kind, day, state in lake_store.scattered_days(tx, least=LEAST_OBJECTS, most=MOST_DAYS):
        key = partition(kind, day)
        tx.emit(LakeScattered(kind=kind, day=day), subject=key, key=key, event_id=derived_id(key, state))


def compact(call: Call, scattered: LakeScattered) -> None:
    """Put small objects of a kind and day together into one. What is left then is told again. Raises Busy where parts moved meanwhile."""
    places = places_of(call)
    with call.reading() as tx:
        found = lake_store.small_objects(tx, scattered.kind, scattered.day, most=MOST_OBJECTS)
        chosen = {one.name: place for place, one in enumerate(_fitting(found))}
        parts = sorted(lake_store.parts_in(tx, chosen, scattered.day), key=lambda part: (chosen[part.object], part.first_row))
    if not parts:
        return
    name = f"{partition(scattered.kind, scattered.day)}/{derived_id(*(part.name for part in parts)).hex}.parquet"
    with replace(call, once=None).transaction() as tx:
        lake_store.begin_object(tx, name, scattered.kind, scattered.day)
    sources = {one: opened(read_whole(places.lake, one)) for one in chosen}
    stored = keep_blocks(places.lake, name, _written(sources, rows_of(parts)))
    with call.transaction() as tx:
        if not lake_store.move_parts(tx, parts, scattered.day, name, stored.size):
            raise Busy("What was put together has moved or counts no more.")


def remove_left(call: Call, needed: Collection[str]) -> int:
    """Remove objects that were left long ago, but those that are needed still, by name; how many."""
    if call.file_places is None:
        return 0
    lake = open_store(call.file_places.lake)
    with replace(call, once=None).transaction() as tx:
        names = lake_store.take_left(tx, grace=LEFT_FOR, needed=needed, most=MOST_REMOVED)
        for name in names:
            discard(lake, name)
    return len(names)


def _fitting(found: Sequence[LakeObject]) -> list[LakeObject]:
    """The first of some objects, as many as may be put together; none where that would be one that is as good as it can be."""
    bounds = zip(accumulate(one.bytes for one in found), accumulate(one.records for one in found), strict=True)
    most = sum(1 for _ in takewhile(lambda sums: sums[0] <= MOST_BYTES and sums[1] <= MOST_RECORDS, bounds))
    chosen = list(found[: max(most, 1)])
    return chosen if len(chosen) > 1 or any(one.gone for one in chosen) else []


def _written(sources: dict[str, ParquetFile], wanted: Iterable[Rows]) -> Iterator[bytes]:
    """Rows of some objects as one, as it is written, row group by row group. What an object has no column for is null."""
    schema = pa.unify_schemas([source.schema_arrow.remove_metadata() for source in sources.values()])
    yield from as_blocks(_tables(sources, wanted, schema), schema)


def _tables(sources: dict[str, ParquetFile], wanted: Iterable[Rows], schema: pa.Schema) -> Iterator[pa.Table]:
    some: list[pa.RecordBatch] = []
    count = 0
    for rows in wanted:
        for batch in read_rows(sources[rows.object], rows, None, ROW_GROUP):
            if some and count + batch.num_rows > ROW_GROUP:
                yield pa.Table.from_batches(some, schema)
                some, count = [], 0
            some.append(_conformed(batch, schema))
            count += batch.num_rows
    if some:
        yield pa.Table.from_batches(some, schema)


def _conformed(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = [
        batch.column(field.name) if field.name in batch.schema.names else pa.nulls(batch.num_rows, field.type) for field in schema
    ]  # fmt: skip
    return pa.RecordBatch.from_arrays(columns, schema=schema)
