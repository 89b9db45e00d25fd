"""Where commands do their work: the folder of a local platform, its database, its keys."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import psycopg

from shared.cli.options import Bus
from shared.cli.terminal import Exit, fail
from shared.kernel.clock import SystemClock
from shared.kernel.errors import Busy

if TYPE_CHECKING:
    from shared.platform.call import Call

LOCK_PATIENCE_SECONDS: Final = 20.0
LOCK_PAUSE_SECONDS: Final = 0.2
POOL_TIMEOUT_SECONDS: Final = 5.0
OPERATOR: Final = "operator"
KAFKA: Final = "kafka"


def token_for(data: Path, subject: str, scopes: tuple[str, ...]) -> str:
    """A token of half a day, signed with the keys of the local platform in the folder."""
    from shared.platform.local.keys import LocalKeys

    return LocalKeys(data / "keys").token(subject, scopes, now=SystemClock().now())


@contextmanager
def hold(data: Path) -> Iterator[None]:
    """Be the only platform in the folder; one that is stopping just now is waited for."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / ".lock").open("w", encoding="utf-8") as lock:
        deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
        while not _lock(lock):
            if time.monotonic() > deadline:
                fail(f"Another platform runs in {data}: stop it, or choose another folder with --data.")
            time.sleep(LOCK_PAUSE_SECONDS)
        yield


def require_bus(data: Path, bus: Bus) -> None:
    """Refuse to leave events behind on a Kafka that belongs to the folder."""
    if bus is Bus.EMBEDDED and (data / KAFKA).exists():
        fail(f"The events of {data} are on Kafka: run it with --bus kafka, or choose another folder with --data.")


@contextmanager
def bootstrap_of(data: Path, bootstrap: str | None) -> Iterator[str | None]:
    """Where the Kafka listens that is named, else the local platform's, started if it does not run; None where it has none."""
    if bootstrap or not (data / KAFKA).exists():
        yield bootstrap
        return
    from shared.platform.local.kafka import LocalKafka

    served = _is_served(data)
    kafka = LocalKafka(data / KAFKA)
    try:
        yield kafka.bootstrap
    finally:
        if not served:
            kafka.stop()


@contextmanager
def operator_call(data: Path, database_url: str | None, subject: str = OPERATOR) -> Iterator["Call"]:
    """A call on a database: the one that is named, else the local platform's, which is started for the while if it does not run."""
    from shared.platform.call import Call, Caller
    from shared.platform.database import Database

    with _reachable(), _url(data, database_url) as url:
        database = Database(url, pool_size=1, timeout_seconds=POOL_TIMEOUT_SECONDS)
        try:
            yield Call(caller=Caller(subject=subject), clock=SystemClock(), database=database, shards=1)
        finally:
            database.close()


@contextmanager
def _url(data: Path, database_url: str | None) -> Iterator[str]:
    if database_url:
        yield database_url
        return
    if not (data / "postgres").exists():
        fail(f"There is no local platform in {data}: name its folder with --data, or a database with --database-url.", Exit.UNREACHABLE)
    from shared.platform.local.postgres import EmbeddedPostgres

    served = _is_served(data)
    postgres = EmbeddedPostgres(data / "postgres")
    try:
        yield postgres.app_url()
    finally:
        if not served:
            postgres.stop()


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except (Busy, psycopg.OperationalError) as error:
        fail(f"The database can't be reached: {error}", Exit.UNREACHABLE)


def _is_served(data: Path) -> bool:
    """Whether a platform runs in the folder."""
    with (data / ".lock").open("w", encoding="utf-8") as lock:
        return not _lock(lock)


def _lock(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
