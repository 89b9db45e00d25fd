"""A process of its own that takes a hostile drop and then a good one, as functions do, and tells what became of them and what it cost."""

import json
import resource
from multiprocessing.connection import Connection
from pathlib import Path
from time import process_time
from typing import Any, Final

from events.files import FileDropped
from shared.files import receiving
from shared.files.names import MANIFEST
from shared.files.stores.folder import FolderStore
from shared.kernel.clock import SimulatedClock
from shared.kernel.errors import CloError
from shared.platform.call import Call, Caller, Once
from shared.platform.database import Database
from tests.conftest import NOW, SHARDS
from tests.integration.files.hostile.corpus import CORPUS
from tests.integration.files.hostile.oddities import ODD_PLACES
from tests.integration.files.hostile.records import PLACE
from tests.integration.files.hostile.sent import Sent
from tests.integration.files.place import FILE, Place, as_csv, bought, manifest_of

MOST_ADDRESSES: Final = 8 << 30
MOST_SECONDS: Final = 30
"""Of the processor, for the hostile drop and the good one: many times what the slowest takes."""
MODULES_MIB: Final = 124
"""What a process holds that has loaded the functions of files, and nothing of the tests."""
SHOWN: Final = 4
OF_FILES: Final = frozenset({"receive_file", "process_chunk", "close_file"})
"""The functions whose memory is measured."""
GOOD: Final = f"{FILE[:-1]}9"


def put(condition: str, folder: Path) -> FileDropped:
    """Put a hostile drop into a folder."""
    stored = CORPUS[condition]().put(FolderStore(folder / "drops"))
    return FileDropped(name=stored.name, generation=stored.generation)


def take(condition: str, dropped: FileDropped, folder: Path, database_url: str, told: Connection) -> None:
    """Take what was put, and a good file after it."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESSES, MOST_ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    database = Database(database_url, pool_size=2, timeout_seconds=10)
    try:
        told.send(_taken(condition, dropped, Place(folder=folder, make=_Calls(database), delivers=OF_FILES.__contains__)))
    finally:
        database.close()


class _Calls:
    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self, subject: str = "maya", *, key: str | None = None, said: bytes = b"", consumer: str = "test") -> Call:
        once = Once(consumer=consumer, source=subject, key=key, input_hash=said) if key else None
        return Call(caller=Caller(subject=subject), clock=SimulatedClock(NOW), database=self._database, shards=SHARDS, once=once)


def _taken(condition: str, dropped: FileDropped, place: Place) -> dict[str, Any]:
    happens = {**PLACE, **ODD_PLACES}
    meddled = happens[condition]() if condition in happens else Sent()  # the data of the others are too large to be made here again
    begun, loaded = process_time(), _most_mib(resource.RUSAGE_SELF)
    meddled.before(place.folder / "drops")
    refused = ""
    try:
        receiving.receive_file(place.call(key="hostile", consumer="receive_file"), dropped)
        meddled.between(place.folder / "drops")
        place.receive()
    except CloError as error:
        refused = f"{type(error).__name__}: {error}"
    mib = max(MODULES_MIB + _most_mib(resource.RUSAGE_SELF) - loaded, _most_mib(resource.RUSAGE_CHILDREN))  # before all events are read
    seen = place.files()
    said = {
        "outcome": seen[0].outcome if seen else refused,
        "problems": [f"{problem.path} {problem.message}" for problem in seen[0].problems] if seen else [],
        "accepted": seen[0].accepted if seen else 0,
        "rejected": seen[0].rejected if seen else 0,
        "rejects": _first_rejects(place, dropped.name),
        "posted": len(place.posted()),
        "left": place.left(),
        "seconds": process_time() - begun,
    }
    rows = (bought(7), bought(8))
    place.receive(place.drop(as_csv(rows, file_id=GOOD), name=f"{GOOD}_delta_r1.csv", **manifest_of(rows)))
    after = next((view.outcome for view in place.files() if GOOD in view.name), None)
    return said | {"after": after, "mib": mib}


def _most_mib(who: int) -> int:
    return resource.getrusage(who).ru_maxrss >> 10


def _first_rejects(place: Place, name: str) -> list[str]:
    try:
        lines = place.text(f"{name.removesuffix(MANIFEST)}.rej.jsonl").splitlines()[:SHOWN]
    except CloError:
        return []
    return [f"{told['line']} {told['field']} {told['code']}" for told in map(json.loads, lines)]
