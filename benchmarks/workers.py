"""Workers on a long file: two against one, cost and memory of ten times the rows, plain and packed."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Final

import psycopg

from benchmarks.file_worker import Job, Used
from benchmarks.input import LAYOUT, generate, size
from benchmarks.result import Result
from shared.platform.local.postgres import EmbeddedPostgres
from shared.platform.migrate import migrate

ROWS: Final = size("ROWS", 400_000)
TIMES: Final = 10
ROUNDS: Final = 3
MEGABYTE: Final = 1 << 20
MOST_BYTES: Final = 400 * MEGABYTE


@dataclass(frozen=True, kw_only=True)
class Yard:
    """A database and a drop place for workers."""

    postgres: EmbeddedPostgres
    folder: Path

    def work(self, name: str, *orders: int) -> list[Used]:
        """Let a worker take the file in, or one for each order read its chunks, side by side."""
        jobs = [Job(database=self.postgres.app_url(), folder=str(self.folder), name=name, order=order) for order in orders or (0,)]
        workers = [
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.file_worker", json.dumps(asdict(job))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for job in jobs
        ]
        for worker in workers:
            if worker.stdout and worker.stdout.readline() != "ready\n":
                raise RuntimeError("A worker did not start.")
        told = [(worker, worker.stdin.write("go\n"), worker.stdin.flush()) for worker in workers if worker.stdin]
        return [Used(**json.loads(worker.communicate()[0])) for worker, *_ in told]

    def forget_reading(self) -> None:
        """As if no chunk had been read."""
        with psycopg.connect(self.postgres.owner_url(), autocommit=True) as connection:
            connection.execute("UPDATE drop_chunks SET step = NULL")
        for parts in (self.folder / "drops" / "work").glob("*/parts"):
            shutil.rmtree(parts)


def run() -> list[Result]:
    """Measure both."""
    with _yard() as yard:
        side_by_side = list(_two_against_one(yard))
    return [*side_by_side, *(result for packed in (False, True) for result in _ten_times(packed=packed))]


@contextmanager
def _yard() -> Iterator[Yard]:
    with tempfile.TemporaryDirectory(prefix="clo-bench-") as name:
        folder = Path(name)
        (folder / "lake").mkdir()
        postgres = EmbeddedPostgres(folder / "postgres")
        migrate(postgres.owner_url())
        try:
            yield Yard(postgres=postgres, folder=folder)
        finally:
            postgres.stop()


def _drop(yard: Yard, rows: int, *, packed: bool) -> tuple[str, Used]:
    """A file that was taken in, and what that took."""
    made = generate(yard.folder / "drops" / "inbox", rows, layout=LAYOUT, packed=packed)
    name = f"inbox/{made.path.name}"
    return name, yard.work(name)[0]


def _two_against_one(yard: Yard) -> Iterator[Result]:
    name, _ = _drop(yard, ROWS, packed=False)
    rounds = []
    for _ in range(ROUNDS):
        (one,) = yard.work(name, 1)
        yard.forget_reading()
        two = yard.work(name, 1, -1)
        yard.forget_reading()
        rounds.append((one.seconds, max(used.seconds for used in two), one.cpu, sum(used.cpu for used in two)))
    alone, together, cpu_alone, cpu_together = (median(seconds) for seconds in zip(*rounds, strict=True))
    what = f"chunks of a file of {ROWS:,} rows read by two workers, of one"
    yield Result(
        name=f"{what}: time on the clock, of two cores",
        ours=f"{ROWS / together:,.0f} rows/s",
        peer=f"{ROWS / alone:,.0f} rows/s",
        ratio=alone / together,
        at_least=1.8,
    )
    yield Result(
        name=f"{what}: processor time in all",
        ours=f"{cpu_together:.1f} s",
        peer=f"{cpu_alone:.1f} s",
        ratio=cpu_together / cpu_alone,
        at_most=1.11,
    )


def _ten_times(*, packed: bool) -> Iterator[Result]:
    """What a file takes, and one of ten times its rows: taken in by one worker, its chunks read by another."""
    used = []
    for rows in (ROWS, ROWS * TIMES):
        with _yard() as yard:
            name, received = _drop(yard, rows, packed=packed)
            read = yard.work(name, 1)[0]
            used.append((1e6 * (received.cpu + read.cpu) / rows, max(received.peak, read.peak)))
    (cost, peak), (cost_of_long, peak_of_long) = used
    what = f"{'packed with gzip' if packed else 'csv'}, {ROWS * TIMES:,} rows, of {ROWS:,}"
    yield Result(
        name=f"processor time of a row to receive, check and stage: {what}",
        ours=f"{cost_of_long:.2f} µs",
        peer=f"{cost:.2f} µs",
        ratio=cost_of_long / cost,
        at_most=1.1,
    )
    yield Result(
        name=f"memory of a worker at most: {what}",
        ours=f"{peak_of_long // MEGABYTE} MB",
        peer=f"{peak // MEGABYTE} MB",
        ratio=peak_of_long / peak,
        at_most=1.1,
    )
    yield Result(
        name=f"memory of a worker at most, of 400 MB: {what}",
        ours=f"{peak_of_long // MEGABYTE} MB",
        peer=f"{MOST_BYTES // MEGABYTE} MB",
        ratio=peak_of_long / MOST_BYTES,
        at_most=1,
    )
