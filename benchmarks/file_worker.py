"""A worker of its own, that takes a file in or reads its chunks: `python -m benchmarks.file_worker JOB`, a job as JSON.

It says when it is ready, begins when it is told, and tells what it used.
"""

import json
import resource
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.input import COLUMNS, DAY, LAYOUT
from events.files import ChunkReady, FileDropped
from shared.files import chunks, receiving
from shared.files.parsing import parse
from shared.files.places import Places, places_of
from shared.files.staging import staged
from shared.files.way import Way
from shared.files.writing import cells_of, encoded, lines_of
from shared.generator.days import Day
from shared.generator.portfolio import Portfolio
from shared.generator.purchases import transactions
from shared.kernel.clock import SystemClock
from shared.platform.call import Call, Caller, FilePlaces
from shared.platform.database import Database
from shared.platform.runtime import tune_memory


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a worker does: take the file of a name in, or read the chunks that nobody has read."""

    database: str
    folder: str
    name: str
    order: int = 0
    """From the first chunk on (1) or from the last (-1), so that two meet in the middle; 0 to take the file in."""


@dataclass(frozen=True, kw_only=True)
class Used:
    """What it took: processor time, time on the clock, memory at most (bytes)."""

    cpu: float
    seconds: float
    peak: int


def main(job: Job) -> Used:
    """Get ready, wait for the word, work."""
    tune_memory()
    database = Database(job.database, pool_size=2, timeout_seconds=120)
    places = FilePlaces(drops=f"{job.folder}/drops", lake=f"{job.folder}/lake")
    call = Call(caller=Caller(subject="bench"), clock=SystemClock(), database=database, shards=16, file_places=places)
    with call.reading() as tx:
        rows = tx.connection.execute(
            "SELECT drop_id, number FROM drop_chunks JOIN drops USING (drop_id) WHERE name = %s", [job.name]
        ).fetchall()
    warm_up(places_of(call))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    cpu, start = time.process_time(), time.perf_counter()
    if not job.order:
        stored = places_of(call).drops.stat(f"{job.name}.manifest.json")
        receiving.receive_file(call, FileDropped(name=stored.name, generation=stored.generation))
    else:
        for row in sorted(rows, key=lambda row: row["number"])[:: job.order]:
            chunks.process_chunk(call, ChunkReady(drop_id=row["drop_id"], number=row["number"], step="read"))
    used = Used(cpu=time.process_time() - cpu, seconds=time.perf_counter() - start, peak=peak())
    database.close()
    return used


def warm_up(places: Places) -> None:
    """Load what a worker loads once."""
    day = Day(portfolio=Portfolio(seed=2, customers=100, merchants=100), day=DAY, rows_on=lambda _: 5_000)
    columns = next(transactions(day))
    lines = encoded(lines_of(cells_of(columns, LAYOUT), len(columns["at"]), LAYOUT), LAYOUT)
    parsed = parse(lines, Way(layout=places.library.layouts[LAYOUT.name], names=("record", *COLUMNS)))
    staged(parsed.accepted)


def peak() -> int:
    """Of this program, and not of the one that started it, which `getrusage` may tell of."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(main(Job(**json.loads(sys.argv[1]))))))
