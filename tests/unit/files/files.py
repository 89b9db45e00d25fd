"""Files for tests, written from records, and records read one by one by the row model alone."""

import io
import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from pyarrow import parquet

from shared.files.layout import Layout
from shared.files.library import load
from shared.files.parsing import LINE, LINE_HASH, Parsed
from shared.files.reading import numbered_records
from shared.files.rows import LeftOut, Refusal, read_record
from shared.files.way import Way

CASES: Final = Path(__file__).parents[2] / "cases" / "files"
LAYOUTS: Final = load(CASES / "layouts").layouts
Values = dict[str, Any]
Told = tuple[int, str, str]
"""Line, field and code of a reject."""

USUAL: Final[dict[str, str]] = {
    "transaction_id": "t1",
    "at": "2026-01-12T09:41:07Z",
    "currency": "USD",
    "amount": "2350",
    "customer_id": "c1",
    "merchant_id": "m1",
}


def way(name: str) -> Way:
    """How files of a layout are read, the columns in the order of its fields."""
    layout = LAYOUTS[name]
    names = (*([""] * bool(layout.detail)), *(str(told.column) for told in layout.fields)) if layout.column_names else ()
    return Way(layout=layout, names=names)


def csv_line(cells: dict[str, str], layout: Layout) -> str:
    """A line of csv as it is: nothing is quoted."""
    return ",".join(["D", *(cells.get(told.target, "") for told in layout.fields)])


def csv_file(records: Iterable[dict[str, str]], name: str = "clo-transactions-csv") -> bytes:
    """Details of csv."""
    return "".join(csv_line(record, LAYOUTS[name]) + "\n" for record in records).encode(errors="surrogateescape")


def fixed_line(cells: dict[str, str], layout: Layout) -> str:
    """A line of fixed width, each cell cut where its place ends."""
    return "D" + "".join(cells.get(told.target, "")[: told.width].ljust(told.width or 0) for told in layout.fields)


def jsonl_file(records: Iterable[object]) -> bytes:
    """Details of jsonl."""
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def parquet_file(columns: dict[str, pa.Array], rows_per_group: int = 1000) -> io.BytesIO:
    """A file of parquet."""
    file = io.BytesIO()
    parquet.write_table(pa.table(columns), file, row_group_size=rows_per_group)
    file.seek(0)
    return file


def taken(parsed: Parsed) -> list[Values]:
    """The accepted records, what is not said left out, and where they stood as well."""
    rows = [row for batch in parsed.accepted for row in batch.to_pylist()]
    said = ({name: value for name, value in row.items() if value is not None and name not in {LINE, LINE_HASH}} for row in rows)
    return in_order({name: json.loads(value) if name == "items" else value for name, value in row.items()} for row in said)


def refused(parsed: Parsed) -> list[Told]:
    """The rejects."""
    return sorted((reject.line, reject.field, reject.code.value) for reject in parsed.rejects)


def one_by_one(data: bytes, by: Way) -> tuple[list[Values], list[Told], int]:
    """What the row model says of each record of a chunk of text, read alone; and how many it refuses."""
    good: list[Values] = []
    bad: list[Told] = []
    rejected = 0
    for before, record in numbered_records(data, by):
        try:
            good.append(dict(read_record(record, by).values))
        except LeftOut:
            continue
        except Refusal as refusal:
            rejected += 1
            bad += [(before + 1, fault.field, fault.code.value) for fault in refusal.faults]
    return in_order(good), sorted(bad), rejected


def in_order(records: Iterable[Values]) -> list[Values]:
    """The same records always in the same order."""
    return sorted(records, key=lambda record: json.dumps(record, sort_keys=True, default=datetime.isoformat))
