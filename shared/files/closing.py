"""From chunks back to the file: are its totals as told, and when it is done, who is told what."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from events.payloads import ChunkReady, FileClosed, FileStepDone
from shared.files import answers, store, taking
from shared.files.drops import Drop, Found, Outcome, State, Step, outcome_of, reconcile
from shared.files.manifest import Manifest
from shared.files.places import Places, places_of
from shared.kernel.errors import Problem
from shared.kernel.ids import DROP
from shared.platform.call import Call, Transaction

UNDER_WAY: Final = {Step.READ: State.PROCESSING, Step.APPLY: State.APPLYING}
"""The state of a drop of which a step is done chunk by chunk."""


REPLACED: Final = Problem(path="", message="the file was replaced or removed while it was read")


def close_file(call: Call, done: FileStepDone) -> None:
    """Go on with a file when a step is done with all of its chunks: reconcile what was read, or close what was applied."""
    step = Step(done.step)
    if step is Step.APPLY:
        _finish(call, done)
    with call.transaction() as tx:
        drop = store.read(tx, done.drop_id, lock=True)
        if drop.state is UNDER_WAY[step]:
            AFTER[step](tx, places_of(call), drop)


def _finish(call: Call, done: FileStepDone) -> None:
    with call.reading() as tx:
        drop = store.read(tx, done.drop_id)
    if drop.state is State.APPLYING:
        taking.finish(call, drop)


def start(tx: Transaction, drop: Drop, step: Step, numbers: Sequence[int]) -> None:
    """Let a step be done with every chunk; where there is none, it is done."""
    for number in numbers:
        ready = ChunkReady(drop_id=drop.drop_id, number=number, step=step.value)
        tx.emit(ready, subject=DROP.render(drop.drop_id), key=f"{DROP.render(drop.drop_id)}/{number}")
    if not numbers:
        step_done(tx, drop, step)


def step_done(tx: Transaction, drop: Drop, step: Step) -> None:
    """A step is done with every chunk."""
    key = DROP.render(drop.drop_id)
    tx.emit(FileStepDone(drop_id=drop.drop_id, step=step.value), subject=key, key=key)


def close(tx: Transaction, places: Places, drop: Drop) -> Drop:
    """Put a drop's end on record once its sender can read it, and tell of it."""
    found = store.found(tx, drop.drop_id)
    answers.write(places.drops, drop, found)
    store.update(tx, drop)
    if drop.manifest:
        key = DROP.render(drop.drop_id)
        tx.emit(_closed(drop, drop.manifest, found), subject=key, key=key)
    return drop


def _reconciled(tx: Transaction, places: Places, drop: Drop) -> None:
    found = store.found(tx, drop.drop_id)
    problems = reconcile(drop.manifest.totals, found) if drop.manifest else ()
    outcome = outcome_of(found, problems)
    if outcome is Outcome.REJECTED:
        close(tx, places, drop.closed(outcome, problems, tx.now))
    else:
        store.update(tx, replace(drop, state=State.APPLYING, read_at=tx.now))
        start(tx, drop, Step.APPLY, store.numbers(tx, drop.drop_id))


def _applied(tx: Transaction, places: Places, drop: Drop) -> None:
    close(tx, places, drop.closed(outcome_of(store.found(tx, drop.drop_id), ()), (), tx.now))


AFTER: Final[dict[Step, Callable[[Transaction, Places, Drop], None]]] = {Step.READ: _reconciled, Step.APPLY: _applied}


def _closed(drop: Drop, manifest: Manifest, found: Found) -> FileClosed:
    said = {
        "drop_id": DROP.render(drop.drop_id),
        "name": drop.name,
        "file_id": manifest.file_id,
        "revision": manifest.revision,
        "outcome": drop.outcome.value if drop.outcome else None,
        "records": found.accepted + found.rejected,
        "accepted": found.accepted,
        "rejected": found.rejected,
    }
    return FileClosed.model_validate(said)
