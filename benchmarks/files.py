"""Files: from csv to validated records to batches of JSON, against the csv module, pydantic per row and JSON per row."""

import csv
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, Final
from zlib import crc32

from benchmarks.input import BARE, generate
from benchmarks.result import Result
from events.payloads import Transaction
from shared.files.batches import payloads
from shared.files.frame import way_of
from shared.files.parsing import parse
from shared.files.splitting import Splitter
from shared.files.totals import Totals
from shared.kernel.cards import find_card_number

ROWS: Final = 400_000
ROWS_OF_PEER: Final = 40_000
ROUNDS: Final = 5
SHARDS: Final = 16
READ: Final = 1 << 20
NUMBERS: Final = frozenset({"sequence", "sequence_count", "amount", "tip", "tax", "cash_back"})
MOMENTS: Final = frozenset({"at", "posted_at", "expires_at"})
MEGABYTE: Final = 1 << 20


def run() -> list[Result]:
    """Measure a clean file, one with a bad line in a thousand, and memory."""
    with tempfile.TemporaryDirectory() as folder:
        clean = generate(Path(folder) / "clean", ROWS).path
        bad = generate(Path(folder) / "bad", ROWS, bad=0.001).path
        plain = "csv module, pydantic per row, JSON per row"
        return [
            _measure(f"file of 26 columns to batches of JSON, of {plain}", clean, plain_program),
            _measure("the same with a bad line in a thousand", bad, plain_program),
            _measure(
                "the same against a plain program that does the same work: shards, control totals, search for card numbers",
                clean,
                full_program,
            ),
            _memory(Path(folder)),
        ]


def ours(path: Path) -> tuple[int, Totals]:
    """Rows read, and what the accepted ones come to."""
    splitter = Splitter(layout=BARE)
    totals, rows = Totals(), 0
    for chunk in splitter.split(blocks(path)):
        parsed = parse(chunk.data, way_of(splitter), chunk.first_line)
        totals += parsed.totals
        rows += parsed.totals.count + parsed.rejected
        for _ in payloads(parsed.accepted, SHARDS):
            pass
    return rows, totals


def blocks(path: Path) -> Iterator[bytes]:
    """The bytes of a file as they are read."""
    with path.open("rb") as file:
        while block := file.read(READ):
            yield block


def _records(path: Path) -> Iterator[tuple[list[str], dict[str, Any]]]:
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        names = next(reader)
        for row in islice(reader, ROWS_OF_PEER):
            yield row, {name: cell for name, cell in zip(names, row, strict=True) if cell and name != "record"}


def transaction(cells: dict[str, Any]) -> Transaction:
    """A row as the row model has it."""
    said: dict[str, Any] = {
        name: int(cell) if name in NUMBERS else datetime.fromisoformat(cell) if name in MOMENTS else cell for name, cell in cells.items()
    }
    return Transaction(**said)


def plain_program(path: Path) -> tuple[int, Totals]:
    """Each row through pydantic to JSON."""
    rows = 0
    for _, cells in _records(path):
        rows += 1
        try:
            transaction(cells).model_dump_json(exclude_none=True)
        except ValueError:
            continue
    return rows, Totals()


def full_program(path: Path) -> tuple[int, Totals]:
    """Each row through pydantic to the JSON of its customer's shard, with what else is done to a row."""
    batches: defaultdict[int, list[str]] = defaultdict(list)
    sums: Counter[str] = Counter()
    entry_hash = rows = 0
    for row, cells in _records(path):
        rows += 1
        if find_card_number("\n".join(row).encode()):
            continue
        made = transaction(cells)
        sums[made.currency] += int(made.amount)
        entry_hash += crc32(made.transaction_id.encode())
        shard = crc32((made.customer_id or "").encode()) % SHARDS
        batches[shard].append(made.model_dump_json(exclude_none=True))
    for shard, texts in batches.items():
        f'{{"shard":{shard},"transactions":[{",".join(texts)}]}}'.encode()
    return rows, Totals(count=rows, sums=dict(sums), entry_hash=entry_hash)


def _measure(name: str, path: Path, peer: Callable[[Path], tuple[int, Totals]]) -> Result:
    figures = [(_rate(ours, path), _rate(peer, path)) for _ in range(ROUNDS)]
    mine, theirs = (median(rates) for rates in zip(*figures, strict=True))
    return Result(name=name, ours=f"{mine:,.0f} rows/s", peer=f"{theirs:,.0f} rows/s", ratio=mine / theirs, at_least=10)


def _rate(read: Callable[[Path], tuple[int, Totals]], path: Path) -> float:
    """Rows a second of this process's own time."""
    start = time.process_time()
    rows, _ = read(path)
    return rows / (time.process_time() - start)


def _memory(folder: Path) -> Result:
    """The most that a process of its own holds while it reads a long file, against a file of a quarter."""
    short, long = generate(folder / "short", ROWS // 2).path, generate(folder / "long", ROWS * 2).path
    peaks = [
        int(subprocess.run([sys.executable, "-m", "benchmarks.files", path], check=True, capture_output=True).stdout)
        for path in (long, short)
    ]
    mine, theirs = peaks
    size = long.stat().st_size
    return Result(
        name=f"memory at most, a file of {size // MEGABYTE} MB, of one of a quarter",
        ours=f"{mine // MEGABYTE} MB",
        peer=f"{theirs // MEGABYTE} MB",
        ratio=mine / theirs,
        at_most=1.1,
    )


def _peak(path: Path) -> int:
    import resource  # noqa: PLC0415  (not on every system)

    ours(path)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    sys.stdout.write(str(_peak(Path(sys.argv[1]))))
