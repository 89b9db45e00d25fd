"""What a sender is told of a file, in objects beside it: the acknowledgement, and the records that were not taken."""

from collections.abc import Iterator
from typing import Final, Literal

from events.payloads import ObjectName
from shared.files.drops import Drop, Found, Outcome
from shared.files.places import clear, discard, work_prefix
from shared.files.stores.protocol import Exists, ObjectStore
from shared.kernel.ids import DropId
from shared.kernel.wire import Moment, Wire
from shared.platform.batches import ItemProblem

ACK: Final = ".ack.json"
REJECTS: Final = ".rej.jsonl"
REJECTED_LINES: Final = "rejects"
TAKEN_IN: Final = frozenset({Outcome.ACCEPTED, Outcome.PARTIAL, Outcome.REJECTED})
"""How drops end that hold a revision of their file."""
SHORT: Final = 8


class Acknowledgement(Wire):
    """How a dropped file ended."""

    drop_id: DropId
    name: ObjectName
    file_id: str | None
    revision: int | None
    outcome: Literal["accepted", "partial", "rejected", "refused", "repeated"]
    records: int
    accepted: int
    rejected: int
    """Each of these stands in the file of rejects, with every reason."""
    sums: dict[str, str]
    """What the amounts of accepted records came to: minor units by currency."""
    problems: list[ItemProblem]
    repeat_of: DropId | None
    closed_at: Moment


def write(store: ObjectStore, drop: Drop, found: Found) -> None:
    """Tell the sender how a file ended, then remove what was made of it on its way. Done again, it changes nothing."""
    if found.rejected:
        _put(store, _beside(drop, REJECTS), _rejects(store, drop))
    _put(store, _beside(drop, ACK), iter([acknowledgement(drop, found).model_dump_json(indent=2).encode() + b"\n"]))
    clear(store, work_prefix(drop.drop_id))


def remove(store: ObjectStore, drop: Drop) -> None:
    """Take back what was told of an earlier attempt at a file, now that it is tried anew."""
    for ending in (ACK, REJECTS):
        discard(store, f"{drop.name}{ending}")


def acknowledgement(drop: Drop, found: Found) -> Acknowledgement:
    """What a closed drop is told as."""
    manifest = drop.manifest
    return Acknowledgement(
        drop_id=drop.drop_id,
        name=drop.name,
        file_id=manifest.file_id if manifest else None,
        revision=manifest.revision if manifest else None,
        outcome=(drop.outcome or Outcome.REFUSED).value,
        records=found.accepted + found.rejected,
        accepted=found.accepted,
        rejected=found.rejected,
        sums={currency: str(minor) for currency, minor in sorted(found.totals.sums.items())},
        problems=[ItemProblem(path=problem.path, message=problem.message) for problem in drop.problems],
        repeat_of=drop.repeat_of,
        closed_at=drop.closed_at or drop.received_at,
    )


def _beside(drop: Drop, ending: str) -> str:
    """The answer's name: the file's own for the drop that holds its revision, and one of its own for any other drop of that name."""
    return f"{drop.name}{ending}" if drop.outcome in TAKEN_IN else f"{drop.name}.{drop.drop_id.hex[:SHORT]}{ending}"


def _put(store: ObjectStore, name: str, parts: Iterator[bytes]) -> None:
    try:
        store.create(name, parts)
    except Exists:  # it was told before
        return


def _rejects(store: ObjectStore, drop: Drop) -> Iterator[bytes]:
    for part in store.list(work_prefix(drop.drop_id, REJECTED_LINES)):
        yield store.read(part.name, part.generation)
