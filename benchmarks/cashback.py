"""A dropped file to posted cashback, against a handler and a commit for each row, and against COPY of the file into a table."""

import csv
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import count, islice
from pathlib import Path
from statistics import median
from typing import Final

import psycopg

from benchmarks.files import transaction
from benchmarks.input import COLUMNS, LAYOUT, generate, size
from benchmarks.place import SHARDS, Place, place
from benchmarks.result import Result
from events.files import ChunkReady, FileDropped, FileStepDone
from events.payloads import TransactionsPosted
from shared.files import chunks, closing, receiving
from shared.files.drops import Outcome
from shared.files.places import places_of
from shared.generator.files import Made
from shared.generator.portfolio import Portfolio
from shared.kernel.shards import shard_of
from shared.platform.call import Call, FilePlaces
from shared.platform.database import Connected
from shared.platform.outbox import Emitted
from shared.redemptions import service as redemptions

ROWS: Final = size("ROWS", 100_000)
ROWS_ONE_BY_ONE: Final = ROWS // 50
ROUNDS: Final = 5
BANK: Final = Portfolio(seed=1, customers=20_000, merchants=5_000)
OFFERS: Final = 20
FROM_RANK: Final = 8
BUDGET_MINOR: Final = 10**11
DAY: Final = date(2026, 1, 15)
NUMBERS: Final = count()
TABLE: Final = "the_file"
NUMERIC: Final = frozenset({"sequence", "sequence_count", "amount", "tip", "tax", "cash_back"})
MOMENTS: Final = frozenset({"at", "posted_at", "expires_at"})


def run() -> list[Result]:
    """Time on the clock, in turns; PostgreSQL works in processes of its own."""
    with (
        place(customers=BANK.customers, budget_minor=BUDGET_MINOR, repeat=True, names="c{:08}", shops=_shops()) as at,
        tempfile.TemporaryDirectory(prefix="clo-bench-") as folder,
    ):
        rounds = []
        for number in range(ROUNDS + 1):
            made, places = _dropped(Path(folder) / str(number))
            at.forget()
            taken = _timed(at, made, places)
            at.forget()
            rounds.append((*taken, _one_by_one(at, made.path), _copy(at, made.path)))
        ours, redeemed, one_by_one, copied = (median(figures) for figures in zip(*rounds[1:], strict=True))
    mine, theirs, copying = ROWS / ours, ROWS_ONE_BY_ONE / one_by_one, ROWS / copied
    what = f"file of {ROWS:,} rows to cashback posted, {redeemed:,} redemptions"
    return [
        Result(
            name=f"{what}: of a handler and a commit for each row",
            ours=f"{mine:,.0f} rows/s",
            peer=f"{theirs:,.0f} rows/s",
            ratio=mine / theirs,
            at_least=5,
        ),
        Result(
            name=f"{what}: of COPY of the file into one table",
            ours=f"{mine:,.0f} rows/s",
            peer=f"{copying:,.0f} rows/s",
            ratio=mine / copying,
            at_least=0.25,
        ),
    ]


def _dropped(folder: Path) -> tuple[Made, FilePlaces]:
    """The file in a drop place of its own."""
    (folder / "lake").mkdir(parents=True)
    made = generate(folder / "drops" / "inbox", ROWS, layout=LAYOUT, bank=BANK, day=DAY)
    return made, FilePlaces(drops=str(folder / "drops"), lake=str(folder / "lake"))


def _shops() -> list[str]:
    """Merchants with offers: those that sell in dollars and say their id, from a rank on."""
    currency = BANK.shops.columns["locations.0.country"].to_pylist()
    usual = (number for number in range(FROM_RANK, BANK.merchants) if currency[number] == "US" and number % 8 != 7)  # noqa: PLR2004  (they say none)
    return [f"m{number:06}" for number in islice(usual, OFFERS)]


def _timed(at: Place, made: Made, places: FilePlaces) -> tuple[float, int]:
    """Seconds from the drop to the last posting, and how many redemptions came of it."""
    start = time.perf_counter()
    _take(at, made, places)
    taken = time.perf_counter() - start
    with psycopg.connect(at.postgres.owner_url()) as connection:
        (redeemed,) = connection.execute("SELECT count(*) FROM redemptions").fetchone() or (0,)
    return taken, redeemed


def _take(at: Place, made: Made, places: FilePlaces) -> None:
    """All functions on the way of a file, one after the other, each event through the JSON that a bus would carry."""
    carried: list[Emitted] = []

    def carry(_connection: Connected, emitted: Sequence[Emitted], *, now: datetime, trace: str | None) -> None:  # noqa: ARG001
        carried.extend(emitted)

    def call(consumer: str) -> Call:
        return replace(at.call(consumer, key=f"{consumer}-{next(NUMBERS)}"), file_places=places, bulk=carry)

    drops = places_of(call("places")).drops
    manifest = drops.stat(f"inbox/{made.manifest.name}")
    receiving.receive_file(call("receive_file"), FileDropped(name=manifest.name, generation=manifest.generation))
    with at.call().reading() as tx:
        found = tx.connection.execute(
            "SELECT drop_id, number FROM drop_chunks JOIN drops USING (drop_id) WHERE closed_at IS NULL"
        ).fetchall()
    for step in ("read", "apply"):
        for row in found:
            chunks.process_chunk(call("process_chunk"), ChunkReady(drop_id=row["drop_id"], number=row["number"], step=step))
        closing.close_file(call("close_file"), FileStepDone(drop_id=found[0]["drop_id"], step=step))
    for event in carried:
        redemptions.redeem(call("redeem_cashback"), TransactionsPosted.model_validate_json(event.json))
    with at.call().reading() as tx:
        outcomes = tx.connection.execute("SELECT outcome FROM drops WHERE drop_id = %s", [found[0]["drop_id"]]).fetchall()
    if outcomes != [{"outcome": Outcome.ACCEPTED.value}]:
        raise RuntimeError(outcomes)


def _one_by_one(at: Place, path: Path) -> float:
    """Seconds for the first rows of the file, each handled by itself."""
    rows = list(islice(_rows(path), ROWS_ONE_BY_ONE))
    start = time.perf_counter()
    for cells in rows:
        said = transaction(cells)
        shard = shard_of(str(said.customer_id), SHARDS)
        key = f"row-{next(NUMBERS)}"
        redemptions.redeem(at.call("redeem_cashback", key=key), TransactionsPosted(shard=shard, transactions=[said]))
    return time.perf_counter() - start


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        next(file)
        for cells in csv.DictReader(file):
            if cells.pop("record") == "D":
                yield {name: cell for name, cell in cells.items() if cell}


def _copy(at: Place, path: Path) -> float:
    """Seconds to copy the lines of the file into a table of their own, with a key, and commit."""
    kinds = {**dict.fromkeys(NUMERIC, "bigint"), **dict.fromkeys(MOMENTS, "timestamptz")}
    columns = ", ".join(f"{name} {kinds.get(name, 'text')}" for name in COLUMNS)
    details = b"".join(line for line in path.read_bytes().splitlines(keepends=True) if line.startswith(b"D,"))
    with psycopg.connect(at.postgres.owner_url()) as connection:
        connection.execute(f"DROP TABLE IF EXISTS {TABLE}")
        connection.execute(f"CREATE TABLE {TABLE} (record text, {columns}, UNIQUE (transaction_id, kind, sequence))")
        connection.commit()
        start = time.perf_counter()
        with connection.cursor().copy(f"COPY {TABLE} FROM STDIN (FORMAT csv)") as copy:
            copy.write(details)
        connection.commit()
        return time.perf_counter() - start
