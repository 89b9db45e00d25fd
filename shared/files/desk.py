"""The desk of files: what was dropped, how far it has come, and a word that something was."""

from shared.files import store
from shared.files.api import DropNoted, DropTold, FileList, FilesQuery, FileView
from shared.files.notes import note
from shared.files.places import places_of
from shared.files.replaying import NO_CHUNKS, replay_file
from shared.files.stores.names import object_name
from shared.kernel.ids import DropId
from shared.platform.call import Call

__all__ = ["get_file", "list_files", "note_drop", "replay_file"]


def list_files(call: Call, query: FilesQuery) -> FileList:
    """Dropped files, newest first, with whatever is asked of them."""
    with call.reading() as tx:
        found = store.list_some(tx, query.model_dump() | {"limit": query.limit + 1})
        counted = store.counted(tx, [drop.drop_id for drop in found])
        now = tx.now
    drops = found[: query.limit]
    views = [FileView.of(drop, counted.get(drop.drop_id, NO_CHUNKS), now) for drop in drops]
    return FileList(files=views, next=drops[-1].drop_id if len(found) > query.limit else None)


def get_file(call: Call, drop_id: DropId) -> FileView:
    """One dropped file: state, chunks, counts, rate, time left, and everything that is wrong with it. Raises NotFound."""
    with call.reading() as tx:
        drop = store.read(tx, drop_id)
        counted = store.counted(tx, [drop_id])
        return FileView.of(drop, counted.get(drop_id, NO_CHUNKS), tx.now)


def note_drop(call: Call, body: DropTold) -> DropNoted:
    """Say that an object is whole in the drop place. Said again, it changes nothing. Raises NotFound where there is none."""
    name = object_name(body.name)
    generation = body.generation or places_of(call).drops.stat(name).generation
    with call.transaction() as tx:
        note(tx, places_of(call).drops, name, generation)
        return tx.answer(DropNoted(name=name, generation=generation), status=202)
