"""Taking a file up again from where it stands: what was asked for and is not done is asked for again, what was turned away is tried anew.

Each step of a chunk is done once, so asking again never lets anything take effect twice.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final
from uuid import UUID

from events.files import FileDropped
from shared.files import steps, store
from shared.files.api import FileTakenUp, ReplayAsked, TakenUpWith
from shared.files.drops import ONE_BY_ONE, TURNED_AWAY, Drop, State, Step
from shared.files.names import MANIFEST
from shared.files.store import Counted
from shared.kernel.errors import NotFound
from shared.kernel.ids import DropId
from shared.platform.call import Call, Transaction

NO_CHUNKS: Final = Counted()


def replay_file(call: Call, drop_id: DropId, body: ReplayAsked) -> FileTakenUp:
    """Take a file up again from where it stands: one whose events got lost, or that was refused or rejected for a reason outside itself.

    Of a file on its way, what is not done is asked for again. One that was turned away is tried anew, as another attempt with an id of its
    own. Of one that took effect, nothing is left to do. Done again, it changes nothing. Raises NotFound.
    """
    with call.transaction() as tx:
        drop = _newest_attempt(tx, drop_id)
        taken_up = TAKE_UP[drop.state](tx, drop)
        store.add_replay(tx, drop.drop_id, by=call.caller.subject, reason=body.reason, step=taken_up.step)
        return tx.answer(taken_up, status=202)


def _newest_attempt(tx: Transaction, drop_id: UUID) -> Drop:
    """The drop, or the newest attempt at it that is on record, held."""
    drop = store.read(tx, drop_id, lock=True)
    while drop.tried_anew_by:
        try:
            drop = store.read(tx, drop.tried_anew_by, lock=True)
        except NotFound:  # it was asked for, and its event is lost
            break
    return drop


def _receive(tx: Transaction, drop: Drop) -> FileTakenUp:
    _tell(tx, drop, drop.attempt)
    return _answer(drop.drop_id, "receive")


def _read(tx: Transaction, drop: Drop) -> FileTakenUp:
    return _step(tx, drop, Step.READ, drop, after=None)


def _apply(tx: Transaction, drop: Drop) -> FileTakenUp:
    """What an earlier revision told alone is taken back first."""
    for before in store.superseded(tx, drop.drop_id) if drop.kind in ONE_BY_ONE else ():
        if not store.counted(tx, [before.drop_id]).get(before.drop_id, NO_CHUNKS).all_are(Step.WITHDRAW):
            return _step(tx, before, Step.WITHDRAW, drop, after=Step.APPLY)
    return _step(tx, drop, Step.APPLY, drop, after=Step.READ)


def _closed(tx: Transaction, drop: Drop) -> FileTakenUp:
    if drop.outcome not in TURNED_AWAY:
        return _answer(drop.drop_id, None)
    store.update(tx, replace(drop, tried_anew_by=drop.next_attempt))
    _tell(tx, drop, drop.attempt + 1)
    return _answer(drop.next_attempt, "receive")


TAKE_UP: Final[dict[State, Callable[[Transaction, Drop], FileTakenUp]]] = {
    State.RECEIVED: _receive,
    State.PROCESSING: _read,
    State.APPLYING: _apply,
    State.CLOSED: _closed,
}


def _tell(tx: Transaction, drop: Drop, attempt: int) -> None:
    name = f"{drop.name}{MANIFEST}"
    tx.emit(FileDropped(name=name, generation=drop.manifest_generation, attempt=attempt), subject=name, key=name)


def _step(tx: Transaction, of: Drop, step: Step, drop: Drop, *, after: Step | None) -> FileTakenUp:
    """Ask for a step with the chunks with which it is not done; where there are none, that it is done is told again."""
    numbers = store.open_numbers(tx, of.drop_id, after)
    steps.start(tx, of, step, numbers)
    return _answer(drop.drop_id, step.value, len(numbers))


def _answer(drop_id: UUID, step: TakenUpWith | None, chunks: int = 0) -> FileTakenUp:
    return FileTakenUp(drop_id=drop_id, step=step, chunks=chunks)
