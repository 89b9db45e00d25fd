"""What is written as a layout says is read back as it was."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa
import pytest

from shared.files.columns import TYPES
from shared.files.frame import read_header, read_trailer, way_of
from shared.files.layout import Layout
from shared.files.names import Format
from shared.files.parsing import parse
from shared.files.splitting import Splitter
from shared.files.totals import Totals
from shared.files.writing import Unwritable, cells_of, encoded, head, lines_of, tail
from tests.unit.files.files import LAYOUTS, in_order, taken

AT: Final = datetime(2026, 1, 12, 9, 41, 7, tzinfo=UTC)
LATE: Final = datetime(2026, 3, 28, 23, 59, 59, tzinfo=UTC)
FILE: Final = "transactions_mybank_20260112_0001"
PURCHASE: Final[dict[str, Any]] = {
    "at": AT,
    "currency": "EUR",
    "amount": 2350,
    "customer_id": "c1",
    "merchant_id": "m1",
    "descriptor": "SHOP",
}
TRANSACTIONS: Final[list[dict[str, Any]]] = [
    PURCHASE | {"transaction_id": "t1", "kind": "purchase"},
    PURCHASE | {"transaction_id": "t2", "amount": 5, "descriptor": 'Joe\'s "Best", Inc; \\ & | Café', "channel": "online"},
    PURCHASE | {"transaction_id": "t3", "descriptor": "two blanks", "at": AT + timedelta(days=180, hours=11)},
    PURCHASE | {"transaction_id": "t4", "kind": "refund", "original_transaction_id": "t1", "at": LATE},
    PURCHASE | {"transaction_id": "t5", "kind": "clearing", "sequence": 1, "sequence_count": 2, "posted_at": AT + timedelta(days=2)},
]
DOLLARS: Final = {"transaction_id": "t6", "currency": "USD", "tip": 120, "country": "US", "region": "NY", "city": "São Paulo"}
YEN: Final = {"transaction_id": "t7", "currency": "JPY", "amount": 10**12}
CUSTOMERS: Final[list[dict[str, Any]]] = [
    {"customer_id": "c1", "zone": "America/New_York", "consent": True, "consent_at": AT},
    {"customer_id": "c2", "consent": False},
]
MERCHANTS: Final[list[dict[str, Any]]] = [
    {"merchant_id": "m1", "name": 'A "quoted",\n\tname', "mcc": "5411", "locations.0.location_id": "l1", "locations.0.city": "Nice"},
    {"merchant_id": "m2", "name": "plain", "mcc": "5812"},
]
CARDS: Final[list[dict[str, Any]]] = [
    {"card_token": "k1", "customer_id": "c1", "account_token": "a1", "valid_from": AT},
    {"card_token": "k2", "customer_id": "c1", "card_product": "gold"},
]
SEGMENT: Final = "seg_" + "0" * 32
MEMBERS: Final[list[dict[str, Any]]] = [
    {"segment_id": SEGMENT, "customer_id": "c1"},
    {"segment_id": SEGMENT, "customer_id": "c2", "action": "remove"},
]
OFFER: Final = "off_" + "0" * 32
GRANTS: Final[list[dict[str, Any]]] = [
    {"reference": "g1", "offer_id": OFFER, "customer_id": "c1", "granted_at": AT},
    {"reference": "g2", "offer_id": OFFER, "customer_id": "c2", "action": "revoke"},
]
CREDIT: Final = {"at": AT, "amount": 200, "currency": "USD"}
PAYOUTS: Final[list[dict[str, Any]]] = [
    CREDIT | {"credit_id": "crd_" + "0" * 32, "result": "paid"},
    CREDIT | {"credit_id": "crd_" + "1" * 32, "result": "failed", "code": "technical"},
]
CONFIRMED: Final = CREDIT | {"redemption_id": "rdm_" + "0" * 32}
LINES: Final[list[dict[str, Any]]] = [CONFIRMED | {"reference": "l1"}, CONFIRMED | {"reference": "l2", "state": "reversed"}]
OFFERS: Final[list[dict[str, Any]]] = [
    {"reference": "o1", "action": "withdraw", "reason": "Sold out"},
    {"reference": "o2", "action": "withdraw"},
]
RECORDS: Final = {
    "transactions": [*TRANSACTIONS, PURCHASE | DOLLARS, PURCHASE | YEN],
    "customers": CUSTOMERS,
    "merchants": MERCHANTS,
    "cards": CARDS,
    "segments": MEMBERS,
    "grants": GRANTS,
    "payouts": PAYOUTS,
    "redemptions": LINES,
    "settlement": LINES,
    "offers": OFFERS,
}
TEXTS: Final = [name for name, layout in LAYOUTS.items() if layout.format is not Format.PARQUET and layout.kind.value in RECORDS]


def records_for(layout: Layout) -> list[dict[str, Any]]:
    """Records as far as the layout has fields for them, and in its currency where it has one only."""
    currencies = {field.constant for field in layout.fields if field.target == "currency"}
    known = {field.target for field in layout.fields}
    meanings = {field.target: set(field.value_map.values()) for field in layout.fields if field.value_map}
    return [
        {name: value for name, value in record.items() if name in known and value in meanings.get(name, {value})}
        for record in RECORDS[layout.kind.value]
        if currencies <= {None, record.get("currency")}
    ]


def columns_of(records: list[dict[str, Any]], layout: Layout) -> dict[str, pa.Array]:
    return {field.target: pa.array([record.get(field.target) for record in records], TYPES[field.type]) for field in layout.fields}


def file_of(records: list[dict[str, Any]], layout: Layout, totals: Totals) -> bytes:
    details = encoded(lines_of(cells_of(columns_of(records, layout), layout), len(records), layout), layout)
    return head(layout, FILE) + details + tail(layout, totals)


@pytest.mark.parametrize("name", TEXTS)
def test_records_are_read_as_they_were_written(name: str) -> None:
    layout = LAYOUTS[name]
    records = records_for(layout)
    splitter = Splitter(layout=layout)
    (chunk,) = splitter.split([file_of(records, layout, Totals())])
    parsed = parse(chunk.data, way_of(splitter), chunk.first_line)
    assert parsed.rejects == []
    constants = {field.target: field.constant for field in layout.fields if field.constant}
    assert taken(parsed) == in_order(constants | record for record in records)


@pytest.mark.parametrize("name", [name for name in TEXTS if LAYOUTS[name].trailer])
def test_header_and_trailer_are_read_as_they_were_written(name: str) -> None:
    layout = LAYOUTS[name]
    totals = Totals(count=12, sums={"USD": 340, "EUR": 56}, entry_hash=78)
    splitter = Splitter(layout=layout)
    list(splitter.split([file_of(records_for(layout), layout, totals)]))
    read_header(splitter, FILE)
    said, trailer = read_trailer(splitter), layout.trailer
    assert said
    assert trailer
    assert said.count == 12
    assert said.entry_hash == (78 if trailer.entry_hash else None)
    assert said.sums == (None if not trailer.sums else {"EUR": 56} if trailer.currency else totals.sums)


def test_a_layout_without_quotes_loses_what_would_break_the_record() -> None:
    layout = LAYOUTS["clo-transactions-csv"].model_copy(update={"quote": None, "header": None, "trailer": None})
    text = file_of([PURCHASE | {"transaction_id": "t1", "descriptor": "a,b\nc"}], layout, Totals()).decode()
    assert ",a b c," in text
    assert len(text.splitlines()) == 2


def test_a_place_too_narrow_cuts_text_and_nothing_else() -> None:
    layout = LAYOUTS["clo-transactions-fixed"]
    long = PURCHASE | {"transaction_id": "t1", "descriptor": "x" * 100}
    assert b"x" * 40 + b" " in file_of([long], layout, Totals())
    with pytest.raises(Unwritable, match="transaction_id"):
        file_of([long | {"transaction_id": "t" * 33}], layout, Totals())
    with pytest.raises(Unwritable, match="400"):
        tail(layout, Totals(sums={f"{number:03}": 1 for number in range(100)}))


def test_a_clock_is_written_as_its_zone_has_it() -> None:
    layout = LAYOUTS["partner-transactions-csv"]
    text = file_of([{"transaction_id": "t1", "at": AT, "amount": 5, "customer_id": "c1", "descriptor": "Café"}], layout, Totals())
    assert text.decode("iso-8859-1").splitlines()[0] == "t1;12.01.2026 10:41:07;0,05;;c1;Café;;"


def test_decimals_are_those_of_the_currency() -> None:
    layout = LAYOUTS["partner-transactions-csv"]
    fields = [
        field.model_copy(update={"constant": None, "position": 5}) if field.target == "currency" else field for field in layout.fields
    ]
    several = layout.model_copy(update={"fields": [field for field in fields if field.target != "customer_id"]})
    records = [{"transaction_id": f"t{minor}", "amount": minor, "currency": code} for minor, code in ((7, "EUR"), (7, "JPY"), (7, "BHD"))]
    lines = file_of(records, several, Totals()).decode().splitlines()
    assert [line.split(";")[2] for line in lines[:3]] == ["0,07", "7", "0,007"]
