"""Drops and their chunks in PostgreSQL: values in, values out."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from shared.files.drops import Drop, Found, LakePart, Outcome, Piece, State, Step
from shared.files.manifest import Manifest
from shared.files.totals import Totals
from shared.kernel.errors import NotFound, Problem
from shared.platform.call import Transaction
from shared.platform.database import Queries, one, rows

SQL = Queries(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """How far the chunks of a drop are, and what was found in those that were read."""

    chunks: int = 0
    read: int = 0
    applied: int = 0
    withdrawn: int = 0
    lines: int = 0
    lines_read: int = 0
    lines_applied: int = 0
    accepted: int = 0
    rejected: int = 0

    def all_are(self, step: Step) -> bool:
        """Whether a step is done with every chunk."""
        return self.chunks == {Step.READ: self.read, Step.APPLY: self.applied, Step.WITHDRAW: self.withdrawn}[step]


def add(tx: Transaction, drop: Drop) -> bool:
    """Put a drop on record; False where it is there already, or another drop holds its revision."""
    return one(tx.connection, SQL["add_drop"], **_values(drop)) is not None


def read(tx: Transaction, drop_id: UUID, *, lock: bool = False) -> Drop:
    """One drop, held until the end of the transaction if asked. Raises NotFound."""
    row = one(tx.connection, SQL["lock_drop" if lock else "read_drop"], drop_id=drop_id)
    if row is None:
        raise NotFound("There is no such drop.")
    return _drop(row)


def closed(tx: Transaction, drop_ids: Collection[UUID]) -> list[UUID]:
    """Which of these drops are closed."""
    return [row["drop_id"] for row in rows(tx.connection, SQL["read_closed"], drop_ids=list(drop_ids))]


def revisions(tx: Transaction, file_id: str) -> list[Drop]:
    """The drops that hold a revision of a file, oldest revision first."""
    return [_drop(row) for row in rows(tx.connection, SQL["read_revisions"], file_id=file_id)]


def superseded(tx: Transaction, drop_id: UUID) -> list[Drop]:
    """The drops whose place another one takes."""
    return [_drop(row) for row in rows(tx.connection, SQL["read_superseded"], drop_id=drop_id)]


def update(tx: Transaction, drop: Drop) -> None:
    """Bring a drop up to date."""
    tx.connection.execute(SQL["update_drop"], _values(drop))


def list_some(tx: Transaction, asked: dict[str, Any]) -> list[Drop]:
    """Drops, newest first, with whatever is asked of them."""
    return [_drop(row) for row in rows(tx.connection, SQL["list_drops"], **asked)]


def add_pieces(tx: Transaction, drop_id: UUID, pieces: Sequence[Piece]) -> None:
    """Put the chunks of a drop on record."""
    values = {
        "drop_id": drop_id,
        "numbers": [piece.number for piece in pieces],
        "first_lines": [piece.first_line for piece in pieces],
        "lines": [piece.lines for piece in pieces],
        "starts": [piece.start for piece in pieces],
        "stops": [piece.stop for piece in pieces],
        "objects": [piece.object for piece in pieces],
    }
    tx.connection.execute(SQL["add_chunks"], values)


def piece(tx: Transaction, drop_id: UUID, number: int) -> tuple[Piece, Step | None]:
    """One chunk of a drop, and the last step that is done with it. Raises NotFound."""
    row = one(tx.connection, SQL["read_chunk"], drop_id=drop_id, number=number)
    if row is None:
        raise NotFound("There is no such chunk.")
    step = row.pop("step")
    return Piece(**row), Step(step) if step else None


def chunk_read(tx: Transaction, drop_id: UUID, number: int, found: Found) -> bool:
    """Say what was found in a chunk; False where that was said before."""
    values = asdict(found) | {"totals": Jsonb(found.totals.told()), "drop_id": drop_id, "number": number, "now": tx.now}
    return one(tx.connection, SQL["chunk_read"], **values) is not None


def chunk_applied(tx: Transaction, drop_id: UUID, number: int, found: Found | None, parts: Sequence[LakePart] = ()) -> bool:
    """Say that what a chunk's records say took effect, and what the lake has of it; False where that was said before.

    `found`: what became of the records that had been accepted; None where all were published.
    """
    told = (found.rejected, Jsonb(found.totals.told())) if found else (0, None)
    values = {"refused": told[0], "totals": told[1], "drop_id": drop_id, "number": number, "now": tx.now}
    values["parts"] = Jsonb([asdict(part) for part in parts])
    return one(tx.connection, SQL["chunk_applied"], **values) is not None


def chunk_withdrawn(tx: Transaction, drop_id: UUID, number: int) -> bool:
    """Say that what a chunk told, and a later revision tells no more, was published; False where that was said before."""
    return one(tx.connection, SQL["chunk_withdrawn"], drop_id=drop_id, number=number) is not None


def add_replay(tx: Transaction, drop_id: UUID, *, by: str, reason: str, step: str | None) -> None:
    """Keep that a file was taken up again, by whom and why."""
    tx.connection.execute(SQL["add_replay"], {"drop_id": drop_id, "by": by, "reason": reason, "step": step, "now": tx.now})


def open_numbers(tx: Transaction, drop_id: UUID, after: Step | None) -> list[int]:
    """The chunks of a drop of which a step is the last that is done, in order; None: of which none is."""
    return [row["number"] for row in rows(tx.connection, SQL["read_open"], drop_id=drop_id, after=after.value if after else None)]


def lake_parts(tx: Transaction, drop_id: UUID) -> dict[int, list[LakePart]]:
    """What each chunk of a drop has in the lake."""
    return {row["number"]: [LakePart(**part) for part in row["parts"]] for row in rows(tx.connection, SQL["read_parts"], drop_id=drop_id)}


def counted(tx: Transaction, drop_ids: Collection[UUID]) -> dict[UUID, Counted]:
    """How far the chunks of drops are; none of a drop without chunks."""
    return {row.pop("drop_id"): Counted(**row) for row in rows(tx.connection, SQL["count_chunks"], drop_ids=list(drop_ids))}


def found(tx: Transaction, drop_id: UUID) -> Found:
    """What was found in all chunks of a drop."""
    parts = (Found(**row | {"totals": Totals.of(row["totals"])}) for row in rows(tx.connection, SQL["read_found"], drop_id=drop_id))
    return sum(parts, Found())


def numbers(tx: Transaction, drop_id: UUID) -> list[int]:
    """The chunks of a drop, in order."""
    return [row["number"] for row in rows(tx.connection, SQL["read_numbers"], drop_id=drop_id)]


def _values(drop: Drop) -> dict[str, Any]:
    manifest = drop.manifest
    values = {name: getattr(drop, name) for name in Drop.__dataclass_fields__}
    return values | {
        "state": drop.state.value,
        "outcome": drop.outcome.value if drop.outcome else None,
        "manifest": manifest.model_dump_json() if manifest else None,
        "file_id": manifest.file_id if manifest else None,
        "revision": manifest.revision if manifest else None,
        "names": list(drop.names),
        "problems": Jsonb([asdict(problem) for problem in drop.problems]),
    }


def _drop(row: DictRow) -> Drop:
    return Drop(
        **row
        | {
            "state": State(row["state"]),
            "outcome": Outcome(row["outcome"]) if row["outcome"] else None,
            "manifest": Manifest.model_validate_json(row["manifest"]) if row["manifest"] else None,
            "names": tuple(row["names"]),
            "problems": tuple(Problem(**problem) for problem in row["problems"]),
        }
    )
