"""Header, names of columns and trailer of a file, and every way in which they are not as the layout says."""

from typing import Final

import pytest

from shared.files.frame import FrameBroken, Said, read_header, read_trailer, way_of
from shared.files.splitting import Splitter
from tests.unit.files.files import LAYOUTS

FILE_ID: Final = "cards_bank_20260112_0001"
NAMES: Final = b"record,card_token,customer_id,account_token,card_product,valid_from,valid_to"
CARDS: Final = b"H," + FILE_ID.encode() + b"\n" + NAMES + b"\nD,tok1,c1,,,,\nT,1,0012345678\n"
FIXED_TRAILER: Final = b"T" + b"3".rjust(12) + b"0000000042" + b"USD:5 EUR:7".ljust(400)
JSON_TRAILER: Final = b'{"record":"trailer","record_count":3,"entry_hash":"0000000042","sums":"USD:5 EUR:7"}'


def split(data: bytes, name: str = "clo-cards-csv") -> Splitter:
    splitter = Splitter(layout=LAYOUTS[name])
    list(splitter.split([data]))
    return splitter


def read_frame(splitter: Splitter) -> None:
    read_header(splitter, FILE_ID)
    way_of(splitter)
    read_trailer(splitter)


def test_tells_the_columns_and_what_the_trailer_says() -> None:
    splitter = split(CARDS)
    read_header(splitter, FILE_ID)
    assert way_of(splitter).names == tuple(NAMES.decode().split(","))
    assert read_trailer(splitter) == Said(count=1, entry_hash=12_345_678, sums=None)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("clo-transactions-csv", b"H,x\nrecord\nT,3,42,USD:5 EUR:7\n", Said(count=3, entry_hash=42, sums={"USD": 5, "EUR": 7})),
        ("clo-transactions-csv", b"H,x\nrecord\nT,0,0,", Said(count=0, entry_hash=0, sums={})),
        ("clo-transactions-fixed", b"H\n" + FIXED_TRAILER, Said(count=3, entry_hash=42, sums={"USD": 5, "EUR": 7})),
        ("clo-transactions-jsonl", b"{}\n" + JSON_TRAILER, Said(count=3, entry_hash=42, sums={"USD": 5, "EUR": 7})),
        (
            "partner-transactions-csv",
            b"SUMME;3;99999999999999999999",
            Said(count=3, entry_hash=None, sums={"EUR": 99_999_999_999_999_999_999}),
        ),
    ],
)
def test_reads_the_trailer_of_every_format(name: str, data: bytes, said: Said) -> None:
    assert read_trailer(split(data, name)) == said


@pytest.mark.parametrize(
    ("name", "start"),
    [("clo-transactions-fixed", b"H" + b"f1".ljust(64)), ("clo-transactions-jsonl", b'{"record":"header","file_id":"f1"}')],
)
def test_reads_the_header_of_every_format(name: str, start: bytes) -> None:
    read_header(split(start + b"\n", name), "f1")
    with pytest.raises(FrameBroken):
        read_header(split(start + b"\n", name), "f2")


def test_a_layout_without_frame_asks_for_none() -> None:
    splitter = split(b"t1;;;;;;;\nSUMME;1;0", "partner-transactions-csv")
    read_header(splitter, "any")
    assert way_of(splitter).names == ()
    assert read_trailer(split(b"", "clo-cards-jsonl")) is None


@pytest.mark.parametrize(
    ("said", "instead", "path"),
    [
        (b"H," + FILE_ID.encode(), b"X," + FILE_ID.encode(), "/header"),
        (FILE_ID.encode(), b"cards_bank_20260112_0002", "/header/file_id"),
        (b"customer_id", b"customer", "/names"),
        (b"card_product", b"customer_id", "/names"),
        (b",valid_to", b",valid_to,shoe_size", "/names"),
        (b"record,card", b"rec\xffrd,card", "/names"),
        (b"\nT,1,0012345678\n", b"\n", "/trailer"),
        (b"T,1,", b"X,1,", "/trailer"),
        (b"T,1,", b"T,one,", "/trailer/record_count"),
        (b"T,1,", b"T,-1,", "/trailer/record_count"),
        (b"T,1,0012345678", b"T,1", "/trailer/entry_hash"),
        (b"T,1,0012345678", "T,1,٣".encode(), "/trailer/entry_hash"),
    ],
)
def test_refuses_a_frame_for_its_one_problem(said: bytes, instead: bytes, path: str) -> None:
    with pytest.raises(FrameBroken) as refused:
        read_frame(split(CARDS.replace(said, instead)))
    assert {problem.path for problem in refused.value.problems} == {path}


@pytest.mark.parametrize("sums", [b"USD", b"USD:", b"USD:1.5", b"USD:1 USD:2", b"1234"])
def test_refuses_sums_that_are_none(sums: bytes) -> None:
    with pytest.raises(FrameBroken) as refused:
        read_trailer(split(b"H,x\nrecord\nT,1,42," + sums, "clo-transactions-csv"))
    assert [problem.path for problem in refused.value.problems] == ["/trailer/sums"]


def test_columns_that_no_field_has_may_be_let_be() -> None:
    splitter = split(CARDS.replace(b",valid_to\n", b",valid_to,shoe_size\n"))
    splitter.layout = splitter.layout.model_copy(update={"other_columns": "ignore"})
    assert way_of(splitter).names[-1] == "shoe_size"
