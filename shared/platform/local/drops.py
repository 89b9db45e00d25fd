"""The drop place of the local platform: a folder that is looked at again and again, as a bucket would tell of new objects by itself."""

import os
import threading
from pathlib import Path
from typing import Final

import psycopg
import structlog

from shared.files.answers import ACK
from shared.files.api import DropTold
from shared.files.desk import note_drop
from shared.files.names import MANIFEST
from shared.files.stores.notices import Watch
from shared.files.stores.opening import open_store
from shared.kernel.clock import Clock
from shared.kernel.errors import CloError
from shared.platform.call import Call, Caller, FilePlaces
from shared.platform.database import Database
from shared.platform.local.keys import LocalKeys

LOG: Final = structlog.get_logger("clo.drops")
LOOK_SECONDS: Final = 0.5
DROPS: Final = "drops"
LAKE: Final = "lake"
EXPORTS: Final = "exports"
LAYOUTS: Final = "layouts"
LAYOUTS_SETTING: Final = "CLO_LAYOUTS"
PARTNERS: Final = "partners.json"
NO_PARTNERS: Final = '{"portfolio": [], "partners": []}\n'


def folders_in(data: Path) -> FilePlaces:
    """The folders of drops, the lake, exports and layouts below a folder, and the file of partners; made where they are not there.

    Layouts are looked for elsewhere where the setting of that names a folder.
    """
    places = {name: (data / name).resolve() for name in (DROPS, LAKE, EXPORTS, LAYOUTS)}
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
    partners = (data / PARTNERS).resolve()
    if not partners.exists():
        partners.write_text(NO_PARTNERS, encoding="utf-8")
    layouts = os.environ.get(LAYOUTS_SETTING) or str(places[LAYOUTS])
    told = {"layouts": layouts, "partners": str(partners), "export_keys": str(LocalKeys(data / "keys").exports.resolve())}
    return FilePlaces(drops=str(places[DROPS]), lake=str(places[LAKE]), exports=str(places[EXPORTS]), **told)


class DropWatch:
    """Tells of manifests and of answers that came. What was told before is told again after a start; who takes it in knows what it took."""

    def __init__(self, places: FilePlaces, *, database: Database, clock: Clock, shards: int) -> None:
        """Look at the drops of these places."""
        self._watch = Watch(open_store(places.drops), (MANIFEST, ACK))
        self._call = Call(caller=Caller(subject="drops"), clock=clock, database=database, shards=shards, file_places=places)

    def run(self, stopping: threading.Event) -> None:
        """Look until stopped; what can't be told now is told at the next look."""
        while not stopping.wait(LOOK_SECONDS):
            try:
                self.look()
            except (CloError, psycopg.Error) as error:
                LOG.warning("drops not looked at", detail=str(error))

    def look(self) -> int:
        """Tell of what has come since the last look; how many objects that were."""
        told = 0
        for found in self._watch.look():
            note_drop(self._call, DropTold(name=found.name, generation=found.generation))
            told += 1
        return told
