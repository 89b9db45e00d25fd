"""Generated files for tests, and what the file engine makes of them."""

import gzip
import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from shared.exports.partners import load_partners
from shared.files.frame import read_header, read_trailer, way_of
from shared.files.layout import Layout
from shared.files.manifest import Manifest, read_manifest
from shared.files.names import FileName, Kind, Scope, read_name
from shared.files.parsing import Parsed, parse
from shared.files.splitting import Splitter
from shared.files.totals import Totals
from shared.files.writing import encoded, head, lines_of, tail
from shared.generator.files import BAD_LINES, Made
from shared.generator.orders import Order
from shared.generator.portfolio import Portfolio
from shared.generator.results import CREDITS
from shared.kernel.ids import CREDIT, derived_id
from tests.unit.files.files import LAYOUTS

MONDAY: Final = date(2026, 1, 12)
BANK: Final = Portfolio(seed=7, customers=500, merchants=100)
CSV: Final = LAYOUTS["clo-transactions-csv"]


def made(folder: Path, *layouts: Layout, **order: Any) -> list[Made]:
    """Files as they are ordered; results of payouts are about some credits."""
    usual: dict[str, Any] = {"portfolio": BANK, "day": MONDAY, "rows": 1_000}
    if any(layout.kind is Kind.PAYOUTS for layout in layouts):
        usual["credits"] = credits_file(folder.with_name(f"{folder.name}-credits"), 1_000)
    return list(Order(**usual | order).write(layouts or [CSV], folder))


def credits_file(folder: Path, count: int, *, packed: bool = False) -> Path:
    """A file of so many statement credits."""
    ids = (CREDIT.render(derived_id("credit", number)) for number in range(count))
    return credits_written(folder, [(own, number + 1, "2026-01-13T08:00:00Z") for number, own in enumerate(ids)], packed=packed)


def credits_written(folder: Path, credits_told: list[tuple[str, int, str]], *, packed: bool = False) -> Path:
    """A file of statement credits as Clo writes them for the card system: id, minor units of USD, and when each was instructed."""
    layout, count = load_partners(None).layouts[CREDITS], len(credits_told)
    ids, amounts, moments = zip(*credits_told, strict=True)
    told = {"credit_id": ids, "amount": map(str, amounts), "instructed_at": moments, "currency": ["USD"] * count}
    lines = lines_of({name: pa.array(column, pa.string()) for name, column in told.items()}, count, layout)
    name = FileName(
        kind=Kind.CREDITS, sender="card-system", day=MONDAY, sequence=3, scope=Scope.DELTA, revision=1, format=layout.format, gzip=packed
    )
    data = head(layout, name.file_id) + encoded(lines, layout) + tail(layout, Totals(count=count, sums={"USD": sum(amounts)}))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / str(name)).write_bytes(gzip.compress(data) if packed else data)
    return folder / str(name)


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
