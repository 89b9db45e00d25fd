"""What a file's name says, and every problem of one that says it wrongly."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.files.names import FileName, Format, Kind, NotAFileName, Scope, read_name

names = st.builds(
    FileName,
    kind=st.sampled_from(Kind),
    sender=st.from_regex(r"[a-z0-9][a-z0-9-]{0,31}", fullmatch=True),
    day=st.dates(min_value=date(1000, 1, 1)),
    sequence=st.integers(1, 9999),
    scope=st.sampled_from(Scope),
    revision=st.integers(1, 999),
    format=st.sampled_from(Format),
    gzip=st.booleans(),
    pgp=st.booleans(),
)


@given(names)
def test_a_printed_name_is_read_as_it_was(name: FileName) -> None:
    assert read_name(str(name)) == name


def test_tells_all_that_a_name_says() -> None:
    name = read_name("transactions_my-bank_20260112_0007_delta_r2.csv.gz.pgp")
    assert name == FileName(
        kind=Kind.TRANSACTIONS,
        sender="my-bank",
        day=date(2026, 1, 12),
        sequence=7,
        scope=Scope.DELTA,
        revision=2,
        format=Format.CSV,
        gzip=True,
        pgp=True,
    )
    assert name.file_id == "transactions_my-bank_20260112_0007"
    assert name.manifest == "transactions_my-bank_20260112_0007_delta_r2.csv.gz.pgp.manifest.json"


GOOD = "cards_bank_20260112_0001_full_r1.csv"


@pytest.mark.parametrize(
    ("said", "instead", "path"),
    [
        ("cards", "coupons", "/kind"),
        ("bank", "Bank", "/sender"),
        ("bank", "-bank", "/sender"),
        ("bank", "b" * 33, "/sender"),
        ("20260112", "20260230", "/day"),
        ("20260112", "2026-1-1", "/day"),
        ("20260112", "٢٠٢٦٠١١٢", "/day"),
        ("0001", "0000", "/sequence"),
        ("0001", "1", "/sequence"),
        ("0001", "10000", "/sequence"),
        ("full", "part", "/scope"),
        ("r1", "r0", "/revision"),
        ("r1", "r1000", "/revision"),
        ("r1", "1", "/revision"),
        ("csv", "xlsx", "/ending"),
        (".csv", ".csv.zip", "/ending"),
        (".csv", ".csv.pgp.gz", "/ending"),
        (".csv", ".csv.gz.gz", "/ending"),
        (".csv", "", "/ending"),
        (".csv", ".csv\n", "/ending"),
    ],
)
def test_refuses_a_name_for_its_one_problem(said: str, instead: str, path: str) -> None:
    assert str(read_name(GOOD)) == GOOD
    with pytest.raises(NotAFileName) as refused:
        read_name(GOOD.replace(said, instead))
    assert [problem.path for problem in refused.value.problems] == [path]


def test_names_every_problem_at_once() -> None:
    with pytest.raises(NotAFileName) as refused:
        read_name("coupons_Bank_20261301_1_all_1.xls")
    assert [problem.path for problem in refused.value.problems] == [
        "/kind", "/sender", "/day", "/sequence", "/scope", "/revision", "/ending",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "cards.csv", "cards_bank_20260112_0001_full.csv", "cards_bank_20260112_0001_full_r1_x.csv"])
def test_refuses_a_name_with_more_or_fewer_parts(text: str) -> None:
    with pytest.raises(NotAFileName, match="not the name of a file"):
        read_name(text)
