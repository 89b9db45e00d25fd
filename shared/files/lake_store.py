"""Which parts of the lake count and in which objects they lie, in PostgreSQL: values in, values out."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import accumulate
from typing import Final

from psycopg.types.json import Jsonb

from shared.files.drops import LakePart
from shared.files.spans import Placed
from shared.platform.call import Transaction
from shared.platform.database import Queries, one, rows

SQL = Queries(__file__)
SMALL_BYTES: Final = 16 << 20
FEW_RECORDS: Final = 250_000
"""An object that has less of both is small."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LakeObject:
    """An object of the lake: its size, how many of its records of a day count, and how many count no more."""

    name: str
    records: int
    bytes: int
    gone: int


def add_parts(tx: Transaction, parts: Sequence[LakePart]) -> None:
    """Put parts of the lake on record, where they are kept; from then on they count. Said again, it changes nothing."""
    if parts:
        tx.connection.execute(SQL["add_lake_parts"], {"parts": Jsonb([asdict(part) for part in parts]), "now": tx.now})


def forget_parts(tx: Transaction, parts: Sequence[LakePart]) -> None:
    """Parts of the lake count no more."""
    tx.connection.execute(SQL["forget_lake_parts"], {"names": [part.name for part in parts]})


def placed(tx: Transaction, names: Collection[str]) -> list[Placed]:
    """Where parts lie now, by objects and rows; those that count no more are left out."""
    return [Placed(**row) for row in rows(tx.connection, SQL["read_places_of_parts"], names=list(names))]


def parts_in(tx: Transaction, objects: Collection[str], day: str) -> list[Placed]:
    """What of a day counts in some objects, by objects and rows."""
    return [Placed(**row) for row in rows(tx.connection, SQL["read_parts_in_objects"], objects=list(objects), day=day)]


def scattered_days(tx: Transaction, *, least: int, most: int) -> list[tuple[str, str, str]]:
    """Kinds and days with at least so many small objects, or one in which much counts no more; with a digest of these objects."""
    found = rows(tx.connection, SQL["read_scattered_days"], small=SMALL_BYTES, few=FEW_RECORDS, least=least, most=most)
    return [(row["kind"], row["day"], row["state"]) for row in found]


def small_objects(tx: Transaction, kind: str, day: str, *, most: int) -> list[LakeObject]:
    """The small objects of a kind and day and, before them, those in which much counts no more."""
    said = {"kind": kind, "day": day, "small": SMALL_BYTES, "few": FEW_RECORDS, "most": most}
    return [LakeObject(**row) for row in rows(tx.connection, SQL["read_small_objects"], **said)]


def begin_object(tx: Transaction, name: str, kind: str, day: str) -> None:
    """Say that an object is about to be written: if that comes to nothing, it is removed like one that was left."""
    tx.connection.execute(SQL["begin_object"], {"name": name, "kind": kind, "day": day, "now": tx.now})


def move_parts(tx: Transaction, parts: Sequence[Placed], day: str, name: str, size: int) -> bool:
    """Let all that counts of a day in some objects lie in another one, part behind part, in this order.

    False where not all of them lie where they lay, or the other object is not on record any more: then it may have been removed.
    """
    *first_rows, records = accumulate((part.records for part in parts), initial=0)
    values = {"names": [part.name for part in parts], "objects": [part.object for part in parts], "first_rows": first_rows}
    if one(tx.connection, SQL["use_object"], name=name, day=day, records=records, bytes=size) is None:
        return False
    moved = rows(tx.connection, SQL["move_parts"], object=name, **values)
    tx.connection.execute(SQL["leave_objects"], {"objects": sorted({part.object for part in parts}), "day": day})
    return len(moved) == len(parts)


def take_left(tx: Transaction, *, grace: timedelta, needed: Collection[str], most: int) -> set[str]:
    """Take objects off the record that were left so long ago and that nobody needs; their names."""
    return {row["name"] for row in rows(tx.connection, SQL["take_left_objects"], grace=grace, needed=list(needed), most=most)}
