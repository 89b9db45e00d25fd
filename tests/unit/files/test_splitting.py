"""Chunks are whole records, whatever the bytes, the pieces in which they come and the size of a chunk."""

import csv
import gzip
import io
import json
from collections.abc import Iterator
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.files.borders import ANY_BYTE
from shared.files.layout import RECODED, Layout
from shared.files.library import read_layout
from shared.files.recoding import recoded
from shared.files.splitting import CHUNK_LINES, STRIDE, Chunk, NoText, QuoteNeverCloses, RecordTooLong, Splitter, Unsplittable
from shared.files.unpacking import Bomb, NotGzip, unpacked

FRAME: Final = {"header": {"mark": "H"}, "detail": "D", "column_names": True, "trailer": {"mark": "T", "record_count": {"position": 2}}}


def layout(**other: Any) -> Layout:
    """A layout of cards in csv, and what is otherwise."""
    place = "column" if other.get("column_names") else "position"
    fields = [
        {"target": target, "type": "id", place: target if place == "column" else number}
        for number, target in enumerate(("card_token", "customer_id"), 1)
    ]
    if other.get("format") == "fixed":
        fields = [field | {"width": 1} for field in fields]
    return read_layout(json.dumps({"name": "cards", "kind": "cards", "format": "csv", "fields": fields} | other).encode())


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def records(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(ANY_BYTE), newline="")))


WORDS: Final = st.lists(
    st.sampled_from([b'"', b'""', b",", b"\n", b"\r\n", b"\r", b"a", b"b c", b"\xe9", b"\x00", b'",', b',"', b'\n"', b'"\n'])
)


@given(WORDS.map(b"".join), st.integers(1, 30), st.integers(1, 30), st.integers(2, 40))
def test_records_of_the_chunks_are_those_of_the_whole(data: bytes, piece: int, size: int, longest: int) -> None:
    splitter = Splitter(layout=layout(), size=size, longest=longest)
    try:
        chunks = list(splitter.split(pieces(data, piece)))
    except Unsplittable:
        return
    cut = [record for chunk in chunks for record in records(chunk.data) if record]
    assert cut == [record for record in records(data) if record]
    assert all(data[chunk.start : chunk.stop] == chunk.data for chunk in chunks)
    assert all(chunk.first_line == 1 + data[: chunk.start].count(b"\n") for chunk in chunks)
    assert [chunk.number for chunk in chunks] == list(range(1, len(chunks) + 1))


@given(WORDS.map(b"".join), st.integers(1, 30))
def test_only_a_quote_that_never_closes_ends_a_file_of_short_records(data: bytes, piece: int) -> None:
    closed = len([*filter(None, records(data + b"\nbehind"))]) > len([*filter(None, records(data))])
    try:
        list(Splitter(layout=layout(), size=8).split(pieces(data, piece)))
    except QuoteNeverCloses:
        assert not closed
    else:
        assert closed


@given(WORDS.map(b"".join), st.integers(1, 30), st.integers(1, 30))
def test_chunks_are_the_same_in_whatever_pieces_the_data_come(data: bytes, one: int, two: int) -> None:
    def cut(piece: int) -> list[Chunk] | str:
        try:
            return list(Splitter(layout=layout(**FRAME), size=12, longest=6).split(pieces(data, piece)))
        except Unsplittable as error:
            return str(error)

    assert cut(one) == cut(two)


CASES: Final = {
    "plain": (b"a,1\nb,2\nc,3\nd,4\n", [(1, 0, 1, 3, b"a,1\nb,2\nc,3\n"), (2, 12, 4, 1, b"d,4\n")]),
    "ends of line of Windows": (b"a,1\r\nb,2\r\n", [(1, 0, 1, 2, b"a,1\r\nb,2\r\n")]),
    "last line without an end": (b"a,1\nb,22\nc,33", [(1, 0, 1, 2, b"a,1\nb,22\n"), (2, 9, 3, 1, b"c,33")]),
    "byte order mark": (b"\xef\xbb\xbfa,1\n", [(1, 3, 1, 1, b"a,1\n")]),
    "end of line in quotes": (b'a,"1\n2\n3\n"\nb,2\n', [(1, 0, 1, 4, b'a,"1\n2\n3\n"\n'), (2, 11, 5, 1, b"b,2\n")]),
    "stray quotes": (b'5" PIZZA,1\nb,2"\nc,3\n', [(1, 0, 1, 1, b'5" PIZZA,1\n'), (2, 11, 2, 2, b'b,2"\nc,3\n')]),
    "nothing": (b"", []),
    "blank lines alone": (b"\n\r\n\n", []),
}


@pytest.mark.parametrize("case", CASES)
def test_tells_of_each_chunk_where_it_begins(case: str) -> None:
    data, expected = CASES[case]
    chunks = list(Splitter(layout=layout(), size=8, longest=12).split([data]))
    assert [(chunk.number, chunk.start, chunk.first_line, chunk.lines, chunk.data) for chunk in chunks] == expected


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([b"", b"\n", b"\r\n", b"\n\n\r\n"]), st.integers(0, 9))
def test_header_names_and_trailer_are_kept_aside(piece: int, size: int, end: bytes, count: int) -> None:
    details = b"".join(b"D,t%d,c\n" % number for number in range(count))
    data = b"H,id\r\nrecord,card_token,customer_id\n" + details + b"T,%d" % count + end
    splitter = Splitter(layout=layout(**FRAME), size=size, longest=64)
    chunks = list(splitter.split(pieces(data, piece)))
    assert b"".join(chunk.data for chunk in chunks) == details
    assert [chunk.first_line for chunk in chunks][:1] == [3] * (count > 0)
    assert (splitter.header, splitter.names, splitter.trailer) == (b"H,id", b"record,card_token,customer_id", b"T,%d" % count)


def test_a_trailer_is_kept_aside_however_many_blank_lines_follow() -> None:
    splitter = Splitter(layout=layout(trailer=FRAME["trailer"]), size=8, longest=12)
    assert [chunk.data for chunk in splitter.split([b"a,1\nb,2\nT,2\n" + b"\n" * 20])] == [b"a,1\nb,2\n"]
    assert splitter.trailer == b"T,2"


def test_every_line_of_a_fixed_file_is_a_record_whatever_it_holds() -> None:
    data = b'"a\n"b\nc"\n'
    assert [c.data for c in Splitter(layout=layout(format="fixed"), size=1, longest=3).split([data])] == [b'"a\n', b'"b\n', b'c"\n']


@pytest.mark.parametrize(
    ("data", "line", "error"),
    [
        (b"a,1\n" + b"b" * 17, 2, RecordTooLong),
        (b"b" * 17 + b"\na,1\n", 1, RecordTooLong),
        (b'a,1\nb,"2\n3', 2, QuoteNeverCloses),
        (b'a,1\nb,2\nc,"2\n3\n' + b"4\n" * 20, 3, QuoteNeverCloses),
        (b'5" PIZZA,1\nb,"2\n3', 2, QuoteNeverCloses),
    ],
)
def test_a_record_without_an_end_in_reach_ends_the_file(data: bytes, line: int, error: type[Unsplittable]) -> None:
    with pytest.raises(error, match=f"line {line}") as ended:
        list(Splitter(layout=layout(), size=8, longest=16).split(pieces(data, 5)))
    assert ended.value.line == line


@pytest.mark.parametrize("data", [b"H" * 65 + b"\n", b"H\n" + b"n" * 65])
def test_a_header_without_an_end_in_reach_ends_the_file(data: bytes) -> None:
    with pytest.raises(RecordTooLong):
        list(Splitter(layout=layout(**FRAME), longest=64).split(pieces(data, 10)))


def test_memory_is_bounded_by_the_chunk() -> None:
    splitter = Splitter(layout=layout(), size=1 << 16, longest=1 << 12)
    held = 0
    for chunk in splitter.split(b"t%06d,c%06d\n" % (n, n) for n in range(100_000)):
        held = max(held, len(chunk.data), len(splitter._rest))
    assert held < (1 << 16) + 3 * (1 << 12)


def test_lines_of_a_few_bytes_make_chunks_of_not_many_more_of_them() -> None:
    data = b"a,1\n" * 500_000 + b"long,%b\n" % (b"1" * 900_000) + b"a,1\n" * 500_000
    chunks = list(Splitter(layout=layout()).split(pieces(data, 1 << 20)))
    assert b"".join(chunk.data for chunk in chunks) == data
    assert all(chunk.lines == chunk.data.count(b"\n") <= 2 * CHUNK_LINES + STRIDE for chunk in chunks)
    assert all(chunk.first_line == 1 + data[: chunk.start].count(b"\n") for chunk in chunks)


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)  # the names of tests hold it


@given(st.lists(st.binary(max_size=200), max_size=3), st.integers(1, 50))
def test_what_was_packed_in_one_member_or_several_is_unpacked(members: list[bytes], piece: int) -> None:
    packed = b"".join(map(gzipped, members)) or gzipped(b"")
    assert b"".join(unpacked(pieces(packed, piece))) == b"".join(members)


@pytest.mark.parametrize("data", [b"", b"a,1\n", gzipped(b"a" * 999)[:-1], gzipped(b"abc")[:-8] + b"12345678", gzipped(b"a") + b"junk"])
def test_refuses_what_is_no_whole_gzip(data: bytes) -> None:
    with pytest.raises(NotGzip):
        list(unpacked(pieces(data, 7)))


def test_refuses_what_unpacks_to_too_much() -> None:
    bomb = gzipped(bytes(80 << 20))
    with pytest.raises(Bomb):
        list(unpacked(pieces(bomb, 1000)))
    with pytest.raises(Bomb):
        list(unpacked([gzipped(b"a" * 101)], most_bytes=100))
    assert len(b"".join(unpacked([gzipped(bytes(60 << 20))]))) == 60 << 20
    assert max(map(len, unpacked([gzipped(bytes(5 << 20))]))) == 1 << 20


def test_a_chunk_shows_no_data_where_it_is_printed() -> None:
    assert "secret" not in repr(Chunk(number=1, start=0, first_line=1, lines=1, data=b"secret"))


def test_utf_16_without_its_mark_is_no_text() -> None:
    with pytest.raises(NoText, match="does not begin with the mark of UTF-16"):
        list(recoded(["a\n".encode("utf-16-be")], "utf-16"))


@pytest.mark.parametrize("encoding", sorted(RECODED))
def test_text_in_an_encoding_that_can_not_be_cut_is_read_in_whatever_pieces_it_comes(encoding: str) -> None:
    data = "a|表示\nb|ü\n".encode(encoding, errors="ignore")
    assert b"".join(recoded([data[at : at + 1] for at in range(len(data))], encoding)) == b"".join(recoded([data], encoding))
    assert "表" in b"".join(recoded([data], encoding)).decode(errors="replace") or encoding == "euc-kr"
