"""What goes into an export is settled in one transaction: which records, each as which version, and who may be told of.

A delta is what differs from what the partner has acknowledged. Nothing is asked of a clock: whatever is committed later, however
long its transaction took, differs still when the next delta is settled.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from events.files import ExportPartReady, ExportPartsDone, ExportPlanned
from shared.exports import breaks, store
from shared.exports.kinds import EXPORTED, Exported
from shared.exports.model import Export, Item, Part, State
from shared.exports.places import Places, keep_work, places_of, work_prefix
from shared.exports.told_once import parts_of
from shared.files.columns import TYPES
from shared.files.lake import as_parquet
from shared.files.names import Kind
from shared.files.places import clear
from shared.kernel.ids import EXPORT
from shared.platform.call import Call, Transaction

PART_RECORDS: Final = 1_000_000
"""Records of a part, where what it is made from is not more in one piece. Each part looks consent up in a table of its own."""
ALLOWED: Final = "allowed"
END: Final = "\n"
CUSTOMER: Final = "customer_id"
Page = Sequence[dict[str, Any]]


def split_export(call: Call, planned: ExportPlanned) -> None:
    """Settle what goes into an export, and let its parts be written."""
    places = places_of(call)
    with call.transaction() as tx:
        export = store.read(tx, planned.export_id, lock=True)
        if export.state is not State.PLANNED:
            return
        clear(places.lake, work_prefix(export.export_id))  # of an attempt that died
        exported = EXPORTED[export.kind]
        pages = _pages(call, tx, export, exported)
        parts = _from_lake(tx, export) if pages is None else _from_rows(tx, places, export, exported, pages)
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


def _pages(call: Call, tx: Transaction, export: Export, exported: Exported) -> Iterator[Page] | None:
    """Key, version and columns of the records, page by page; None of what lies in the lake."""
    if export.kind is Kind.RECONCILIATION:
        return breaks.pages(call, tx, export)
    return store.pages(tx, export, exported) if exported.statement else None


def _from_lake(tx: Transaction, export: Export) -> list[Part]:
    items = store.add_lake_items(tx, export)
    days, whole_days = {part.day for part in items}, {part.day for part in items if not part.from_file}
    return parts_of(items, store.known_lake_parts(tx, export, days, whole_days), PART_RECORDS)


def _from_rows(tx: Transaction, places: Places, export: Export, exported: Exported, pages: Iterator[Page]) -> list[Part]:
    """Records of the database, kept as they were at this moment: a part that is written later, or again, is the same."""
    names = []
    known: set[tuple[str, str]] = set()
    for number, page in enumerate(pages, start=1):
        made = as_parquet(_table(page, exported))
        names.append(keep_work(places.lake, f"{work_prefix(export.export_id, 'rows')}{number:06}", made))
        items = {(row["key"], row["version"]) for row in page} - known
        store.add_items(tx, export.export_id, [Item(key=key, version=version) for key, version in sorted(items)])
        known = {(page[-1]["key"], page[-1]["version"])}  # the rows of one key may go on with the next page
    return [Part(number=number, sources=(name,)) for number, name in enumerate(names, start=1)]


def _table(page: Page, exported: Exported) -> pa.Table:
    return pa.table({name: pa.array([row[name] for row in page], TYPES[of]) for name, of in exported.columns.items()})


def _keep_allowed(tx: Transaction, places: Places, export: Export) -> str:
    """Who may be told of, as it is now."""
    ids = pc.list_flatten(pc.split_pattern(pa.array(store.allowed(tx), pa.string()), END))
    made = as_parquet(pa.table({CUSTOMER: ids}))
    return keep_work(places.lake, f"{work_prefix(export.export_id)}{ALLOWED}", made)
