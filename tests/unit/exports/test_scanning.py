"""Scanning by cells finds what looking at every line by itself finds, whatever stands in the cells and between them."""

from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.exports.cells import neutral
from shared.exports.guard import MOST_HITS, Guard, guard_of
from shared.exports.kinds import EXPORTED
from shared.exports.partners import read_partners
from shared.exports.scanning import Scanner, shown
from shared.exports.tokens import Tokens
from shared.exports.writing import FoundByGuard, Making, _as_encoded, _tokenised
from shared.files.columns import TYPES
from shared.files.layout import Layout
from shared.files.names import Kind
from shared.files.writing import cells_of, joined, quoted

LAYOUTS_THERE_ARE: Final = read_partners(b'{"portfolio": [], "partners": []}').layouts
LAYOUT: Final = LAYOUTS_THERE_ARE["partner-transactions-csv"]
EXPORTED_PURCHASES: Final = EXPORTED[Kind.TRANSACTIONS]
TEXTS: Final = ("transaction_id", "customer_id", "card_token", "merchant_id", "network", "region", "city")
PURCHASE: Final[dict[str, Any]] = {"transaction_id": "t1", "at": datetime(2026, 1, 1, tzinfo=UTC), "amount": 1}
TOKENS: Final = Tokens(secret=b"s" * 32, partner="agg-one")
PORTFOLIOS: Final = (
    ("First Sample Bank", "Öko-Karte+"),
    ("Misk",),
    ("4711",),
    ("14:03",),
    ('a "b"', "x,y"),
    ("Sun; Moon", "Who?"),
    ("abcdefghijklmnopabcdefghijklmnop",),
    (),
)
PIECES: Final = st.sampled_from(
    [
        *("4111111111111111", "4111 1111", "1111-1111", "411111", "1111111111", "3782 822463 10005", "\uff14" + "\uff11" * 15),
        *("4111.1111.1111.1111", "4111_1111_1111_1111", "0" * 13, "a" * 32, "\u0664\u0661\u0661\u0661"),
        *("jo@example.com", "jo", "@", "%40", "example.com", "%", "40", ".co"),
        *("+49 30 123456", "+4930", "0049 30 ", "123456", "(212) 555", "-0123", "089/123 456", " 78", "+"),
        *("First", "Sample", "Bank", "first\xa0sample bank", "F\u0131rst Sample Bank", "FIR\u017fT SAMPLE BAN\u212a", "\u00f6ko-karte+"),
        *("M\u0130SK", "mi\u017fk", "4711", "14:03", 'a "b"', "x", "y", "sun", "moon", "; ", "Who", "?", "\u2603"),
        *(",", ";", "|", "\t", " ", "\xa0", "\u200b", "-", ".", "_", "/", '"', "'", "\n", "\r", "\\", "=", "#", "é", "ß", "z", "Z"),
    ]
)
CELLS: Final = st.one_of(st.none(), st.lists(PIECES, max_size=4).map("".join), st.text(max_size=20))
NUMBERS: Final = st.one_of(st.none(), st.sampled_from([4111111111111111, -4111111111111111, 4711, 10**12, 10**13]), st.integers(0, 10**15))
MOMENTS: Final = st.datetimes(datetime(1700, 1, 1), datetime(2262, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
RECORDS: Final = st.fixed_dictionaries(
    dict.fromkeys(TEXTS, CELLS) | {"transaction_id": CELLS.filter(bool), "tip": NUMBERS, "amount": st.integers(0, 10**14), "at": MOMENTS}
)


def _layout(delimiter: str, quote: str | None, encoding: str, moment: str) -> Layout:
    zone = "UTC" if "%" in moment else None
    fields = [
        told.model_copy(update={"format": moment, "zone": zone}) if told.target == "at" else told
        for told in LAYOUT.fields
        if told.target in {*TEXTS, "tip", "amount", "at", "currency"}
    ]
    return LAYOUT.model_copy(update={"delimiter": delimiter, "quote": quote, "encoding": encoding, "fields": fields})


LAYOUTS: Final = st.builds(
    _layout,
    st.sampled_from([",", ",", ";", "|", "\t", " ", "-", ".", "/"]),
    st.sampled_from(['"', '"', "'", "-", "@", None]),
    st.sampled_from(["utf-8", "utf-8", "utf-8", "iso-8859-1", "windows-1252"]),
    st.sampled_from(["iso", "epoch_ms", "%m%d %Y", "%Y%m%d%H%M%S", "%Y-%m-%d"]),
)


def _batch(records: list[dict[str, Any]], *, encode: bool) -> pa.RecordBatch:
    columns = {name: pa.array([record.get(name) for record in records], TYPES[of]) for name, of in EXPORTED_PURCHASES.columns.items()}
    columns["currency"] = pa.repeat("USD", len(records))
    if encode:  # as they come from the lake; values that no record has stand in the dictionary, too
        different = {
            name: pa.DictionaryArray.from_arrays(_indices(column), pa.array([*_values(column), "jo@example.com"]))
            for name, column in columns.items()
            if pa.types.is_string(column.type) and name != "transaction_id"
        }
        columns |= different
    return pa.RecordBatch.from_pydict(columns)


def _values(column: pa.Array) -> list[str]:
    return list(column.dictionary_encode().dictionary.to_pylist())


def _indices(column: pa.Array) -> pa.Array:
    return column.dictionary_encode().indices


def by_lines(batch: pa.RecordBatch, layout: Layout, guard: Guard, tokens: Tokens | None) -> list[tuple[str, int]]:
    """Every rule asked of every line: slow and plain."""
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    columns = _tokenised(columns, layout, tokens) if tokens else columns
    cells = quoted(neutral(cells_of(columns, layout), layout), shown(layout))
    lines = _as_encoded(joined(cells, batch.num_rows, shown(layout)), layout).to_pylist()
    return [(rule.name, number) for number, line in enumerate(lines, start=1) for rule in guard.rules if rule.is_in(line)]


def by_cells(batch: pa.RecordBatch, layout: Layout, guard: Guard, tokens: Tokens | None) -> list[tuple[str, int]]:
    """What writing finds."""
    scanner = Scanner(guard=guard, layout=shown(layout), tokens=tokens is not None)
    making = Making(scanner=scanner, layout=layout, exported=EXPORTED_PURCHASES, tokens=tokens)
    try:
        making.written(batch)
    except FoundByGuard as found:
        return [(hit.rule, hit.line) for hit in found.hits]
    return []


PLAIN: Final = {"layout": LAYOUT, "portfolio": (), "tokenised": True, "encode": True}


@settings(max_examples=400, deadline=None)
@given(
    records=st.lists(RECORDS, min_size=1, max_size=4),
    layout=LAYOUTS,
    portfolio=st.sampled_from(PORTFOLIOS),
    tokenised=st.booleans(),
    encode=st.booleans(),
)
@example(records=[PURCHASE | {"city": "jo%40example.com"}], **PLAIN)
@example(records=[PURCHASE | {"city": "4111111111111111"}], **PLAIN)
@example(records=[PURCHASE], **PLAIN | {"portfolio": ("2026-01",)})
@example(records=[PURCHASE | {"customer_id": "cust-1"}], **PLAIN | {"portfolio": (TOKENS.one("cust-1", "customer"),)})
def test_cells_tell_what_lines_tell(
    *, records: list[dict[str, Any]], layout: Layout, portfolio: tuple[str, ...], tokenised: bool, encode: bool
) -> None:
    tokens, guard = TOKENS if tokenised else None, guard_of(portfolio)
    batch = _batch(records, encode=encode)
    found = by_lines(batch, layout, guard, tokens)
    assert by_cells(batch, layout, guard, tokens) == found[:MOST_HITS]


@pytest.mark.parametrize("text", ["F\u0131rst Sample Bank", "first\xa0SAMPLE\u2003bank", "FIR\u017fT sample ban\u212a"])
def test_names_are_found_in_letters_and_blanks_that_pass_for_theirs(text: str) -> None:
    batch = _batch([PURCHASE | {"city": text}], encode=True)
    assert by_cells(batch, LAYOUT, guard_of(("First Sample Bank",)), TOKENS) == [("name of the portfolio", 1)]


@pytest.mark.parametrize(("layout", "scanned_by_cells"), [({}, True), ({"delimiter": "-"}, False), ({"encoding": "windows-1252"}, False)])
def test_cells_are_trusted_only_where_no_rule_reaches_across(layout: dict[str, Any], *, scanned_by_cells: bool) -> None:
    scanner = Scanner(guard=guard_of(("First Sample Bank",)), layout=LAYOUT.model_copy(update=layout), tokens=True)
    assert scanner.by_cells == scanned_by_cells


def test_each_different_value_is_looked_at_once_and_values_of_no_record_never_count() -> None:
    batch = _batch([PURCHASE | {"city": "Nice"}] * 9, encode=True)
    assert "jo@example.com" in batch.column("city").dictionary.to_pylist()
    assert by_cells(batch, LAYOUT, guard_of(()), TOKENS) == []


@settings(deadline=None)
@given(records=st.lists(RECORDS, min_size=1, max_size=4), portfolio=st.sampled_from(PORTFOLIOS), encode=st.booleans())
def test_of_parquet_the_same_is_found(*, records: list[dict[str, Any]], portfolio: tuple[str, ...], encode: bool) -> None:
    layout = LAYOUTS_THERE_ARE["partner-transactions-parquet"]
    batch, guard = _batch(records, encode=encode), guard_of(portfolio)
    assert by_cells(batch, layout, guard, TOKENS) == by_lines(batch, layout, guard, TOKENS)[:MOST_HITS]


@given(st.lists(MOMENTS, max_size=50))
def test_nothing_is_ever_found_in_moments_as_iso_has_them(moments: list[datetime]) -> None:
    column = pa.array(moments, TYPES["moment"])
    [cells] = cells_of({"at": column}, _layout(",", '"', "utf-8", "iso")).values()
    assert all(not rule.is_in(text) for rule in guard_of(()).rules for text in cells.to_pylist())
