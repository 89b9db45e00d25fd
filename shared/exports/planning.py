"""What goes into an export is settled in one transaction: which records, each as which version, and who may be told of.

A delta is what differs from what the partner has acknowledged. Nothing is asked of a clock: whatever is committed later, however
long its transaction took, differs still when the next delta is settled.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import pyarrow as pa
from pyarrow import parquet

from events.payloads import ExportPartReady, ExportPartsDone, ExportPlanned
from shared.exports import store
from shared.exports.kinds import EXPORTED, Exported
from shared.exports.model import Export, Item, Part, State
from shared.exports.places import Places, clear, keep_work, places_of, work_prefix
from shared.files.columns import TYPES
from shared.files.lake import as_parquet
from shared.kernel.ids import EXPORT
from shared.platform.call import Call, Transaction

PART_RECORDS: Final = 100_000
"""Records of a part, where what it is made from is not more in one piece: it is what is held in memory."""
ALLOWED: Final = "allowed"


def split_export(call: Call, planned: ExportPlanned) -> None:
    """Settle what goes into an export, and let its parts be written."""
    places = places_of(call)
    with call.transaction() as tx:
        export = store.read(tx, planned.export_id, lock=True)
        if export.state is not State.PLANNED:
            return
        clear(places.lake, work_prefix(export.export_id))  # of an attempt that died
        exported = EXPORTED[export.kind]
        sources = _from_rows(tx, places, export, exported) if exported.statement else _from_lake(tx, export)
        parts = [Part(number=number, sources=tuple(some)) for number, some in enumerate(sources, start=1)]
        allowed = _keep_allowed(tx, places, export) if exported.personal and export.token_key else None
        store.add_parts(tx, export.export_id, parts)
        store.update(tx, replace(export, state=State.WRITING, allowed=allowed))
        _start(tx, export, parts)


def _start(tx: Transaction, export: Export, parts: Sequence[Part]) -> None:
    key = EXPORT.render(export.export_id)
    for part in parts:
        tx.emit(ExportPartReady(export_id=export.export_id, number=part.number), subject=key, key=f"{key}/{part.number}")
    if not parts:
        tx.emit(ExportPartsDone(export_id=export.export_id), subject=key, key=key)


def _from_lake(tx: Transaction, export: Export) -> Iterator[list[str]]:
    """Parts of the lake, so many together that a part of the export has enough records."""
    some: list[str] = []
    records = 0
    for name, count in store.add_lake_items(tx, export):
        if some and records + count > PART_RECORDS:
            yield some
            some, records = [], 0
        some.append(name)
        records += count
    if some:
        yield some


def _from_rows(tx: Transaction, places: Places, export: Export, exported: Exported) -> list[list[str]]:
    """Records of the database, kept as they were at this moment: a part that is written later, or again, is the same."""
    names = []
    known: set[tuple[str, str]] = set()
    for number, page in enumerate(store.pages(tx, export, exported), start=1):
        made = as_parquet(_table(page, exported))
        names.append(keep_work(places.lake, f"{work_prefix(export.export_id, 'rows')}{number:06}", made))
        items = {(row["key"], row["version"]) for row in page} - known
        store.add_items(tx, export.export_id, [Item(key=key, version=version) for key, version in sorted(items)])
        known = {(page[-1]["key"], page[-1]["version"])}  # the rows of one key may go on with the next page
    return [[name] for name in names]


def _table(page: Sequence[dict[str, Any]], exported: Exported) -> pa.Table:
    return pa.table({name: pa.array([row[name] for row in page], TYPES[of]) for name, of in exported.columns.items()})


def _keep_allowed(tx: Transaction, places: Places, export: Export) -> str:
    """Who may be told of, as it is now."""
    made = io.BytesIO()
    schema = pa.schema([("customer_id", pa.string())])
    with parquet.ParquetWriter(made, schema, compression="zstd") as writer:
        for table in _tables(store.allowed(tx), schema):
            writer.write_table(table)
    return keep_work(places.lake, f"{work_prefix(export.export_id)}{ALLOWED}", made.getvalue())


def _tables(pages: Iterable[list[str]], schema: pa.Schema) -> Iterator[pa.Table]:
    for page in pages:
        yield pa.table([pa.array(page, pa.string())], schema=schema)
