"""Columns by pyarrow against columns by polars: two million records of csv parsed, checked and written as JSON, in one thread each."""

import io
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks.files import blocks, ours
from benchmarks.input import BARE, COLUMNS, generate
from benchmarks.result import Result
from shared.files.splitting import Splitter

os.environ["POLARS_MAX_THREADS"] = "1"
import polars as pl

ROWS: Final = 2_000_000
SHARDS: Final = 16
ID: Final = "^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$"
IDS: Final = [name for name in COLUMNS if name.endswith(("_id", "_token"))]
NUMBERS: Final = ["amount", "tip", "tax", "cash_back", "sequence", "sequence_count"]
MOMENTS: Final = ["at", "posted_at", "expires_at"]


def run() -> list[Result]:
    """The whole way with pyarrow, as the file engine goes it, against only the costly steps of it with polars."""
    with tempfile.TemporaryDirectory() as folder:
        path = generate(Path(folder), ROWS).path
        mine, theirs = _seconds(lambda: ours(path)), _seconds(lambda: by_polars(path))
    return [
        Result(
            name="two million records: the file engine with pyarrow, of polars without control totals, reasons and search for card numbers",
            ours=f"{ROWS / mine:,.0f} rows/s",
            peer=f"{ROWS / theirs:,.0f} rows/s",
            ratio=theirs / mine,
            at_least=1,
        )
    ]


def by_polars(path: Path) -> None:
    """Parse, check ids, numbers and moments, write JSON by shard."""
    for chunk in Splitter(layout=BARE).split(blocks(path)):
        frame = pl.read_csv(io.BytesIO(chunk.data), has_header=False, new_columns=["record", *COLUMNS], infer_schema=False)
        frame.select(pl.col(name).str.contains(ID).all() for name in IDS)
        numbers = frame.with_columns(pl.col(name).cast(pl.Int64, strict=False) for name in NUMBERS)
        numbers.select(pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%S%#z", time_zone="UTC", strict=False) for name in MOMENTS)
        for text in _json_by_shard(numbers):
            text.replace(b"\n", b",")


def _json_by_shard(frame: Any) -> Iterator[bytes]:  # noqa: ANN401  (polars is there for benchmarks alone)
    shards = frame.drop("record").with_columns((pl.col("customer_id").hash() % SHARDS).alias("shard"))
    for part in shards.partition_by("shard", include_key=False):
        text = io.BytesIO()
        part.write_ndjson(text)
        yield text.getvalue()


def _seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start
