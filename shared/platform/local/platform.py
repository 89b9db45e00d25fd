"""The local platform as a whole: database, keys, clock, functions, relay, schedule and web server, in one process and one folder."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

import psycopg
import uvicorn

from events.payloads import ScheduleTicked
from shared.kernel.clock import Clock, SystemClock
from shared.kernel.errors import Busy
from shared.platform.call import Call, Caller
from shared.platform.database import Database
from shared.platform.delivery import HttpDelivery
from shared.platform.local.app import build_app
from shared.platform.local.bus import Bus, EmbeddedBus, KafkaBus
from shared.platform.local.chaos import ChaoticDelivery, ChaoticHttp
from shared.platform.local.clock import StoredClock
from shared.platform.local.drops import DropWatch, folders_in
from shared.platform.local.keys import LocalKeys
from shared.platform.local.postgres import EmbeddedPostgres
from shared.platform.migrate import migrate
from shared.platform.runtime import Runtime, build_runtime, install
from shared.platform.settings import Settings

TICK_SECONDS: Final = 5.0
HOST: Final = "127.0.0.1"
KEEP_ALIVE_SECONDS: Final = 30
GRACE_SECONDS: Final = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a local platform lives: everything it keeps lies in the folder."""

    folder: Path
    port: int
    simulated_from: datetime | None = None
    chaos: int | None = None
    """The seed of a chaotic delivery; events are delivered in order where there is none."""
    kafka: bool = False
    """Whether events travel on Apache Kafka."""

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.port}"


class LocalPlatform:
    """All of Clo in one process."""

    def __init__(self, place: Place) -> None:
        """Start the database, bring it up to date and put all parts together; nothing is served yet."""
        self.place = place
        self.postgres = EmbeddedPostgres(place.folder / "postgres")
        migrate(self.postgres.owner_url())
        self.keys = LocalKeys(place.folder / "keys")
        self.clock: Clock = StoredClock(place.folder / "clock", place.simulated_from) if place.simulated_from else SystemClock()
        self.bus: Bus = self._make_bus()
        self._files = folders_in(place.folder)
        self.runtime = self._build_runtime()
        install(self.runtime)
        app = build_app(clock=self.clock, tick=self.tick, bus=self.bus)
        config = uvicorn.Config(
            app,
            HOST,
            place.port,
            log_level="warning",
            access_log=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        self._server = uvicorn.Server(config)
        self._stopping = threading.Event()
        shards = self.runtime.settings.shards
        self._drops = DropWatch(self._files, database=self.runtime.database, clock=self.clock, shards=shards)

    def serve(self, listener: socket.socket | None = None) -> None:
        """Serve until stopped: requests here, deliveries, the schedule and the database's watch in threads of their own."""
        self.postgres.keep_alive()
        with _threads(self._tick_now_and_then, partial(self._drops.run, self._stopping), *self.bus.works()):
            try:
                self._server.run(sockets=[listener] if listener else None)
            finally:
                self._stopping.set()
                self.bus.stop()
        self.runtime.threads.shutdown()
        self.runtime.database.close()
        self.bus.close()
        self.postgres.stop()

    def stop(self) -> None:
        """Let requests and deliveries under way end, then stop."""
        self._server.should_exit = True

    def tick(self) -> None:
        """Let the schedule look at the clock."""
        parts = self.runtime
        call = Call(caller=Caller(subject="schedule"), clock=self.clock, database=parts.database, shards=parts.settings.shards)
        with call.transaction() as tx:
            tx.emit(ScheduleTicked(at=tx.now), subject="schedule", key="schedule")

    def _make_bus(self) -> Bus:
        if self.place.kafka:
            return KafkaBus(self.place.folder, self.postgres.app_url(), self._delivery())
        return EmbeddedBus(self.postgres.app_url(), self._delivery)

    def _delivery(self, database: Database | None = None) -> HttpDelivery:
        url, seed = self.place.base_url, self.place.chaos
        if seed is None:
            return HttpDelivery(url)
        return ChaoticDelivery(url, seed=seed, database=database) if database else ChaoticHttp(url, seed=seed)

    def _build_runtime(self) -> Runtime:
        url, files = self.postgres.app_url(), self._files
        told = {name: value for name, value in asdict(files).items() if value is not None}  # else what the environment says would not count
        settings = Settings(database_url=url, jwks=str(self.keys.jwks), kafka_bootstrap=None, **told)
        return replace(build_runtime(settings, self.clock), bulk=self.bus.bulk)

    def _tick_now_and_then(self) -> None:
        while not self._stopping.wait(TICK_SECONDS):
            try:
                self.tick()
            except (Busy, psycopg.Error):
                continue  # the next tick finds what this one missed


@contextmanager
def _threads(*works: Callable[[], None]) -> Iterator[None]:
    threads = [threading.Thread(target=work, daemon=True) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.join()
