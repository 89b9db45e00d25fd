"""One chunk of a file: read and checked at first; when the whole file agrees with what was told of it, what its records say is published.

All that is made of a chunk has a name that follows from the drop and the chunk's number, and is always the same: a chunk that is taken
again, after a crash or by another instance, leaves what was made before.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from io import BytesIO
from typing import Final

import pyarrow as pa

from events.files import ChunkReady
from shared.files import closing, effects, lake, lake_store, revising, steps, store, taking
from shared.files.answers import REJECTED_LINES
from shared.files.drops import Drop, Found, Outcome, Piece, State, Step, problems_in
from shared.files.effects import EFFECTS
from shared.files.layout import Layout
from shared.files.names import Format
from shared.files.parsing import MOST_REJECTED, Parsed, parse, parse_row_group
from shared.files.places import Places, keep, places_of, read_whole, work_name
from shared.files.rejects import Reject
from shared.files.staging import staged, unstaged
from shared.files.stores.protocol import Changed
from shared.files.taking import Taken
from shared.files.way import Way
from shared.kernel.errors import Broken, Invalid, NotFound, Problem
from shared.platform.call import Call, Transaction

PARTS: Final = "parts"
REFUSED: Final = "-refused"
"""What the name ends in of the lines that were valid and could not take effect."""


def process_chunk(call: Call, ready: ChunkReady) -> None:
    """Do a step with a chunk; with the last chunk of the file, the step is done."""
    STEPS[Step(ready.step)](call, ready)


def _read(call: Call, ready: ChunkReady) -> None:
    places = places_of(call)
    drop, piece, done = _look_up(call, ready)
    if done is not None or drop.state is not State.PROCESSING:
        return
    try:
        parsed = _parsed(places, drop, piece)
    except (Changed, NotFound):
        with call.transaction() as tx:
            _give_up(tx, places, drop, closing.REPLACED)
        return
    except Invalid as error:
        with call.transaction() as tx:
            _give_up(tx, places, drop, *problems_in(error))
        return
    keep(places.drops, work_name(drop.drop_id, PARTS, piece.number), staged(parsed.accepted))
    if parsed.rejects:
        keep(places.drops, work_name(drop.drop_id, REJECTED_LINES, piece.number), _lines(parsed.rejects))
    found = Found(accepted=parsed.totals.count, rejected=parsed.rejected, totals=parsed.totals)
    with call.transaction() as tx:
        if store.chunk_read(tx, drop.drop_id, piece.number, found):
            if parsed.broken:
                _give_up(tx, places, drop, _broken(piece))
            else:
                _tell_when_all_are(tx, drop, Step.READ)


def _apply(call: Call, ready: ChunkReady) -> None:
    places = places_of(call)
    drop, piece, done = _look_up(call, ready)
    if done is not Step.READ or drop.state is not State.APPLYING:
        return
    batches = _staged_part(places, work_name(drop.drop_id, PARTS, piece.number))
    layout = places.layout_of(drop)
    taken = _taken(call, drop, piece, layout, batches) if layout.kind not in EFFECTS else None
    kept = lake.keep_part(places.lake, layout, drop, piece.number, taken.batches if taken else batches)
    with call.transaction() as tx:
        if store.chunk_applied(tx, drop.drop_id, piece.number, taken.found if taken else None, kept):
            if not store.superseded(tx, drop.drop_id):  # else they count from the moment when those of the earlier one count no more
                lake_store.add_parts(tx, kept)
            if not taken:
                effects.publish(call, tx, layout, drop, piece.number, batches)
            _tell_when_all_are(tx, drop, Step.APPLY)


def _taken(call: Call, drop: Drop, piece: Piece, layout: Layout, batches: Sequence[pa.RecordBatch]) -> Taken:
    """Let what records say take effect, and keep what is told of those that can't."""
    taken = taking.take(call, layout, drop, piece.number, batches)
    if taken.rejects:
        name = work_name(drop.drop_id, REJECTED_LINES, piece.number) + REFUSED
        keep(places_of(call).drops, name, _lines(taken.rejects))
    return taken


def _withdraw(call: Call, ready: ChunkReady) -> None:
    """Take back what a chunk told that the revision which takes its file's place tells no more."""
    places = places_of(call)
    before, piece, done = _look_up(call, ready)
    if done is not Step.APPLY or before.superseded_by is None:
        return
    with call.reading() as tx:
        later = store.read(tx, before.superseded_by)
        kept = lake_store.placed(tx, [part.name for part in store.lake_parts(tx, before.drop_id)[piece.number]])
        numbers = sorted(store.numbers(tx, later.drop_id), key=lambda number: abs(number - piece.number))
    told = lake.read_parts(places.lake, kept, revising.NEEDED)
    names = (work_name(later.drop_id, PARTS, number) for number in numbers)  # records mostly stand about where they stood
    parts = (pa.Table.from_batches(batches) for name in names if (batches := _staged_part(places, name)))
    gone = revising.told_no_more(told, parts)
    with call.transaction() as tx:
        if store.chunk_withdrawn(tx, before.drop_id, piece.number):
            revising.publish(call, tx, before, later, piece.number, gone)
            _tell_when_all_are(tx, before, Step.WITHDRAW)


STEPS: Final[dict[Step, Callable[[Call, ChunkReady], None]]] = {Step.READ: _read, Step.WITHDRAW: _withdraw, Step.APPLY: _apply}


def _give_up(tx: Transaction, places: Places, drop: Drop, *problems: Problem) -> None:
    """Close a file before all of it is read: none of it has taken effect yet."""
    if store.read(tx, drop.drop_id, lock=True).state is State.PROCESSING:
        closing.close(tx, places, drop.closed(Outcome.REJECTED, problems, tx.now))


def _broken(piece: Piece) -> Problem:
    message = f"of the {piece.lines:,} lines from line {piece.first_line:,} on, more than {MOST_REJECTED:,} hold no good record"
    return Problem(path="", message=message)


def _look_up(call: Call, ready: ChunkReady) -> tuple[Drop, Piece, Step | None]:
    with call.reading() as tx:
        drop = store.read(tx, ready.drop_id)
        piece, done = store.piece(tx, ready.drop_id, ready.number)
    return drop, piece, done


def _tell_when_all_are(tx: Transaction, drop: Drop, step: Step) -> None:
    store.read(tx, drop.drop_id, lock=True)  # of two that end at once, the later one sees the other
    if store.counted(tx, [drop.drop_id])[drop.drop_id].all_are(step):
        steps.step_done(tx, drop, step)


def _parsed(places: Places, drop: Drop, piece: Piece) -> Parsed:
    way = Way(layout=places.layout_of(drop), names=drop.names)
    if way.layout.format is not Format.PARQUET:
        return parse(_data(places, drop, piece), way, piece.first_line)
    if piece.object is None:
        return parse_row_group(places.file_of(drop), drop.size, piece.number - 1, way, piece.first_line)
    return parse_row_group(BytesIO(_data(places, drop, piece)), piece.stop, 0, way, piece.first_line)


def _data(places: Places, drop: Drop, piece: Piece) -> bytes:
    if piece.object is None:
        return places.drops.read(drop.name, drop.generation, piece.start, piece.stop)
    return read_whole(places.drops, piece.object)


def _staged_part(places: Places, name: str) -> list[pa.RecordBatch]:
    """The accepted records of a chunk that was read."""
    try:
        return unstaged(read_whole(places.drops, name))
    except NotFound as error:
        raise Broken("The staged part of a chunk that was read is gone.") from error


def _lines(rejects: Sequence[Reject]) -> bytes:
    return b"".join(map(_line, rejects))


def _line(reject: Reject) -> bytes:
    return json.dumps(asdict(reject) | {"code": reject.code.value, "message": reject.code.sentence}).encode() + b"\n"
