"""Exports, their parts and what partners know, in PostgreSQL: values in, values out."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from shared.exports.kinds import Exported
from shared.exports.model import Export, Item, Part, State
from shared.files.names import FileName, Format, Kind, Scope
from shared.files.spans import Placed, Rows
from shared.files.totals import Totals
from shared.kernel.errors import NotFound, Problem
from shared.platform.call import Transaction
from shared.platform.database import Queries, copy_rows, exactly_one, joined, one, rows

SQL = Queries(__file__)
PAGE: Final = 20_000
ITEM_TYPES: Final = ("uuid", "text", "text")


def add(tx: Transaction, export: Export) -> int | None:
    """Plan an export: its number of the day, None where one of its partner and kind is on its way, or was planned for the same moment."""
    row = one(tx.connection, SQL["add_export"], **_values(export))
    return int(row["sequence"]) if row else None


def read(tx: Transaction, export_id: UUID, *, lock: bool = False) -> Export:
    """One export, held until the end of the transaction if asked. Raises NotFound."""
    row = one(tx.connection, SQL["lock_export" if lock else "read_export"], export_id=export_id)
    if row is None:
        raise NotFound("There is no such export.")
    return _export(row)


def find(tx: Transaction, partner: str, name: FileName) -> Export | None:
    """The export of a partner whose file has this name."""
    said = {"partner": partner, "kind": name.kind.value, "day": name.day, "sequence": name.sequence}
    row = one(tx.connection, SQL["find_export"], **said)
    return _export(row) if row else None


def is_planned(tx: Transaction, partner: str, kind: str, due_at: datetime) -> bool:
    """Whether an export was planned for this moment of the schedule, or a later one."""
    return bool(exactly_one(tx.connection, SQL["is_planned"], partner=partner, kind=kind, due_at=due_at)["planned"])


def list_some(tx: Transaction, asked: dict[str, Any]) -> list[Export]:
    """Exports, newest first, with whatever is asked of them."""
    return [_export(row) for row in rows(tx.connection, SQL["list_exports"], **asked)]


def update(tx: Transaction, export: Export) -> None:
    """Bring an export up to date."""
    tx.connection.execute(SQL["update_export"], _values(export))


def settled(tx: Transaction, export_ids: Collection[UUID]) -> list[Export]:
    """Those of some exports whose parts nobody needs any more."""
    return [_export(row) for row in rows(tx.connection, SQL["settled"], export_ids=list(export_ids))]


def lock_overdue(tx: Transaction, most: int) -> list[Export]:
    """Written exports whose answer did not come in time, not told of before; held."""
    return [_export(row) for row in rows(tx.connection, SQL["lock_overdue"], now=tx.now, most=most)]


def add_parts(tx: Transaction, export_id: UUID, parts: Sequence[Part]) -> None:
    """Put the parts of an export on record, with what each is made from."""
    values = {
        "numbers": [part.number for part in parts],
        "sources": [joined(part.sources) for part in parts],
        "against": [joined(part.against) for part in parts],
        "may_repeat": [part.may_repeat for part in parts],
    }
    tx.connection.execute(SQL["add_parts"], values | {"export_id": export_id})


def parts(tx: Transaction, export_id: UUID) -> list[Part]:
    """The parts of an export, in order."""
    return [_part(row) for row in rows(tx.connection, SQL["read_parts"], export_id=export_id)]


def part(tx: Transaction, export_id: UUID, number: int) -> Part:
    """One part. Raises NotFound."""
    row = one(tx.connection, SQL["read_part"], export_id=export_id, number=number)
    if row is None:
        raise NotFound("There is no such part.")
    return _part(row)


def part_written(tx: Transaction, export_id: UUID, part: Part) -> bool:
    """Say what became of a part; False where that was said before."""
    said = {"object": part.object, "generation": part.generation, "size": part.size, "number": part.number, "now": tx.now}
    told = {"totals": Jsonb(part.totals.told()), "withheld": Jsonb(dict(part.withheld)), "export_id": export_id}
    return one(tx.connection, SQL["part_written"], **said, **told) is not None


def all_written(tx: Transaction, export_id: UUID) -> bool:
    """Whether every part of an export is written."""
    return not exactly_one(tx.connection, SQL["count_open_parts"], export_id=export_id)["parts"]


def progress(tx: Transaction, export_ids: Collection[UUID]) -> dict[UUID, tuple[int, int]]:
    """How many parts exports have, and how many of these are written; none of an export without parts."""
    found = rows(tx.connection, SQL["progress"], export_ids=list(export_ids))
    return {row["export_id"]: (row["parts"], row["parts_written"]) for row in found}


def add_lake_items(tx: Transaction, export: Export) -> list[Placed]:
    """Settle which parts of the lake go into an export: those of files first, then by objects and rows."""
    said = {"export_id": export.export_id, "kind": export.kind.value, "partner": export.partner, "scope": export.scope.value}
    tx.connection.execute(SQL["add_lake_items"], said)
    return [Placed(**row) for row in rows(tx.connection, SQL["read_lake_items"], export_id=export.export_id)]


def known_lake_parts(tx: Transaction, export: Export, days: Collection[str], whole_days: Collection[str]) -> list[Placed]:
    """What the partner knows of some days of the lake, by objects and rows: what events told, of whole days all. None of a full export."""
    if export.scope is Scope.FULL:
        return []
    said = {"partner": export.partner, "kind": export.kind.value, "days": list(days), "whole_days": list(whole_days)}
    return [Placed(**row) for row in rows(tx.connection, SQL["known_lake_parts"], **said)]


def sources_in_use(tx: Transaction) -> list[Rows]:
    """What parts of exports are made from, and held against, that are not written yet."""
    return [Rows.of(row["source"]) for row in rows(tx.connection, SQL["sources_in_use"])]


def pages(tx: Transaction, export: Export, exported: Exported) -> Iterator[list[DictRow]]:
    """The records that go into an export, with key and version of each, page by page, all as of one moment."""
    with tx.connection.cursor(name="pages") as cursor:
        cursor.execute(SQL[str(exported.statement)], {"partner": export.partner, "scope": export.scope.value})
        while page := cursor.fetchmany(PAGE):
            yield page


def allowed(tx: Transaction) -> list[str]:
    """Customers who may be told of: for each shard their ids, one a line."""
    return [row["ids"] for row in rows(tx.connection, SQL["allowed"])]


def add_items(tx: Transaction, export_id: UUID, items: Iterable[Item]) -> None:
    """Settle which records go into an export, each as which version."""
    copy_rows(tx.connection, SQL["copy_items"], ITEM_TYPES, ((export_id, item.key, item.version) for item in items))


def known(tx: Transaction, export: Export, keys: Collection[str]) -> dict[str, str]:
    """As which version the partner knows some records."""
    found = rows(tx.connection, SQL["known"], partner=export.partner, kind=export.kind.value, keys=list(keys))
    return {row["key"]: row["version"] for row in found}


def acknowledge(tx: Transaction, export: Export) -> None:
    """Keep that the partner knows what an export holds."""
    tx.connection.execute(SQL["acknowledge"], {"export_id": export.export_id, "partner": export.partner, "kind": export.kind.value})


def forget_items(tx: Transaction, export_id: UUID) -> None:
    """What an export holds no longer matters."""
    tx.connection.execute(SQL["forget_items"], {"export_id": export_id})


def _values(export: Export) -> dict[str, Any]:
    values = {name: getattr(export, name) for name in Export.__dataclass_fields__}
    enums = {name: getattr(export, name).value for name in ("kind", "scope", "format", "state")}
    problems = Jsonb([asdict(problem) for problem in export.problems])
    return values | enums | {"problems": problems, "withheld": Jsonb(dict(export.withheld))}


def _export(row: DictRow) -> Export:
    enums = {"kind": Kind, "scope": Scope, "format": Format, "state": State}
    said = {name: enum(row[name]) for name, enum in enums.items()}
    return Export(**row | said | {"problems": tuple(Problem(**problem) for problem in row["problems"])})


def _part(row: DictRow) -> Part:
    totals = Totals.of(row["totals"]) if row["totals"] else Totals()
    return Part(**row | {"sources": tuple(row["sources"]), "against": tuple(row["against"]), "totals": totals})
