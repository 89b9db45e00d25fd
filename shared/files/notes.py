"""Saying that an object is whole in the drop place, whoever says it."""

from events.files import FileDropped
from shared.files.stores.protocol import ObjectStore
from shared.kernel.ids import derived_id
from shared.platform.call import Transaction


def note(tx: Transaction, drops: ObjectStore, name: str, generation: str) -> None:
    """Let `receive_file` take an object in. Said again, by anybody, it is the same event."""
    dropped = FileDropped(name=name, generation=generation)
    tx.emit(dropped, subject=name, key=name, event_id=derived_id("drop", drops.url, name, generation))
