"""Where files lie and what they are read with: the drop place, the lake and the layouts of this process."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final
from uuid import UUID

from shared.files.drops import Drop
from shared.files.layout import Layout
from shared.files.library import Library, load_as_now
from shared.files.sealed import Keys
from shared.files.stores.opening import open_store
from shared.files.stores.protocol import Exists, ObjectStore, Stored
from shared.files.stores.streams import ranges
from shared.kernel.errors import Broken, NotFound
from shared.platform.call import Call, FilePlaces

WORK: Final = "work"
"""Under this part of the name lies what is made of a drop while it is on its way."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """What the file functions share."""

    drops: ObjectStore
    lake: ObjectStore
    library: Library
    """The layouts as they are now."""
    keys: Keys | None = None
    """What encrypted files are opened with; None where none are taken."""
    senders: str | None = None
    """The file that says who may send what; None where everybody may send everything."""

    def layout_of(self, drop: Drop) -> Layout:
        """What the records of a drop that has a manifest are read with. Raises NoLayout."""
        if drop.manifest is None:
            raise Broken("A drop without a manifest has no layout.")
        return self.library.find(drop.file_name, drop.manifest.schema_version)

    def file_of(self, drop: Drop) -> BinaryIO:
        """The data of a drop, in which one can go to and fro. Reading raises Changed when it was replaced, NotFound when it is gone."""
        return ranges(partial(self.drops.read, drop.name, drop.generation), drop.size)


def places_of(call: Call) -> Places:
    """The places of a call. Raises Broken where the settings name none, WrongLayouts while a layout is wrong."""
    if call.file_places is None:
        raise Broken("The settings don't say where files lie: CLO_DROPS and CLO_LAKE.")
    named = call.file_places
    drops, lake = open_store(named.drops), open_store(named.lake)
    return Places(drops=drops, lake=lake, library=load_as_now(named.layouts), keys=keys_of(named), senders=named.senders)


def keys_of(named: FilePlaces) -> Keys | None:
    """What files are decrypted and encrypted with, as settings say; None where they don't."""
    if not named.pgp_key or not named.pgp_senders:
        return None
    passphrase = Path(named.pgp_passphrase) if named.pgp_passphrase else None
    return Keys(key=Path(named.pgp_key), senders=Path(named.pgp_senders), passphrase=passphrase)


def work_name(drop_id: UUID, what: str, number: int) -> str:
    """The object in which something is kept that was made of a chunk."""
    return f"{work_prefix(drop_id, what)}{number:06}"


def work_prefix(drop_id: UUID, *what: str) -> str:
    """What the names of all that is made of a drop on its way begin with, or of one part of it."""
    return "".join(f"{part}/" for part in (WORK, drop_id.hex, *what))


def read_whole(store: ObjectStore, name: str) -> bytes:
    """What a name holds now. Raises NotFound."""
    return store.read(name, store.stat(name).generation)


def discard(store: ObjectStore, name: str) -> None:
    """Remove what a name holds now. Done again, it changes nothing."""
    with suppress(NotFound):
        store.delete(name, store.stat(name).generation)


def clear(store: ObjectStore, prefix: str) -> None:
    """Remove all objects under a prefix. Done again, it changes nothing."""
    for made in list(store.list(prefix)):
        store.delete(made.name, made.generation)


def keep(store: ObjectStore, name: str, data: bytes) -> Stored:
    """Store what a name always holds: made again, after a crash, it is the same."""
    return keep_blocks(store, name, [data])


def keep_blocks(store: ObjectStore, name: str, blocks: Iterable[bytes]) -> Stored:
    """As `keep`, block by block."""
    try:
        return store.create(name, blocks)
    except Exists:
        return store.stat(name)
