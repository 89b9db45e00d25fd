import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.files.stores.names import faults, object_name
from shared.kernel.errors import Invalid

GOOD = [
    "a",
    "transactions_bank_20260115_0001_full_r1.csv.gz.pgp",
    "lake/day=2026-01-15/part-00.parquet",
    "a b+c%20&d~e@f,(g)",
    "Umsätze",
    "\N{GRINNING FACE}",
    "a./b..c",
    "x" * 255,
    "/".join(["x" * 127] * 4),
]
BAD = [
    "",
    "/",
    "/etc/passwd",
    "..",
    "../a",
    "a/..",
    "a/../b",
    "./a",
    ".",
    "a/.hidden",
    ".unfinished/a",
    "a//b",
    "a/",
    "\\",
    "..\\a",
    "C:\\a",
    "a\0",
    "a\n",
    "a\r\nb",
    "a\tb",
    "a\x7fb",
    "a\x85b",
    "a\N{NO-BREAK SPACE}b",
    "a\N{RIGHT-TO-LEFT OVERRIDE}vsc.b",
    "a\N{ZERO WIDTH SPACE}b",
    "a\N{LINE SEPARATOR}b",
    "a\N{ZERO WIDTH NO-BREAK SPACE}",
    "\ud800",
    "u\N{COMBINING DIAERESIS}",
    "x" * 256,
    "ä" * 128,
    "/".join(["x" * 128] * 4),
    "ä" * 100 + "/" + "ä" * 100 + "/" + "ä" * 56,
]


@pytest.mark.parametrize("name", GOOD)
def test_a_plain_relative_name_is_taken(name: str) -> None:
    assert object_name(name) == name


@pytest.mark.parametrize("name", BAD, ids=ascii)
def test_another_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as raised:
        object_name(name)
    assert raised.value.problems


def test_all_that_is_wrong_is_told_at_once() -> None:
    assert len(faults("/..\\\n" + "x" * 600)) == 6


@given(st.text(max_size=20))
def test_what_is_taken_stays_below_its_folder(name: str) -> None:
    if not faults(name):
        assert not name.startswith("/")
        assert not {"", ".", ".."} & set(name.split("/"))
        assert name.isprintable()
