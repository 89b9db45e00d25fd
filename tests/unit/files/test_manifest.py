"""What is said beside a data file, and every problem of it at once."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.files.manifest import MOST_BYTES, NotAManifest, read_manifest
from shared.files.names import read_name
from shared.files.totals import Totals, entry_hash
from shared.kernel.errors import Malformed

PLAIN = read_name("transactions_bank_20260112_0001_delta_r1.csv.gz")
SECOND = read_name("transactions_bank_20260112_0001_delta_r2.csv.gz")
ENCRYPTED = read_name("transactions_bank_20260112_0001_delta_r1.csv.pgp")


def said(**other: object) -> bytes:
    """A valid manifest of PLAIN, and what is said otherwise; None leaves a line out."""
    usual = {
        "file_id": "transactions_bank_20260112_0001",
        "revision": 1,
        "schema_version": "1",
        "record_count": 2,
        "sums": {"USD": 2350, "EUR": "99999999999999999999"},
        "entry_hash": "0000012345",
        "sha256_plain": "0" * 64,
        "first_event_at": "2026-01-12T09:41:07-05:00",
        "last_event_at": "2026-01-12T23:00:00Z",
    }
    return json.dumps({name: value for name, value in {**usual, **other}.items() if value is not None}).encode()


def test_tells_the_totals_that_the_sender_says() -> None:
    assert read_manifest(said(), PLAIN).totals == Totals(
        count=2,
        sums={"USD": 2350, "EUR": 99_999_999_999_999_999_999},
        entry_hash=12345,
        first_at=datetime(2026, 1, 12, 14, 41, 7, tzinfo=UTC),
        last_at=datetime(2026, 1, 12, 23, tzinfo=UTC),
    )


def test_takes_a_file_without_records_and_a_second_revision() -> None:
    empty = {"record_count": 0, "sums": None, "first_event_at": None, "last_event_at": None}
    assert read_manifest(said(**empty), PLAIN).totals == Totals(entry_hash=12345)
    assert read_manifest(said(revision=2, supersedes=1), SECOND).supersedes == 1


@pytest.mark.parametrize(
    ("other", "path"),
    [
        ({"file_id": "transactions_bank_20260112_0002"}, "/file_id"),
        ({"revision": 2, "supersedes": 1}, "/revision"),
        ({"revision": 2}, ""),
        ({"supersedes": 1}, ""),
        ({"record_count": -1}, "/record_count"),
        ({"record_count": 2.0}, "/record_count"),
        ({"sums": {"usd": 1}}, "/sums/usd"),
        ({"sums": {"USD": "12.34"}}, "/sums/USD"),
        ({"sums": {"USD": -5}}, "/sums/USD"),
        ({"entry_hash": "12345"}, "/entry_hash"),
        ({"entry_hash": None}, "/entry_hash"),
        ({"sha256_plain": "F" * 64}, "/sha256_plain"),
        ({"sha256_cipher": "0" * 64}, "/sha256_cipher"),
        ({"first_event_at": None}, ""),
        ({"last_event_at": "2026-01-12T14:41:06Z"}, ""),
        ({"last_event_at": "2026-01-13T00:00:00"}, "/last_event_at"),
        ({"rows": 2}, "/rows"),
    ],
)
def test_refuses_a_manifest_for_its_one_problem(other: dict[str, Any], path: str) -> None:
    with pytest.raises(NotAManifest) as refused:
        read_manifest(said(**other), PLAIN)
    assert {problem.path.removesuffix("/[key]") for problem in refused.value.problems} == {path}


def test_names_every_problem_at_once() -> None:
    with pytest.raises(NotAManifest) as refused:
        read_manifest(said(revision=0, entry_hash="x", record_count="2"), PLAIN)
    assert {problem.path for problem in refused.value.problems} == {"/revision", "/entry_hash", "/record_count"}


def test_asks_for_the_digest_of_an_encrypted_file() -> None:
    assert read_manifest(said(sha256_cipher="0" * 64), ENCRYPTED).sha256_cipher == "0" * 64
    with pytest.raises(NotAManifest) as refused:
        read_manifest(said(), ENCRYPTED)
    assert [problem.path for problem in refused.value.problems] == ["/sha256_cipher"]


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff{}", b" " * (MOST_BYTES + 1)])
def test_refuses_what_is_no_json_or_too_long(raw: bytes) -> None:
    with pytest.raises(Malformed):
        read_manifest(raw, PLAIN)


def test_the_entry_hash_does_not_ask_for_order() -> None:
    assert entry_hash([b"t1", b"t2", b"t3"]) == entry_hash([b"t3", b"t1", b"t2"]) != entry_hash([b"t1", b"t2"])
    assert entry_hash([b"123456789"] * 3) == 3 * 0xCBF43926 % 10**10  # the check value of CRC-32


totals = st.builds(
    Totals,
    count=st.integers(0, 10**6),
    sums=st.dictionaries(st.sampled_from(["USD", "EUR", "JPY"]), st.integers(0, 10**18)),
    entry_hash=st.integers(0, 10**10 - 1),
    first_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    last_at=st.none() | st.datetimes(timezones=st.just(UTC)),
)


@given(totals, totals, totals)
def test_totals_of_parts_add_up_to_those_of_the_whole_in_any_order(one: Totals, two: Totals, three: Totals) -> None:
    assert one + two + three == three + (two + one)
    assert (one + two).sums == {c: one.sums.get(c, 0) + two.sums.get(c, 0) for c in {*one.sums, *two.sums}}
