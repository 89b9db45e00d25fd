"""Generated files for tests, and what the file engine makes of them."""

import gzip
import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any, Final

from shared.files.frame import read_header, read_trailer, way_of
from shared.files.layout import Layout
from shared.files.manifest import Manifest, read_manifest
from shared.files.names import read_name
from shared.files.parsing import Parsed, parse
from shared.files.splitting import Splitter
from shared.files.totals import Totals
from shared.generator.files import BAD_LINES, Made
from shared.generator.orders import Order
from shared.generator.portfolio import Portfolio
from tests.unit.files.files import LAYOUTS

MONDAY: Final = date(2026, 1, 12)
BANK: Final = Portfolio(seed=7, customers=500, merchants=100)
CSV: Final = LAYOUTS["clo-transactions-csv"]


def made(folder: Path, *layouts: Layout, **order: Any) -> list[Made]:
    """Files as they are ordered."""
    usual: dict[str, Any] = {"portfolio": BANK, "day": MONDAY, "rows": 1_000}
    return list(Order(**usual | order).write(layouts or [CSV], folder))


def plain(file: Made) -> bytes:
    data = file.path.read_bytes()
    return gzip.decompress(data) if file.path.name.endswith(".gz") else data


def manifest(file: Made) -> Manifest:
    return read_manifest(file.manifest.read_bytes(), read_name(file.path.name))


def bad_lines(file: Made) -> list[tuple[int, str, str]]:
    """Line, field and code of each bad line, as the generator tells."""
    told = file.path.with_name(f"{file.path.name}{BAD_LINES}")
    lines = [json.loads(line) for line in told.read_text().splitlines()] if told.exists() else []
    return sorted((line["line"], line["field"], line["code"]) for line in lines)


def read(file: Made, layout: Layout, size: int = 1 << 16) -> list[Parsed]:
    """What the engine reads of a file, whose header and trailer are as they should be."""
    splitter = Splitter(layout=layout, size=size, longest=1 << 15)
    parsed = [parse(chunk.data, way_of(splitter), chunk.first_line) for chunk in splitter.split([plain(file)])]
    read_header(splitter, manifest(file).file_id)
    said = read_trailer(splitter)
    if said:
        totals = manifest(file).totals
        assert said.count == totals.count
        assert said.entry_hash in {None, totals.entry_hash}
        assert said.sums is None or dict(said.sums) == dict(totals.sums)
    return parsed


def total(parsed: Iterable[Parsed]) -> Totals:
    return sum((part.totals for part in parsed), Totals())


def records(file: Made, layout: Layout = CSV) -> list[dict[str, Any]]:
    """The records of a file, what is not said left out."""
    batches = [batch for part in read(file, layout) for batch in part.accepted]
    return [{name: value for name, value in row.items() if value is not None} for batch in batches for row in batch.to_pylist()]
