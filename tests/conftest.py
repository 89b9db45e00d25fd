"""What tests share: a real PostgreSQL, emptied for each test, and calls on it."""

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol, TypeVar

import psycopg
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from shared.kernel.clock import Clock, SimulatedClock
from shared.offers.catalogue import CACHES
from shared.platform.call import Call, Caller, Once
from shared.platform.database import Database
from shared.platform.local.kafka import LocalKafka
from shared.platform.local.machine import Lacking
from shared.platform.local.postgres import EmbeddedPostgres
from shared.platform.migrate import migrate

hypothesis_settings.register_profile(
    "clo", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
hypothesis_settings.load_profile("clo")

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
SHARDS = 4
TABLES = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('schema_migrations', 'revisions')"
COMPARED: Final = "the same as the slow reference"
"""The property of a test's report that says how much it compared."""
Broker = TypeVar("Broker", bound=LocalKafka)


class MakeCall(Protocol):
    """Makes a call as somebody, with or without an idempotency key."""

    def __call__(self, subject: str = "maya", *, key: str | None = None, said: bytes = b"", consumer: str = "test") -> Call:
        """A call on the test's database and clock."""


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A real PostgreSQL server, migrated."""
    with tempfile.TemporaryDirectory(prefix="clo-test-") as folder:
        server = start_postgres(Path(folder))
        yield server
        server.stop()


def start_postgres(folder: Path) -> EmbeddedPostgres:
    """A server in a folder, migrated. It waits for no disk: processes are killed by tests, the machine's power is not taken away."""
    server = EmbeddedPostgres(folder / "postgres")
    with psycopg.connect(server.owner_url(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    migrate(server.owner_url())
    return server


@pytest.fixture(scope="session")
def pool(postgres: EmbeddedPostgres) -> Iterator[Database]:
    """Connections as the role that functions run as."""
    database = Database(postgres.app_url(), pool_size=16, timeout_seconds=10)
    yield database
    database.close()


@pytest.fixture(scope="session")
def owner(postgres: EmbeddedPostgres) -> Iterator[psycopg.Connection]:
    """The owner's connection. It stays open: each new one would have to read what every table is."""
    with psycopg.connect(postgres.owner_url(), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def tables_in_use(owner: psycopg.Connection) -> str:
    """A statement that tells which tables hold anything."""
    names = owner.execute(TABLES).fetchall()
    return " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for (name,) in names)


@pytest.fixture
def database(owner: psycopg.Connection, pool: Database, tables_in_use: str) -> Database:
    """The database with empty tables. To delete the few rows that a test has left is many times quicker than to truncate all tables."""
    with owner.transaction():
        owner.execute("SET LOCAL session_replication_role = replica")  # no order of tables, no rows that stay for ever
        for (name,) in owner.execute(tables_in_use.encode()).fetchall():
            owner.execute(f"DELETE FROM {name}".encode())
        owner.execute("SELECT setval(format('%I.%I', schemaname, sequencename), 1, false) FROM pg_sequences")
        owner.execute("UPDATE revisions SET revision = revision + 1")
    CACHES.clear()
    return pool


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """Where a real Kafka listens: the one of CLO_KAFKA_BOOTSTRAP, else one that is started for the tests."""
    given = os.environ.get("CLO_KAFKA_BOOTSTRAP")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="clo-test-") as folder:
        broker = start_kafka(Path(folder), LocalKafka)
        yield broker.bootstrap
        broker.stop()


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[LocalKafka]:
    """A real Kafka that the test may kill."""
    broker = start_kafka(tmp_path, LocalKafka)
    yield broker
    broker.stop()


def start_kafka(folder: Path, kind: Callable[[Path], Broker]) -> Broker:
    """A broker in a folder; a test on a machine that can't have one says so, and fails in CI."""
    try:
        return kind(folder)
    except Lacking as lacking:
        if os.environ.get("CI"):
            pytest.fail(str(lacking))
        pytest.skip(str(lacking))


@pytest.fixture
def clock() -> SimulatedClock:
    """A clock that stands at NOW until the test moves it."""
    return SimulatedClock(NOW)


@pytest.fixture
def call(database: Database, clock: Clock) -> MakeCall:
    """Makes calls on the emptied database."""

    def make(subject: str = "maya", *, key: str | None = None, said: bytes = b"", consumer: str = "test") -> Call:
        once = Once(consumer=consumer, source=subject, key=key, input_hash=said) if key else None
        return Call(caller=Caller(subject=subject), clock=clock, database=database, shards=SHARDS, once=once)

    return make


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell how much was held against the slow reference, if anything was."""
    counts: Counter[str] = Counter()
    for report in terminalreporter.stats.get("passed", ()):
        counts.update(dict(report.user_properties).get(COMPARED, {}))
    if counts:
        told = ", ".join(f"{count:,} {what}" for what, count in counts.items())
        terminalreporter.write_line(f"The same as the slow reference: {told}.")
