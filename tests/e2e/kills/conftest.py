"""A world, and the processes that a file of purchases goes through, on either bus."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from shared.kernel.clock import SimulatedClock
from shared.kernel.errors import Busy
from shared.platform import outbox
from shared.platform.call import Call, Caller, Once
from shared.platform.database import Database, exactly_one
from shared.platform.kafka import publisher
from shared.platform.kafka.reading import Lag
from shared.platform.kafka.topics import create_topics
from shared.platform.local.kafka import LocalKafka
from shared.platform.local.keys import LocalKeys
from shared.platform.local.postgres import EmbeddedPostgres
from shared.platform.migrate import migrate
from tests.conftest import NOW, SHARDS, start_kafka
from tests.e2e.kills.processes import processes
from tests.e2e.kills.programs import Place
from tests.e2e.kills.scene import BUDGET, RECORDS, Scene, hashed
from tests.integration.files.place import Place as Drops
from tests.world import World


@pytest.fixture(scope="package", params=["embedded", "kafka"])
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    """Customers with grants of an offer that pays for every purchase, and the processes at work."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="clo-kills-")))
        server = EmbeddedPostgres(folder / "postgres")
        stack.callback(server.stop)
        migrate(server.owner_url())
        database = Database(server.app_url(), pool_size=8, timeout_seconds=10)
        stack.callback(database.close)
        bootstrap = None
        if request.param == "kafka":
            broker = start_kafka(folder / "kafka", LocalKafka)
            stack.callback(broker.stop)
            bootstrap = broker.bootstrap
            create_topics(bootstrap)
        yield _scene(stack, folder, database, server, bootstrap)


@pytest.fixture(scope="package")
def undisturbed(scene: Scene) -> str:
    """What a file comes to when nothing happens."""
    word = scene.drop()
    scene.wait(word)
    state = hashed(scene.state(word))
    scene.require_whole(word, state)
    return state


def _scene(stack: ExitStack, folder: Path, database: Database, server: EmbeddedPostgres, bootstrap: str | None) -> Scene:
    def call(subject: str = "maya", *, key: str | None = None, said: bytes = b"", consumer: str = "test") -> Call:
        once = Once(consumer=consumer, source=subject, key=key, input_hash=said) if key else None
        return Call(caller=Caller(subject=subject), clock=SimulatedClock(NOW), database=database, shards=SHARDS, once=once)

    world = World(call)
    world.grant(world.offer(world.campaign(budget=BUDGET), repeat=True), *(f"cust-{number}" for number in range(RECORDS)))
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
    )
    running = stack.enter_context(processes(place))
    pending = _pending(stack, database, bootstrap)
    return Scene(drops=Drops(folder=folder, make=call), world=world, running=running, pending=pending)


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
