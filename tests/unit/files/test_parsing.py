"""The row model is the law: columns take and refuse, with the same values and reasons, what it does record by record."""

import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic_core import to_json

from shared.files.columns import read_columns, schema_of
from shared.files.layout import LONGEST_RECORD
from shared.files.parsing import parse, parse_row_group, shapes_of
from shared.files.reading import read_blocks
from shared.files.rejects import masked_value
from shared.files.row_groups import groups_of
from shared.files.totals import Totals, entry_hash
from shared.files.way import Way
from tests.unit.files.files import (
    CASES,
    LAYOUTS,
    USUAL,
    csv_file,
    fixed_line,
    jsonl_file,
    one_by_one,
    parquet_file,
    refused,
    taken,
    way,
)

CARD: Final = "4111111111111111"
WIDE_CARD: Final = "".join(chr(0xFF10 + int(digit)) for digit in CARD)
WORDS: Final = [
    "",
    "a",
    "c1",
    "A.b:c_d-e",
    "-a",
    " a",
    "a ",
    "ü",
    "a\x00",
    "x" * 64,
    "x" * 65,
    CARD,
    "=1+1",
    "@a",
    "٣",
    "\ufffd",
    "\x7f",
    "\t",
]
NUMBERS: Final = [
    "",
    "0",
    "1",
    "007",
    "999",
    "1000",
    "-1",
    "+1",
    "1e9",
    "NaN",
    "inf",
    "0x10",
    "1.0",
    "1_0",
    "٣",
    " 1",
    "9" * 15,
    "9" * 16,
    "9" * 19,
]
NUMBERS_TOO: Final = ["1000000000000000", "1000000000000001", "4111111111111", "4222222222222"]
MOMENTS: Final = [
    "", "2026-01-12T09:41:07Z", "2026-01-12T09:41:07-05:00", "2026-01-12 09:41:07Z", "2026-01-12T09:41Z",
    "2026-01-12T09Z", "20260112T094107Z",
    "2026-01-12T09:41:07", "2026-01-12", "2026-02-29T00:00:00Z", "2024-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00Z", "1899-12-31T23:59:59Z", "1900-01-01T00:00:00Z", "1900-01-01T00:00:00+01:00", "2999-12-31T23:59:59.999999Z",
    "3000-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "2026-01-12T24:00:00Z", "2026-01-12T23:59:60Z", "2026-01-12T09:41:07.5Z",
    "2026-01-12T09:41:07.123456Z", "2026-01-12T09:41:07.1234567Z", "2026-01-12T09:41:07.123456789Z", "2026-01-12T09:41:07+0530",
    "2026-01-12T09:41:07+05", "2026-01-12T09:41:07+24:00", "2026-01-12t09:41:07z", "2026-W03-1",
    "٢٠٢٦-01-12T09:41:07Z", "now", " 2026-01-12T09:41:07Z",
]  # fmt: skip
CELLS: Final[dict[str, list[str]]] = {
    "transaction_id": WORDS,
    "kind": ["", "purchase", "authorization", "clearing", "refund", "Purchase", "gift"],
    "sequence": NUMBERS,
    "sequence_count": NUMBERS,
    "at": MOMENTS,
    "posted_at": MOMENTS,
    "expires_at": MOMENTS,
    "original_transaction_id": WORDS,
    "currency": ["", "USD", "JPY", "KWD", "usd", "US", "USDX", "ÜSD", "XXX"],
    "amount": [*NUMBERS, *NUMBERS_TOO],
    "tip": [*NUMBERS, *NUMBERS_TOO],
    "customer_id": WORDS,
    "card_token": WORDS,
    "merchant_id": WORDS,
    "network": ["", "visa", "Visa", "v" * 32, "v" * 33, "1a"],
    "network_merchant_id": WORDS,
    "descriptor": [
        *WORDS, "***", "é", "SQ *BLUE CUP 0042", "x" * 100, "x" * 101, "ü" * 100, "ü" * 101, "4111 1111-1111 1111 x",
        WIDE_CARD, "b\\c", "+x",
    ],
    "location_id": WORDS,
    "mcc": ["", "5814", "581", "58144", "٥٨١٤", "58a4"],
    "channel": ["", "online", "Online", "phone"],
    "country": ["", "US", "us", "USA"],
    "region": [*WORDS, "x" * 64, "ü" * 64, "ü" * 65],
    "city": [*WORDS, "São Paulo", "12 34 56 78 90 12 34"],
}  # fmt: skip


@st.composite
def changed(draw: st.DrawFn, cells: dict[str, list[str]] = CELLS) -> dict[str, str]:
    """A usual record, of which some cells are something else."""
    names = draw(st.lists(st.sampled_from(sorted(cells)), max_size=3))
    return USUAL | {name: draw(st.sampled_from(cells[name])) for name in names}


LINES: Final = st.lists(changed(), max_size=30).map(csv_file)
NOISE: Final = st.lists(st.sampled_from(['"', ",", "\n", "\r", "\r\n", "D", "D,t1", '""', "\udcff", "a", "\n\n"]), max_size=4).map("".join)


LINE: Final = csv_file([USUAL])


@pytest.mark.parametrize(
    "data",
    [
        LINE.replace(b"\n", b"\r") + LINE.replace(b"2350", b"x") + b"\n",  # as many lines as records
        LINE.replace(b"D,", b"DD,") + LINE.replace(b"D,", b",") + LINE,  # as many bytes of marks as records
        LINE.replace(b"m1", b'm"1') * 2,
        LINE.replace(b"m1", b'"m1" ') + LINE.replace(b"m1", b'"m"1"') + LINE,
        LINE.replace(b"m1", b'"m1') + LINE,
    ],
)
def test_records_that_look_like_others_are_judged_as_alone(data: bytes) -> None:
    agree(data, "clo-transactions-csv")


def agree(data: bytes, name: str) -> None:
    by = way(name)
    parsed = parse(data, by)
    good, bad, rejected = one_by_one(data, by)
    assert (taken(parsed), refused(parsed), parsed.rejected) == (good, bad, rejected)
    assert parsed.totals == totals(good)


def totals(records: list[dict[str, Any]]) -> Totals:
    moments = [record["at"] for record in records]
    currencies = {record["currency"] for record in records}
    return Totals(
        count=len(records),
        sums={currency: sum(r["amount"] for r in records if r["currency"] == currency) for currency in currencies},
        entry_hash=entry_hash(record["transaction_id"].encode() for record in records),
        first_at=min(moments, default=None),
        last_at=max(moments, default=None),
    )


@given(LINES)
def test_columns_of_csv_say_what_the_row_model_says(data: bytes) -> None:
    agree(data, "clo-transactions-csv")


@pytest.mark.parametrize("name", sorted(CELLS))
def test_each_cell_is_judged_in_columns_as_alone(name: str) -> None:
    agree(csv_file(USUAL | {name: cell} for cell in CELLS[name]), "clo-transactions-csv")
    for cell in CELLS[name]:
        agree(csv_file([USUAL | {name: cell}] * 2), "clo-transactions-csv")


@given(LINES, NOISE, st.integers(0, 3000))
def test_lines_that_are_broken_anywhere_are_judged_as_alone(data: bytes, noise: str, place: int) -> None:
    broken = data[:place] + noise.encode(errors="surrogateescape") + data[place:]
    agree(broken, "clo-transactions-csv")


PARTNER_CELLS: Final = {
    1: WORDS,
    2: ["", "12.01.2026 09:41:07", "31.02.2026 00:00:00", "29.03.2026 02:30:00", "25.10.2026 02:30:00", "1.1.2026 09:41:07",
        "12.01.1900 00:00:00", "12.01.2026 24:00:00", "01.01.0001 00:00:00", "12.01.2026T09:41:07",
        "30.06.1893 12:00:00", "01.04.1893 00:03:00"],
    3: ["", "0", "12", "12,3", "12,34", "12,345", "12,340", "12,3400", "12,34000", "12.34", "1.234,56", ",5", "5,", "-1,00", "1e9", "٣",
        "9999999999999,99", "99999999999999", "1234567890123,4"],
    4: ["", "K", "G", "k", "purchase"],
    5: WORDS,
    6: ["", "Café", "=1", "a;b"],
    7: ["", "whatever"],
    8: ["", "L", "I", "X"],
}  # fmt: skip
PARTNER_USUAL: Final = ["t1", "12.01.2026 09:41:07", "12,34", "K", "c1", "Laden", "", "L"]


@given(st.lists(st.dictionaries(st.sampled_from(sorted(PARTNER_CELLS)), st.integers(0, 99), max_size=3), max_size=20))
def test_a_partners_layout_is_read_in_columns_as_alone(changes: list[dict[int, int]]) -> None:
    lines = []
    for change in changes:
        cells = list(PARTNER_USUAL)
        for position, number in change.items():
            cells[position - 1] = PARTNER_CELLS[position][number % len(PARTNER_CELLS[position])]
        lines.append(";".join(cells) + "\n")
    agree("".join(lines).encode("iso-8859-1", errors="replace"), "partner-transactions-csv")


@pytest.mark.parametrize("letter", ["x", "\xe9", "\udcff"])
@pytest.mark.parametrize("name", ["clo-transactions-csv", "partner-transactions-csv"])
def test_the_longest_record_is_judged_as_alone(name: str, letter: str) -> None:
    good = LINE if name.startswith("clo") else b"t1;12.01.2026 09:41:07;12,34;K;c1;m1;;L\n"
    wide = letter.encode(LAYOUTS[name].encoding, errors="surrogateescape")
    long = good.replace(b"m1", wide * ((LONGEST_RECORD - len(good)) // len(wide)))
    agree(good * 500 + long.replace(b"\n", b"").ljust(LONGEST_RECORD - 1, b"x") + b"\n" + good * 500, name)


SECONDS: Final = [
    "",
    "0",
    "1768210867",
    "1768210867123",
    "-1",
    "1.5",
    "x",
    "9" * 11,
    "9" * 14,
    "9" * 16,
    "9" * 17,
    "32503679999",
    "32503680000",
]


@pytest.mark.parametrize("form", ["epoch_s", "epoch_ms"])
@pytest.mark.parametrize("seconds", SECONDS)
def test_moments_since_1970_are_read_in_columns_as_alone(form: str, seconds: str) -> None:
    layout = LAYOUTS["partner-transactions-csv"]
    fields = [told.model_copy(update={"format": form, "zone": None}) if told.target == "at" else told for told in layout.fields]
    by = Way(layout=layout.model_copy(update={"fields": fields}))
    line = f"t1;{seconds};12,34;K;c1;Laden;;L\n".encode()
    parsed = parse(line, by)
    assert (taken(parsed), refused(parsed), parsed.rejected) == one_by_one(line, by)


def test_a_partners_records_become_our_own() -> None:
    data = "t1;12.07.2026 09:41:07;12,34;G;c1;'Café Süd, 5';;I\nt2;25.10.2026 02:30:00;5;;c2;x;;\n".encode("iso-8859-1")
    own = {"currency": "EUR"}
    assert taken(parse(data, way("partner-transactions-csv"))) == [
        {"transaction_id": "t1", "at": datetime(2026, 7, 12, 7, 41, 7, tzinfo=UTC), "amount": 1234, "kind": "refund", "customer_id": "c1",
         "descriptor": "Café Süd, 5", "channel": "online"} | own,
        {"transaction_id": "t2", "at": datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "amount": 500, "customer_id": "c2",
        "descriptor": "x"} | own,
    ]  # fmt: skip


@given(st.lists(changed(), max_size=30), st.lists(st.integers(0, 99), max_size=3), NOISE)
def test_columns_of_fixed_width_say_what_the_row_model_says(records: list[dict[str, str]], broken: list[int], noise: str) -> None:
    lines = [fixed_line(record, LAYOUTS["clo-transactions-fixed"]).replace("\n", "") for record in records]
    for number in broken:
        if number < len(lines):
            lines[number] = lines[number][number:] + noise.replace("\n", "")
    agree("".join(line + ("\r\n" if len(line) % 2 else "\n") for line in lines).encode(errors="surrogateescape"), "clo-transactions-fixed")


JSON_VALUES: Final[list[object]] = [
    None, "", "a", "c1", 0, 1, -1, 1.0, 1e9, True, [], {}, [{"product": "p", "amount": 5}], CARD, int(CARD), 10**30, "\ud800", "x\n", "ü",
]  # fmt: skip


@given(
    st.lists(
        st.dictionaries(st.sampled_from([*CELLS, "items", "other"]), st.sampled_from(JSON_VALUES) | st.sampled_from(MOMENTS), max_size=2),
        max_size=200,
    )
)
@example([{"sequence": 5, "kind": "clearing"}] * 3 + [{"items": [{"product": "p", "amount": "1.50"}]}])
def test_columns_of_jsonl_say_what_the_row_model_says(changes: list[dict[str, Any]]) -> None:
    agree(jsonl_file({**USUAL, "amount": 2350, **change} for change in changes), "clo-transactions-jsonl")


@pytest.mark.parametrize(
    "line",
    ['{"a":1}', "[]", "{}", "{", '{"transaction_id":"t1"}{"transaction_id":"t2"}', "nul", '{"amount":NaN}', '{"amount":1,"amount":2}',
     '{"\\u0061":1}', "{}{}"],
)  # fmt: skip
def test_lines_that_are_no_record_of_jsonl_are_judged_as_alone(line: str) -> None:
    good = jsonl_file([{**USUAL, "amount": 2350}])
    agree(good * 100 + line.encode() + b"\n" + good * 100, "clo-transactions-jsonl")
    agree(good + line[: len(line) // 2].encode() + b"\n" + line[len(line) // 2 :].encode() + b"\n" + good, "clo-transactions-jsonl")


def test_records_of_parquet_are_read_with_types_of_their_own() -> None:
    moments = [datetime(2026, 1, 12, 9, 41, 7, tzinfo=UTC), datetime(3026, 1, 12, tzinfo=UTC), datetime(2026, 1, 13, tzinfo=UTC)]
    file = parquet_file(
        {
            "transaction_id": pa.array(["t1", "t2", "t3"], pa.large_string()),
            "at": pa.array(moments, pa.timestamp("ms", "UTC")),
            "currency": pa.array(["USD", "USD", "EUR"]).dictionary_encode(),
            "amount": pa.array([5, 6, -7], pa.int32()),
            "customer_id": ["c1", "c2", ""],
            "merchant_id": ["m1", "m2", "m3"],
        }
    )
    parsed = parse_row_group(file, file.getbuffer().nbytes, 0, way("clo-transactions-parquet"), first_row=11)
    assert taken(parsed) == [
        {"transaction_id": "t1", "at": moments[0], "currency": "USD", "amount": 5, "customer_id": "c1", "merchant_id": "m1"}
    ]
    assert refused(parsed) == [(12, "at", "moment"), (13, "amount", "amount")]


def test_row_groups_are_the_chunks_of_parquet() -> None:
    by = way("clo-transactions-parquet")
    file = parquet_file({name: [value] * 25 for name, value in (USUAL | {"transaction_id": "t"}).items()}, rows_per_group=10)
    size = file.getbuffer().nbytes
    groups = groups_of(file, size, by.layout)
    assert [(group.first_row, group.rows) for group in groups] == [(1, 10), (11, 10), (21, 5)]
    assert 4 == groups[0].start < groups[0].stop <= groups[1].start < groups[2].stop < size
    assert [parse_row_group(file, size, group, by).totals.count for group in range(3)] == [10, 10, 5]


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in sorted((CASES / "parsing").glob("*.json"))])
def test_records_are_taken_or_refused_as_the_case_expects(path: Path) -> None:
    case = json.loads(path.read_text())
    by = way(case["layout"])
    parsed = parse("".join(case["lines"]).encode(by.layout.encoding, errors="surrogateescape"), by, first_line=case.get("first_line", 1))
    rejects = [{"line": r.line, "field": r.field, "code": r.code.value, "value": r.value, "note": r.note} for r in parsed.rejects]
    assert rejects == case["rejects"]
    records = [by.layout.record.model.model_validate_json(to_json(shape)) for shape in shapes_of(parsed.accepted, by.layout)]
    assert [json.loads(record.model_dump_json(exclude_defaults=True)) for record in records] == case["accepted"]


def test_clean_records_never_meet_the_row_model() -> None:
    by = way("clo-transactions-csv")
    data = csv_file(USUAL | {"transaction_id": f"t{n}", "city": "São Paulo", "sequence": "0", "kind": "purchase"} for n in range(100))
    [block] = read_blocks(data, by).blocks
    columns = read_columns(block.cells, 100, by, schema_of(by.layout), block.suspect)
    assert (columns.accepted.num_rows, columns.open) == (100, None)


def test_a_reject_tells_where_the_record_is_and_which_without_showing_it() -> None:
    data = csv_file([USUAL, USUAL | {"customer_id": f"card {CARD}", "descriptor": "Jane Doe", "amount": "12.5"}])
    first, second = parse(data, way("clo-transactions-csv"), first_line=10).rejects
    assert (first.line, first.field, first.value) == (11, "amount", "12.5")
    assert (second.field, second.code.value, second.value) == ("customer_id", "card_number", "aaaa [aaaa aaaaaa]")
    assert first.line_hash == second.line_hash == sha256(data.splitlines()[1]).hexdigest()


@given(st.sets(st.integers(0, 999), max_size=20), st.sampled_from(["\n", "\r\n"]))
def test_rejects_are_found_wherever_they_are(bad: set[int], end: str) -> None:
    lines = csv_file(USUAL | {"transaction_id": "t" * (1 + n % 60), "amount": f"x{n}" if n in bad else "1"} for n in range(1_000))
    parsed = parse(lines.replace(b"\n", end.encode()), way("clo-transactions-csv"), first_line=4)
    whole = lines.splitlines()
    assert [(reject.line, reject.line_hash) for reject in parsed.rejects] == [(n + 4, sha256(whole[n]).hexdigest()) for n in sorted(bad)]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, ""), ("NaN", "AaA"), ("1e9", "1e9"), ("2026-13-01T00:00Z", "2026-13-01T00:00Z"), ("Jane Ünal", "Aaaa Aaaa"),
     (CARD, "[aaaa aaaaaa]"), ("a\x00\n", "a??"), ("x" * 50, "a" * 40), ("٣", "9"), (12, "12"), ({"a": "B"}, "{'a': 'A'}")],
)  # fmt: skip
def test_values_are_shown_by_their_shape(value: object, shown: str) -> None:
    assert masked_value(value) == shown


def test_sums_of_large_amounts_are_exact() -> None:
    data = csv_file([USUAL | {"amount": "999999999999998", "transaction_id": f"t{n}"} for n in range(10_000)])
    assert parse(data, way("clo-transactions-csv")).totals.sums == {"USD": 9_999_999_999_999_980_000}


def test_a_chunk_of_nothing_holds_nothing() -> None:
    for name in ("clo-transactions-csv", "clo-transactions-fixed", "clo-transactions-jsonl"):
        for data in (b"", b"\n", b"\r\n\n"):
            assert parse(data, way(name)) == parse(b"", way(name))
    assert parse(b"", way("clo-transactions-csv")).totals == Totals()
    empty = parquet_file({name: pa.array([], pa.string()) for name in USUAL})
    assert parse_row_group(empty, empty.getbuffer().nbytes, 0, way("clo-transactions-parquet")).totals == Totals()


def test_a_line_of_json_that_is_odd_leaves_the_others_to_the_columns() -> None:
    by = way("clo-transactions-jsonl")
    usual = USUAL | {"amount": 2350}
    lines = [json.dumps(usual | {"transaction_id": f"t{n}"}).encode() for n in range(100)]
    lines[10] = lines[10].replace(b'"m1"', b'"m\\u0031"')
    lines[20] = lines[20][:-1] + b', "items": [{"product": "p", "amount": 1}]}'
    lines[30] = lines[30][:-1] + b', "tip": NaN}'
    lines[40] = lines[40].replace(b'"m1"', b'"m\xff"')
    data = b"\n".join(lines) + b"\n"
    blocks = read_blocks(data, by)
    assert (blocks.alone, sum(len(block.records) for block in blocks.blocks)) == ([10, 20, 30, 40], 96)
    parsed = parse(data, by)
    assert (parsed.totals.count, refused(parsed)) == (98, [(31, "", "unreadable"), (41, "", "encoding")])
