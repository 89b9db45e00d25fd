"""Files as banks, processors and aggregators write them are taken by layouts alone: each case is a layout, a file, and what comes of it."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import to_json

from shared.files.frame import Said, read_trailer, way_of
from shared.files.layout import RECODED
from shared.files.library import read_layout
from shared.files.names import Format
from shared.files.parsing import Parsed, parse, parse_row_group, shapes_of
from shared.files.recoding import recoded
from shared.files.row_groups import groups_of
from shared.files.splitting import Splitter
from shared.files.way import Way
from shared.kernel.errors import Invalid
from tests.unit.files.files import CASES, one_by_one, parquet_file, refused, taken

PARTNERS: Final = [pytest.param(path, id=path.stem) for path in sorted((CASES / "partners").glob("*.json"))]


def read(case: dict[str, Any], size: int) -> tuple[Way, list[tuple[bytes, Parsed]], Said | None]:
    """What comes of a case's file that is cut into chunks of about so many bytes."""
    layout = read_layout(json.dumps(case["layout"]).encode())
    newline = case.get("newline", "\n")
    data = "".join(f"{line}{newline}" for line in case["file"]).encode(layout.encoding)
    splitter = Splitter(layout=layout, size=size, longest=1 << 12)
    chunks = list(splitter.split(recoded([data[:7], data[7:]], layout.encoding) if layout.encoding in RECODED else [data]))
    way = way_of(splitter)
    return way, [(chunk.data, parse(chunk.data, way, chunk.first_line)) for chunk in chunks], read_trailer(splitter)


@pytest.mark.parametrize("path", PARTNERS)
def test_file_of_a_partner_is_taken_as_the_case_expects(path: Path) -> None:
    case = json.loads(path.read_text())
    way, chunks, said = read(case, size=1 << 20)
    [(_data, parsed)] = chunks
    rejects = [f"{told.line} {told.field} {told.code.value} {told.value}" for told in parsed.rejects]
    records = [way.layout.record.model.model_validate_json(to_json(shape)) for shape in shapes_of(parsed.accepted, way.layout)]
    found = [json.loads(record.model_dump_json(exclude_defaults=True)) for record in records]
    totals = {"count": said.count, "sums": said.sums} if said else None
    assert rejects == case["rejects"]
    assert found == case["accepted"]
    assert totals == case["totals"]


@pytest.mark.parametrize("path", PARTNERS)
def test_columns_of_a_partners_file_say_what_the_row_model_says(path: Path) -> None:
    way, chunks, _ = read(json.loads(path.read_text()), size=1 << 20)
    for data, _ in chunks:
        parsed = parse(data, way)
        assert (taken(parsed), refused(parsed), parsed.rejected) == one_by_one(data, way)


NASTY: Final = [
    "", " ", "0", "-0", "+1", "1_000", "0x10", "1e400", "NaN", "٣", "9223372036854775808", "1,00,000.00", "1.234.567,89", "1,234,567.89",
    "1'234.50", "(1.00)", "((1.00))", "()", "-", "--1", "1-", "-1-", "1.00CR", "CR", "CR1CR", "$", "$-1", "{", "}", "12}", "J", "1{2", "{}",
    "0.00", "00.0", "1.2345", "1.23450", "12345678901234567890", "NULL", "\\N", "99991231", "00000000", "2026-02-30", "24:00:00",
    "23:59:60", "12:00 am", "0:00 AM", "13:00 PM", "1/1/26", "366", "+25:00", "+05:30", "-00:00", "Z", "EST", "Mars", "840", "36", "DEU",
    "\u00a01", "1\u200b",
    "=1+1", "4111111111111111", "4111 1111 1111 1111", "x" * 200, "\x00", "\x85", "\u2028", "e\u0301", "\u202e",
]  # fmt: skip


@pytest.mark.parametrize("path", PARTNERS)
@settings(max_examples=15)
@given(data=st.data())
def test_cells_of_any_make_are_read_in_columns_as_alone(path: Path, data: st.DataObject) -> None:
    case = json.loads(path.read_text())
    way, chunks, _ = read(case, size=1 << 20)
    lines = chunks[0][0].decode(way.layout.read_as).split("\n")[:-1]
    spoilt = [_spoilt(data.draw(st.sampled_from(lines)), way, data) for _ in range(data.draw(st.integers(1, 12)))]
    raw = "".join(f"{line}\n" for line in spoilt).encode(way.layout.read_as, errors="replace")
    parsed = parse(raw, way)
    assert (taken(parsed), refused(parsed), parsed.rejected) == one_by_one(raw, way)


def _spoilt(line: str, way: Way, data: st.DataObject) -> str:
    """A line in which something else may stand in one of the places."""
    nasty = data.draw(st.sampled_from(NASTY))
    place = data.draw(st.sampled_from([None, *way.places.values()]))
    if place is None:
        return line
    if way.layout.format is Format.FIXED:
        start, stop = place.span
        return line[:start] + nasty[: stop - start].ljust(stop - start) + line[stop:]
    if way.layout.format is Format.JSONL:
        members = json.loads(line)
        members[str(place.column).split("/")[-1]] = data.draw(st.sampled_from([nasty, None, 1, -1, 1.5, True, [], {}, {"id": nasty}]))
        return json.dumps(members)
    cells = line.split(way.layout.delimiter)
    at = next(way.positions[name] for name, told in way.places.items() if told is place)
    return way.layout.delimiter.join([*cells[:at], nasty.replace("\n", ""), *cells[at + 1 :]])


def test_the_page_on_layouts_has_an_example_that_is_taken() -> None:
    page = (Path(__file__).parents[3] / "docs/howto/layouts.md").read_text(encoding="utf-8")
    file, layout = page.split("```")[1], page.split("```json")[1].split("```")[0]
    _, [(_, parsed)], said = read({"layout": json.loads(layout), "file": file.strip("\n").split("\n")}, size=1 << 20)
    assert [(record["kind"], record["amount"]) for record in taken(parsed)] == [("refund", 1_200), ("purchase", 123_456)]
    assert said == Said(count=2, entry_hash=None, sums=parsed.totals.sums)


PARQUET: Final = {
    "name": "warehouse-transactions-parquet",
    "kind": "transactions",
    "format": "parquet",
    "senders": ["warehouse"],
    "other_columns": "ignore",
    "fields": [
        {"target": "transaction_id", "type": "id", "column": "TXN_ID", "fill": 1, "required": True},
        {"target": "at", "type": "moment", "column": "TXN_DT", "parts": [{"column": "TXN_TM", "fill": 6}], "format": "%Y-%m-%d %H%M%S",
         "zone": "Europe/Paris", "required": True},
        {"target": "posted_at", "type": "moment", "column": "POST_DT", "zone": "Europe/Paris"},
        {"target": "amount", "type": "major", "column": "BILL_AMT", "signs": {"-": "-"}, "required": True},
        {"target": "kind", "type": "sign", "of": "amount", "values": {"+": "purchase", "-": "refund"}},
        {"target": "currency", "type": "currency", "column": "BILL_CCY", "table": "currency_numbers", "fill": 3},
        {"target": "customer_id", "type": "id", "column": "CIF"},
        {"target": "mcc", "type": "code", "column": "MCC", "fill": 4},
        {"target": "descriptor", "type": "text", "column": "MERCHANT"},
    ],
}  # fmt: skip


def of_warehouse(**other: pa.Array) -> list[Parsed]:
    """What comes of a file of parquet as a warehouse writes it, by groups."""
    layout = read_layout(json.dumps(PARQUET).encode())
    day = date(2026, 1, 12)
    columns = {
        "TXN_ID": pa.array([2**60, 2, 3], pa.int64()),
        "TXN_DT": pa.array([day, day, None], pa.date32()),
        "TXN_TM": pa.array([94107, 7, 240000], pa.int32()),
        "POST_DT": pa.array([day, None, day], pa.date32()),
        "BILL_AMT": pa.array([Decimal("12.34"), Decimal(-5), Decimal("0.0001")], pa.decimal128(38, 18)),
        "BILL_CCY": pa.array([978, 36, 840], pa.int16()),
        "CIF": pa.array(["c1", "c2", "c3"]).dictionary_encode(),
        "MCC": pa.array([742, 5814, None], pa.int32()),
        "MERCHANT": pa.array(["Café", "shop", ""], pa.large_string()),
        "CARD_MASKED": pa.array(["411111******1111"] * 3),
    }
    file = parquet_file(columns | other)
    size = file.getbuffer().nbytes
    return [parse_row_group(file, size, number, Way(layout=layout)) for number in range(len(groups_of(file, size, layout)))]


def test_parquet_of_a_warehouse_is_taken() -> None:
    [parsed] = of_warehouse()
    assert taken(parsed) == [
        {"transaction_id": "1152921504606846976", "at": datetime(2026, 1, 12, 8, 41, 7, tzinfo=UTC), "amount": 1234, "kind": "purchase",
         "posted_at": datetime(2026, 1, 11, 23, tzinfo=UTC), "currency": "EUR", "customer_id": "c1", "mcc": "0742", "descriptor": "Café"},
        {"transaction_id": "2", "at": datetime(2026, 1, 11, 23, 0, 7, tzinfo=UTC), "amount": 500, "kind": "refund", "currency": "AUD",
         "customer_id": "c2", "mcc": "5814", "descriptor": "shop"},
    ]  # fmt: skip
    assert refused(parsed) == [(3, "amount", "decimals"), (3, "at", "missing")]


def test_decimals_of_parquet_with_too_many_places_are_looked_at_one_by_one() -> None:
    [parsed] = of_warehouse(BILL_AMT=pa.array([Decimal("1.0000001"), Decimal("2.50"), Decimal(3)], pa.decimal128(38, 18)))
    assert [record["amount"] for record in taken(parsed)] == [250]
    assert (1, "amount", "amount") in refused(parsed)


NOISE: Final = [b"", b"\n", b"\r", b"\x00", b'"', b";", b"|", b"\xff", b"\xd8\x00", b"\xef\xbb\xbf", b"{", b"\x81", b"99", b"\x1a", b"\x85"]


@pytest.mark.parametrize("path", PARTNERS)
@settings(max_examples=15)
@given(data=st.data())
def test_file_that_is_damaged_anywhere_is_refused_or_each_of_its_records_ends_once(path: Path, data: st.DataObject) -> None:
    case = json.loads(path.read_text())
    layout = read_layout(json.dumps(case["layout"]).encode())
    newline = case.get("newline", "\n")
    whole = "".join(f"{line}{newline}" for line in case["file"]).encode(layout.encoding)
    start = data.draw(st.integers(0, len(whole)))
    damaged = whole[:start] + data.draw(st.sampled_from(NOISE)) + whole[start + data.draw(st.integers(0, 3)) :]
    splitter = Splitter(layout=layout, size=100, longest=1 << 10)
    try:
        chunks = list(splitter.split(recoded([damaged], layout.encoding) if layout.encoding in RECODED else [damaged]))
        way = way_of(splitter)
        read_trailer(splitter)
    except Invalid:
        return
    for chunk in chunks:
        parsed = parse(chunk.data, way)
        assert (taken(parsed), refused(parsed), parsed.rejected) == one_by_one(chunk.data, way)


WIDE: Final[list[str]] = json.loads((CASES / "wide_objects.json").read_text())
"""Members as they may stand beside others, of which most are of no interest."""


@pytest.mark.parametrize("other", WIDE)
def test_wide_objects_are_read_in_columns_as_alone(other: str) -> None:
    case = json.loads((CASES / "partners" / "fidel_like_jsonl.json").read_text())
    way, [(data, _)], _ = read(case, size=1 << 20)
    good = data.split(b"\n")[0].decode()
    name = other.split('"')[1]
    without = json.dumps({member: value for member, value in json.loads(good).items() if member != name})
    for first in (good, without):
        odd = f"{first[:-1]}, {other[1:]}"
        for lines in ([odd], [odd] * 3, [good, odd, good], [odd.replace(", ", ",\n", 1), good], [good + good, odd]):
            raw = "".join(f"{line}\n" for line in lines).encode()
            parsed = parse(raw, way)
            assert (taken(parsed), refused(parsed), parsed.rejected) == one_by_one(raw, way)
