"""Where exports lie and what they are made with: the stores, the partners and the keys of this process."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from uuid import UUID

from shared.exports.keys import Keys, load_keys
from shared.exports.model import Export
from shared.exports.partners import Partners, load_partners
from shared.files.layout import Layout
from shared.files.places import keep, keys_of
from shared.files.sealed import Keys as Sealing
from shared.files.stores.opening import open_store
from shared.files.stores.protocol import ObjectStore
from shared.kernel.errors import Broken
from shared.platform.call import Call, FilePlaces

WORK: Final = "exports"
"""Under this part of the name lies in the lake what is made on the way: partners can't see it."""
DIGITS: Final = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """What the functions of exports share."""

    named: FilePlaces
    exports: ObjectStore
    lake: ObjectStore
    partners: Partners
    pgp: Sealing | None = None
    """What files are encrypted and signed with; None where none are."""

    @property
    def keys(self) -> Keys:
        """The keys of exports. Raises Broken where they can't be read."""
        return load_keys(self.named.export_keys)

    def layout_of(self, export: Export) -> Layout:
        """What an export is written by. Raises Broken where there is none of that name any more."""
        if export.layout not in self.partners.layouts:
            raise Broken(f"There is no layout {export.layout}.")
        return self.partners.layouts[export.layout]


def partners_of(call: Call) -> Partners:
    """The partners of a call; none where no files are sent."""
    return load_partners(call.file_places.partners if call.file_places else None)


def places_of(call: Call) -> Places:
    """The places of a call. Raises Broken where the settings name none."""
    named = call.file_places
    if named is None or named.exports is None:
        raise Broken("The settings don't say where files for partners are put: CLO_DROPS, CLO_LAKE and CLO_EXPORTS.")
    return Places(
        named=named, exports=open_store(named.exports), lake=open_store(named.lake), partners=partners_of(call), pgp=keys_of(named)
    )


def work_prefix(export_id: UUID, *what: str) -> str:
    """What the names of all that is made of an export on its way begin with, or of one part of it."""
    return "".join(f"{part}/" for part in (WORK, export_id.hex, *what))


def keep_work(lake: ObjectStore, stem: str, data: bytes) -> str:
    """Keep something made on the way, and give its name, which follows from what it holds: made otherwise, it is another object."""
    name = f"{stem}-{sha256(data).hexdigest()[:DIGITS]}"
    keep(lake, name, data)
    return name
