"""A world, the processes that a file of purchases goes through on either bus, and what they have left behind."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

from events.payloads import ScheduleTicked
from shared.files import desk
from shared.files.api import FilesQuery, FileView
from shared.files.stores.folder import DRAFTS
from shared.files.sweeping import LEFT_FOR
from shared.kernel.clock import SimulatedClock, SystemClock
from shared.kernel.errors import Busy
from shared.platform import outbox
from shared.platform.call import Call, Caller, Once
from shared.platform.database import Database, exactly_one, rows
from shared.platform.kafka import publisher
from shared.platform.kafka.reading import Lag
from shared.platform.kafka.topics import create_topics
from shared.platform.local.kafka import LocalKafka
from shared.platform.local.keys import LocalKeys
from shared.schedule import service as schedule
from tests.conftest import NOW, SHARDS, start_kafka, start_postgres
from tests.e2e.kills.processes import Processes, processes
from tests.e2e.kills.programs import Place
from tests.e2e.process import wait_until
from tests.integration.files.place import Place as Drops
from tests.world import World

BUSES: Final = ("embedded", "kafka")
SECONDS: Final = 180.0


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where files are dropped, and who is at work there."""

    drops: Drops
    world: World
    owner_url: str
    running: Processes
    pending: Callable[[], int]
    """How many events are on their way."""

    def file(self, name: str) -> FileView:
        """How far a file is."""
        (view,) = desk.list_files(self.drops.call(), FilesQuery(name=name)).files
        return view

    def is_done(self, name: str) -> bool:
        """Whether a file is closed and all that follows from it is done."""
        assert not self.running.broken, self.running.log()
        return self.pending() == 0 and self.file(name).state == "closed" and self.running.ready()

    def wait_until(self, holds: Callable[[], bool], name: str, *, seconds: float = SECONDS) -> None:
        """Wait until something holds on the way of a file."""
        try:
            wait_until(holds, seconds=seconds, what=f"{name} is done")
        except AssertionError as late:
            with self.drops.make().reading() as tx:
                waiting = rows(tx.connection, "SELECT type, pending, attempts, last_error FROM outbox WHERE pending <> '{}' LIMIT 20")
            late.add_note(f"{waiting}\n{self.file(name)}\n{self.running.log()}")
            raise

    def unfinished(self) -> int:
        """Objects that a writer began and nobody sees."""
        return len(self._drafts())

    def sweep_a_day_later(self) -> None:
        """Let the schedule do what is due when all that is unfinished is old; what has a writer that lives is waited for."""
        old = (SystemClock().now() - 2 * LEFT_FOR).timestamp()
        for draft in self._drafts():
            os.utime(draft, (old, old))
        schedule.run_schedule(self.drops.call(), ScheduleTicked(at=NOW))
        wait_until(lambda: not self._drafts(), seconds=SECONDS, what="nothing is unfinished")

    def _drafts(self) -> list[Path]:
        folders = [self.drops.folder / store / DRAFTS for store in ("drops", "lake")]
        return [file for folder in folders if folder.exists() for file in folder.iterdir()]


@contextmanager
def at_work(bus: str, fill: Callable[[World], None], *, chunk_bytes: int | None = None) -> Iterator[Site]:
    """The processes at work on a bus, in a world that is filled first; chunks as large as usual where nothing is said of them."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="clo-kills-")))
        server = start_postgres(folder)
        stack.callback(server.stop)
        database = Database(server.app_url(), pool_size=8, timeout_seconds=10)
        stack.callback(database.close)
        bootstrap = None
        if bus == "kafka":
            broker = start_kafka(folder / "kafka", LocalKafka)
            stack.callback(broker.stop)
            bootstrap = broker.bootstrap
            create_topics(bootstrap)
        make = _caller(database)
        world = World(make)
        fill(world)
        world.tick()
        with psycopg.connect(server.owner_url(), autocommit=True) as connection:
            connection.execute("TRUNCATE outbox")  # what has come true already is of no concern to the functions that run here
        for name in ("drops", "lake", "logs"):
            (folder / name).mkdir()
        place = Place(
            database_url=server.app_url(),
            bootstrap=bootstrap,
            drops=folder / "drops",
            lake=folder / "lake",
            jwks=LocalKeys(folder / "keys").jwks,
            logs=folder / "logs",
            ports={},
            chunk_bytes=chunk_bytes,
        )
        running = stack.enter_context(processes(place))
        drops = Drops(folder=folder, make=make)
        yield Site(drops=drops, world=world, owner_url=server.owner_url(), running=running, pending=_pending(stack, database, bootstrap))


def _caller(database: Database) -> Callable[..., Call]:
    def call(subject: str = "maya", *, key: str | None = None, said: bytes = b"", consumer: str = "test") -> Call:
        once = Once(consumer=consumer, source=subject, key=key, input_hash=said) if key else None
        return Call(caller=Caller(subject=subject), clock=SimulatedClock(NOW), database=database, shards=SHARDS, once=once)

    return call


def _pending(stack: ExitStack, database: Database, bootstrap: str | None) -> Callable[[], int]:
    def of(statements: Any, name: str) -> Callable[[], int]:  # noqa: ANN401
        def count() -> int:
            with database.connection() as connection:
                return int(exactly_one(connection, statements[name])[{"backlog": "pending"}.get(name, name)])

        return count

    if bootstrap is None:
        return of(outbox.SQL, "backlog")
    lag = stack.enter_context(closing(Lag(bootstrap)))

    def behind() -> int:
        try:
            return lag.read(of(publisher.SQL, "unpublished"))
        except Busy:  # a machine under load; it is asked again
            return 1

    return behind
