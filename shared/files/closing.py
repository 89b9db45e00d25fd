"""From chunks back to the file: are its totals as told, and when it is done, who is told what."""

from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from typing import Final

from events.files import FileClosed, FileStepDone
from shared.files import answers, lake_store, steps, store, taking
from shared.files.drops import ONE_BY_ONE, Drop, Found, Outcome, State, Step, outcome_of, reconcile, superseded
from shared.files.manifest import Manifest
from shared.files.places import Places, places_of
from shared.kernel.errors import Problem
from shared.kernel.ids import DROP
from shared.platform.call import Call, Transaction

UNDER_WAY: Final = {Step.READ: State.PROCESSING, Step.WITHDRAW: State.CLOSED, Step.APPLY: State.APPLYING}
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
        _take_effect(tx, replace(drop, state=State.APPLYING, read_at=tx.now))


def _take_effect(tx: Transaction, drop: Drop) -> None:
    """Let what a file says take effect; where it takes the place of an earlier revision, what that tells alone is taken back first."""
    store.update(tx, drop)
    before = superseded(drop, store.revisions(tx, drop.origin.file_id))
    if before:
        store.update(tx, replace(before, superseded_by=drop.drop_id))
    if before and drop.kind in ONE_BY_ONE:
        steps.start(tx, before, Step.WITHDRAW, store.numbers(tx, before.drop_id))
    else:
        steps.start(tx, drop, Step.APPLY, store.numbers(tx, drop.drop_id))


def _withdrawn(tx: Transaction, _places: Places, before: Drop) -> None:
    later = store.read(tx, before.superseded_by, lock=True) if before.superseded_by else None
    if later and later.state is State.APPLYING:
        steps.start(tx, later, Step.APPLY, store.numbers(tx, later.drop_id))


def _applied(tx: Transaction, places: Places, drop: Drop) -> None:
    for before in store.superseded(tx, drop.drop_id):
        old, new = (list(chain.from_iterable(store.lake_parts(tx, one.drop_id).values())) for one in (before, drop))
        lake_store.forget_parts(tx, old)
        lake_store.add_parts(tx, new)
    close(tx, places, drop.closed(outcome_of(store.found(tx, drop.drop_id), ()), (), tx.now))


AFTER: Final[dict[Step, Callable[[Transaction, Places, Drop], None]]] = {
    Step.READ: _reconciled,
    Step.WITHDRAW: _withdrawn,
    Step.APPLY: _applied,
}


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
