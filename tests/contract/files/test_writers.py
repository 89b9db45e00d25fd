"""Several writers at once, writers that are killed, and how much memory one takes."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Final

import pytest

from shared.cli.artefacts import ROOT
from shared.files.stores.protocol import Exists
from shared.files.stores.streams import BLOCK
from shared.kernel.clock import SystemClock
from shared.kernel.errors import NotFound
from tests.contract.files.places import Place

WRITERS: Final = 6
MIB: Final = 1024 * 1024
DAY: Final = timedelta(days=1)
LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Before moto says that any upload began: in 2010."""

WRITE: Final = """
import sys
from shared.files.stores.opening import open_store
from shared.files.stores.protocol import Exists

def parts(mark, size):
    for _ in range(size // 65_536):
        yield mark.encode() * 65_536
    print("begun", flush=True)
    sys.stdin.readline()
    yield mark.encode()

url, name, mark, size = sys.argv[1:]
try:
    open_store(url).create(name, parts(mark, int(size)))
    print("won", flush=True)
except Exists:
    print("lost", flush=True)
"""

STREAM: Final = """
import sys
from shared.files.stores.opening import open_store
from tests.memory import peak

def through(name, parts):
    stored = store.create(name, (bytes([number % 251]) * 1_000_003 for number in range(parts)))
    with store.open(name, stored.generation) as stream:
        read = sum(len(block) for block in iter(lambda: stream.read(1_000_000), b""))
    assert read == stored.size == parts * 1_000_003

store = open_store(sys.argv[1])
through("warm", 1)
before = peak()
through("big", int(sys.argv[2]))
print(peak() - before)
"""


@contextmanager
def writer(place: Place, mark: str, size: int) -> Iterator[subprocess.Popen[str]]:
    """Another process that has begun to write, and ends what it writes when it is told to."""
    command = [sys.executable, "-c", WRITE, place.store.url, "name", mark, str(size)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "begun\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("size", [10, BLOCK + 1])
def test_of_writers_in_threads_one_wins(place: Place, size: int) -> None:
    barrier = Barrier(WRITERS)

    def write(number: int) -> int | None:
        def parts() -> Iterator[bytes]:
            yield bytes([number]) * size
            barrier.wait()

        try:
            place.store.create("name", parts())
        except Exists:
            return None
        return number

    with ThreadPoolExecutor(WRITERS) as pool:
        won = [number for number in pool.map(write, range(WRITERS)) if number is not None]
    stored = place.store.stat("name")
    assert len(won) == 1
    assert place.store.read("name", stored.generation) == bytes(won) * size
    assert place.store.sweep(SystemClock().now() + DAY) == 0


def test_of_writers_in_processes_one_wins(place: Place) -> None:
    with writer(place, "a", BLOCK) as one, writer(place, "b", BLOCK) as other:
        for process in (one, other):
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        outcomes = [process.stdout.readline() for process in (one, other) if process.stdout]
    assert sorted(outcomes) == ["lost\n", "won\n"]
    content = place.store.read("name", place.store.stat("name").generation)
    assert content == b"ab"[outcomes.index("won\n")].to_bytes() * (BLOCK + 1)


def test_a_writer_that_is_killed_leaves_nothing_that_is_seen_and_is_swept_away(place: Place) -> None:
    with writer(place, "a", 2 * BLOCK) as process:
        process.kill()
        process.wait()
    with pytest.raises(NotFound):
        place.store.stat("name")
    assert list(place.store.list()) == []
    assert place.store.sweep(LONG_AGO) == 0
    assert place.store.sweep(SystemClock().now() + DAY) == int(place.leaves_behind)
    assert place.store.sweep(SystemClock().now() + DAY) == 0
    assert place.store.create("name", [b"free"]).size == len(b"free")


def test_memory_does_not_grow_with_the_object(place: Place) -> None:
    run = subprocess.run([sys.executable, "-c", STREAM, place.store.url, "100"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(run.stdout) < 64 * MIB
