"""Steps on the way of a file: asking for one with chunks, and telling that it is done with all."""

from collections.abc import Sequence

from events.files import ChunkReady, FileStepDone
from shared.files.drops import Drop, Step
from shared.kernel.ids import DROP
from shared.platform.call import Transaction


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
