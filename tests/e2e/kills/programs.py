"""What runs in the processes that are killed: each function by itself, as a pod would run it, and what brings events to them."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

import uvicorn

from events.catalog import BY_PAYLOAD
from events.files import FileDropped, LakeScattered
from functions import registry
from functions.registry import BY_NAME, SINK
from shared.files import receiving
from shared.kernel.clock import SimulatedClock
from shared.kernel.wire import Wire
from shared.platform import delivery, failpoints
from shared.platform.delivery import HttpDelivery
from shared.platform.failpoints import Point
from shared.platform.kafka import source
from shared.platform.kafka.publisher import Publisher
from shared.platform.kafka.reading import topics_of
from shared.platform.kafka.source import Source
from shared.platform.local.app import load_function
from shared.platform.local.bus import EmbeddedBus
from shared.platform.runtime import build_runtime, install
from shared.platform.settings import Settings
from tests.conftest import NOW, SHARDS

HOST: Final = "127.0.0.1"
CONTEXT: Final = get_context("forkserver")
RELAY, PUBLISHER, SOURCES = "relay", "publisher", "sources"
PAUSE_SECONDS: Final = 0.05
SESSION_MS: Final = 6_000
"""So long a source that was killed keeps its partitions to itself; a broker allows no less."""
POINTS: Final = tuple(Point)
ALWAYS: Final = -1


@dataclass(frozen=True, kw_only=True)
class Place:
    """What processes share: a database, a bus, two folders of files, and where each function listens."""

    database_url: str
    bootstrap: str | None
    drops: Path
    lake: Path
    jwks: Path
    logs: Path
    ports: Mapping[str, int]
    chunk_bytes: int | None = None
    """How large a chunk of a file is, if other than usual."""

    @property
    def programs(self) -> tuple[str, ...]:
        """The names of all processes."""
        return (*FUNCTIONS, *((PUBLISHER, SOURCES) if self.bootstrap else (RELAY,)))


class Deaths:
    """In memory that all processes share: which process dies at which point, and how often each point was reached."""

    def __init__(self, programs: tuple[str, ...]) -> None:
        self._row = {name: row * len(POINTS) for row, name in enumerate(programs)}
        self._left = CONTEXT.RawArray("i", len(programs) * len(POINTS))
        self._came = CONTEXT.RawArray("i", len(programs) * len(POINTS))

    def arm(self, program: str, point: Point, turn: int) -> None:
        """Let a process die the so manieth time that it reaches a point from now on, or ALWAYS; 0 lets it live."""
        self._left[self._place(program, point)] = turn

    def came(self) -> dict[tuple[str, Point], int]:
        """How often each process has reached each point, where it ever did."""
        counts = {(name, point): self._came[self._place(name, point)] for name in self._row for point in POINTS}
        return {place: count for place, count in counts.items() if count}

    def watch(self, program: str) -> Callable[[Point], None]:
        """What the process itself is to do at each point."""
        lock = threading.Lock()

        def count_and_die(point: Point) -> None:
            place = self._place(program, point)
            with lock:
                self._came[place] += 1
                left = self._left[place]
                self._left[place] = left - (left > 0)
                if left in {1, ALWAYS}:
                    os.kill(os.getpid(), signal.SIGKILL)

        return count_and_die

    def _place(self, program: str, point: Point) -> int:
        return self._row[program] + POINTS.index(point)


def _reached_from(*payloads: type[Wire]) -> tuple[str, ...]:
    """The functions that read the topics of these events, or of what such functions emit; and where events end that nobody can take."""
    topics, found = {BY_PAYLOAD[payload].topic for payload in payloads}, {SINK: None}
    while new := [each for each in registry.FUNCTIONS if each.name not in found and topics.intersection(topics_of(each))]:
        found |= dict.fromkeys(each.name for each in new)
        topics |= {BY_PAYLOAD[payload].topic for each in new for payload in each.emits}
    return tuple(found)


FUNCTIONS: Final = _reached_from(FileDropped, LakeScattered)


class ToEach(HttpDelivery):
    """Brings each function its events where it listens."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        super().__init__(f"http://{HOST}")
        self._ports = ports

    def address(self, consumer: str) -> str:
        return f"http://{HOST}:{self._ports[consumer]}/events/{consumer}"


def live(program: str, place: Place, deaths: Deaths) -> None:
    """Run one process until it is killed, or the tests end."""
    threading.Thread(target=_end_with, args=(parent_process(),), daemon=True).start()
    log = os.open(place.logs / f"{program}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
    vars(delivery).update(FIRST_PAUSE_SECONDS=PAUSE_SECONDS)  # a process is back at once
    if place.chunk_bytes:
        vars(receiving).update(CHUNK_BYTES=place.chunk_bytes, LONGEST_RECORD=place.chunk_bytes)
    with failpoints.watched(deaths.watch(program)):
        PROGRAMS[program](place, program)


def _end_with(parent: BaseProcess | None) -> None:
    if parent:
        parent.join()
    os._exit(1)


def _function(place: Place, name: str) -> None:
    settings = Settings(
        database_url=place.database_url,
        jwks=str(place.jwks),
        shards=SHARDS,
        kafka_bootstrap=place.bootstrap,
        drops=str(place.drops),
        lake=str(place.lake),
    )
    install(build_runtime(settings, SimulatedClock(NOW)))
    uvicorn.run(load_function(name), host=HOST, port=place.ports[name], log_level="warning", access_log=False)


def _relay(place: Place, _name: str) -> None:
    _all_of(*EmbeddedBus(place.database_url, lambda _database: ToEach(place.ports)).works())


def _publisher(place: Place, _name: str) -> None:
    Publisher(database_url=place.database_url, bootstrap=place.bootstrap or "").run()


def more_sources(place: Place) -> None:
    """Sources that join those that are at work: partitions are shared out anew when they come and when they go."""
    vars(source).update(SESSION_MS=SESSION_MS)
    _sources(place, None)


def _sources(place: Place, name: str | None) -> None:
    deliver = ToEach(place.ports)
    sources = [
        Source(
            function=function,
            topics=topics_of(BY_NAME[function]),
            bootstrap=place.bootstrap or "",
            deliver=deliver,
            sink=SINK,
            instance=name and f"{name}-{function}",
        )
        for function in FUNCTIONS
        if function != SINK
    ]
    _all_of(*(source.run for source in sources))


PROGRAMS: Final[Mapping[str, Callable[[Place, str], None]]] = {
    **dict.fromkeys(FUNCTIONS, _function),
    RELAY: _relay,
    PUBLISHER: _publisher,
    SOURCES: _sources,
}


def _all_of(*works: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
