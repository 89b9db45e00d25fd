from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.files.stores import streams
from shared.files.stores.streams import blocks, stream
from shared.kernel.errors import Busy

SMALL = 7


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BLOCK", SMALL)


@given(st.lists(st.binary(max_size=30), max_size=8))
def test_blocks_hold_the_same_bytes_and_the_last_alone_is_shorter(parts: list[bytes]) -> None:
    cut = list(blocks(parts))
    assert b"".join(cut) == b"".join(parts)
    assert all(len(block) == SMALL for block in cut[:-1])
    assert len(cut[-1]) < SMALL


@given(st.binary(max_size=60), st.lists(st.integers(min_value=0, max_value=20), max_size=8))
def test_a_stream_reads_as_a_file_does(content: bytes, sizes: list[int]) -> None:
    expected, found = BytesIO(content), stream(lambda start, stop: content[start:stop])
    for size in sizes:
        assert found.read(size) == expected.read(size)
    assert found.read() == expected.read()
    assert found.read() == b""


@pytest.mark.parametrize(("breaks", "comes_through"), [(2, True), (3, False)])
def test_a_stream_outlives_a_broken_connection_a_few_times(breaks: int, *, comes_through: bool) -> None:
    content, left = bytes(range(20)), {SMALL: breaks}

    def fetch(start: int, stop: int) -> bytes:
        if left.get(start, 0):
            left[start] -= 1
            raise Busy
        return content[start:stop]

    found = stream(fetch)
    if comes_through:
        assert found.read() == content
    else:
        with pytest.raises(Busy):
            found.read()


def test_nothing_is_fetched_beyond_a_block_that_was_short() -> None:
    fetched: list[int] = []

    def fetch(start: int, stop: int) -> bytes:
        fetched.append(start)
        return bytes(range(10))[start:stop]

    assert stream(fetch).read() == bytes(range(10))
    assert fetched == [0, SMALL]


def test_no_more_is_fetched_than_is_read() -> None:
    fetched: list[int] = []

    def fetch(start: int, stop: int) -> bytes:
        fetched.append(start)
        return b"x" * (stop - start)

    found = streams.Reading(fetch)
    found.read(SMALL)
    assert fetched == [0]
    found.read(1)
    assert fetched == [0, SMALL]
