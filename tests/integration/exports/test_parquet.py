"""Files of Parquet for partners: tokens, totals and guard as in other formats, and values that keep their types."""

import io
from datetime import UTC, timedelta

import pyarrow as pa
import pysequoia
import pytest
from pyarrow import parquet

from shared.exports import planning, writing
from shared.exports.api import ExportView
from shared.exports.partners import _packaged
from shared.exports.tables import LENGTH, _slices
from shared.files.row_groups import groups_of, read_group
from tests.conftest import NOW
from tests.integration.exports.office import Office, bought, feed, partner
from tests.integration.exports.packing import OURS, THEIRS, PackingOffice

[LAYOUT] = [layout for layout in _packaged() if layout.name == "partner-transactions-parquet"]
UTC_MOMENT = pa.timestamp("us", "UTC")


@pytest.fixture
def columnar(office: Office) -> Office:
    """An office that sends purchases as Parquet."""
    office.partners(partner(feeds=[feed("transactions", LAYOUT.name)]))
    office.customers(*(f"cust-{number}" for number in range(9)))
    return office


def read(office: Office, view: ExportView) -> pa.Table:
    """What another program reads."""
    return parquet.read_table(io.BytesIO(office.text(view.name)))


def test_numbers_and_moments_keep_their_types_and_ids_are_tokens(columnar: Office) -> None:
    columnar.keep("a", bought(1, amount=1234, tip=5, city='=1+1, "x"'), bought(2, at=NOW + timedelta(seconds=61, microseconds=7)))
    view = columnar.send()
    table, tokens = read(columnar, view), columnar.tokens()
    assert view.name.endswith("_r1.parquet")
    kinds = {name: table.schema.field(name).type for name in ("amount", "tip", "at", "posted_at", "city", "customer_id")}
    assert kinds == {
        "amount": pa.int64(),
        "tip": pa.int64(),
        "at": UTC_MOMENT,
        "posted_at": UTC_MOMENT,
        "city": pa.string(),
        "customer_id": pa.string(),
    }
    first, second = table.to_pylist()
    assert (first["transaction_id"], first["amount"], first["tip"], first["city"]) == ("t1", 1234, 5, '=1+1, "x"')
    assert (first["customer_id"], first["card_token"]) == (tokens.one("cust-1", "customer"), tokens.one("card-1", "card"))
    assert (second["at"].astimezone(UTC), second["tip"]) == (NOW + timedelta(seconds=61, microseconds=7), None)
    manifest = columnar.manifest(view)
    assert (manifest["record_count"], manifest["sums"], manifest["file_sha256"]) == (2, {"USD": "2734"}, view.sha256)
    assert manifest["sha256_plain"] == view.sha256
    columnar.answer(view)
    assert columnar.view(view.export_id).state == "acknowledged"


def test_the_file_engine_reads_it_back(columnar: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "PART_RECORDS", 2)
    monkeypatch.setattr(writing, "SLICE", 1)
    for number in range(3):
        columnar.keep(f"p{number}", bought(2 * number), bought(2 * number + 1))
    view = columnar.send()
    data = columnar.text(view.name)
    groups = groups_of(io.BytesIO(data), len(data), LAYOUT)
    batches = [batch for number in range(len(groups)) for batch in read_group(io.BytesIO(data), len(data), number, LAYOUT, 100)]
    assert (view.parts, len(groups)) == (3, 6)
    assert [row["transaction_id"] for row in pa.Table.from_batches(batches).to_pylist()] == [f"t{number}" for number in range(6)]
    assert columnar.left() == []


def test_a_file_without_records_has_its_columns(columnar: Office) -> None:
    view = columnar.send()
    table = read(columnar, view)
    assert (view.records, table.num_rows) == (0, 0)
    assert table.column_names == [field.column for field in LAYOUT.fields]


@pytest.mark.parametrize("portfolio", [(), ("Sample, Bank",)], ids=["cells", "lines"])
def test_what_may_not_leave_is_found_and_nothing_is_seen(columnar: Office, portfolio: tuple[str, ...]) -> None:
    columnar.partners(partner(feeds=[feed("transactions", LAYOUT.name)]), portfolio=portfolio)
    columnar.keep("a", bought(1), bought(2, city="jo@example.com"), bought(3, network="4111 1111 1111 1111"))
    view = columnar.send()
    assert (view.state, columnar.seen()) == ("refused", [f"{view.name}.report.jwt"])
    assert [(problem.path, problem.message.split(" found")[0]) for problem in view.problems] == [
        ("/parts/1/lines/2", "e-mail address"),
        ("/parts/1/lines/3", "card number"),
    ]


def test_it_can_be_encrypted(packing: PackingOffice) -> None:
    packing.pack(packed=False, pgp=True)
    packing.partners(partner(pgp=True, feeds=[feed("transactions", LAYOUT.name)]))
    view = packing.send()
    assert view.name.endswith(".parquet.pgp")
    found = pysequoia.decrypt(packing.text(view.name), THEIRS.decryptor(), store=lambda _ids: [OURS.extract_certificate()])
    assert parquet.read_table(io.BytesIO(bytes(found.bytes or b"")))["transaction_id"].to_pylist() == ["t1", "t2"]


def test_slices_are_told_apart_wherever_blocks_end() -> None:
    slices = [b"", b"a", b"b" * 300]
    whole = b"".join(len(one).to_bytes(LENGTH, "big") + one for one in slices)
    for size in (1, 7, 8, 9, 100, 1000):
        assert list(_slices(whole[start : start + size] for start in range(0, len(whole), size))) == slices
