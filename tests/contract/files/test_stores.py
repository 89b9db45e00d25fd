"""What every object store does."""

import gzip
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import shake_128
from typing import Any

import pytest
from requests.exceptions import ConnectionError as NoConnection

from shared.files.stores import gcs, s3
from shared.files.stores.opening import open_store
from shared.files.stores.protocol import Changed, Exists, ObjectStore, Stored
from shared.files.stores.streams import BLOCK
from shared.kernel.clock import SystemClock
from shared.kernel.errors import Broken, Busy, Invalid, NotFound
from tests.contract.files.places import FolderPlace, Place

NAME = "in/transactions_bank_20260115_0001_full_r1.csv"
TEN = b"0123456789"


@cache
def content(size: int) -> bytes:
    """So many bytes of which no two blocks are equal."""
    return shake_128(b"content").digest(size)


def names(store: ObjectStore, *asked: str) -> list[str]:
    return [stored.name for stored in store.list(*asked)]


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 7])
def test_what_is_created_is_read_back(place: Place, size: int) -> None:
    expected = content(size)
    cut = 3 * 1024 * 1024 + 1
    stored = place.store.create(NAME, (expected[start : start + cut] for start in range(0, size, cut)))
    assert stored == Stored(name=NAME, generation=stored.generation, size=size)
    assert place.store.stat(NAME) == stored
    assert list(place.store.list()) == [stored]
    assert place.store.read(NAME, stored.generation) == expected
    with place.store.open(NAME, stored.generation) as stream:
        assert stream.read() == expected


@pytest.mark.parametrize("span", [(0, 0), (0, 1), (3, 5), (5, None), (2, 100), (10, None), (10, 12), (100, 200), (4, 4)])
def test_a_range_ends_where_the_object_ends(place: Place, span: tuple[int, int | None]) -> None:
    stored = place.store.create(NAME, [TEN])
    assert place.store.read(NAME, stored.generation, *span) == TEN[slice(*span)]


@pytest.mark.parametrize("span", [(-1, None), (0, -1), (5, 4)])
def test_what_is_no_range_is_a_mistake(place: Place, span: tuple[int, int | None]) -> None:
    stored = place.store.create(NAME, [TEN])
    with pytest.raises(ValueError, match="no range"):
        place.store.read(NAME, stored.generation, *span)


def test_a_stream_gives_lines(place: Place) -> None:
    stored = place.store.create(NAME, [b"a,b\n", b"c,d\n", b"e"])
    with place.store.open(NAME, stored.generation) as stream:
        assert list(stream) == [b"a,b\n", b"c,d\n", b"e"]


def test_a_name_is_given_once(place: Place) -> None:
    stored = place.store.create(NAME, [TEN])
    with pytest.raises(Exists):
        place.store.create(NAME, [b"other"])
    assert place.store.stat(NAME) == stored
    assert place.store.read(NAME, stored.generation) == TEN


@pytest.mark.parametrize("size", [10, 2 * BLOCK])
def test_of_two_writers_the_first_to_finish_wins(place: Place, size: int) -> None:
    def overtaken() -> Iterator[bytes]:
        yield content(size)
        place.store.create(NAME, [b"winner"])
        yield b"more"

    with pytest.raises(Exists):
        place.store.create(NAME, overtaken())
    stored = place.store.stat(NAME)
    assert place.store.read(NAME, stored.generation) == b"winner"
    assert place.store.sweep(SystemClock().now() + timedelta(days=1)) == 0


def test_nothing_is_seen_of_an_object_that_is_being_written(place: Place) -> None:
    seen: list[list[str]] = []

    def parts() -> Iterator[bytes]:
        yield content(BLOCK + 1)
        seen.append(names(place.store))
        with pytest.raises(NotFound):
            place.store.stat(NAME)
        yield b"end"

    place.store.create(NAME, parts())
    assert seen == [[]]
    assert names(place.store) == [NAME]


ERRORS = [
    ValueError("bad line"),
    FileNotFoundError(2, "no input"),
    NoConnection("gone"),
    Changed("the source"),
    Busy("the source"),
    KeyboardInterrupt(),
]


@pytest.mark.parametrize("size", [10, BLOCK + 1])
@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_what_the_parts_raise_passes_through_and_nothing_is_stored(place: Place, error: BaseException, size: int) -> None:
    def parts() -> Iterator[bytes]:
        yield content(size)
        raise error

    with pytest.raises(type(error)) as raised:
        place.store.create(NAME, parts())
    assert raised.value is error
    assert names(place.store) == []
    assert place.store.create(NAME, [TEN]).size == len(TEN)
    assert place.store.sweep(SystemClock().now() + timedelta(days=1)) == 0


def test_only_the_generation_that_is_asked_for_is_read(place: Place) -> None:
    old = place.store.create(NAME, [TEN])
    place.put(NAME, b"other")
    new = place.store.stat(NAME)
    assert new.generation != old.generation
    for read in (place.store.read, place.store.open):
        with pytest.raises(Changed):
            read(NAME, old.generation)
    for span in ((3, 5), (4, 4), (100, 200)):
        with pytest.raises(Changed):
            place.store.read(NAME, old.generation, *span)
    assert place.store.read(NAME, new.generation) == b"other"


def test_an_object_that_is_replaced_while_it_is_read_is_not_mixed_with_the_new_one(place: Place) -> None:
    stored = place.store.create(NAME, [content(2 * BLOCK)])
    with place.store.open(NAME, stored.generation) as stream:
        assert stream.read(100) == content(100)
        place.put(NAME, b"x" * 2 * BLOCK)
        with pytest.raises(Changed):
            stream.read()


@pytest.mark.parametrize("generation", ["nonsense", "123", "9" * 19])
def test_a_generation_that_never_was_is_not_read_and_not_deleted(place: Place, generation: str) -> None:
    place.store.create(NAME, [TEN])
    for deed in (place.store.read, place.store.open, place.store.delete):
        with pytest.raises(Changed):
            deed(NAME, generation)
    assert names(place.store) == [NAME]


def test_what_is_not_there_is_not_found(place: Place) -> None:
    stored = place.store.create("another", [TEN])
    deeds: list[Callable[[], Any]] = [
        lambda: place.store.stat(NAME),
        lambda: place.store.read(NAME, stored.generation),
        lambda: place.store.read(NAME, stored.generation, 3, 3),
        lambda: place.store.open(NAME, stored.generation),
        lambda: place.store.stat("in"),
        lambda: place.store.stat("another/below"),
    ]
    for deed in deeds:
        with pytest.raises(NotFound):
            deed()


def test_deleting_leaves_nothing_and_can_be_said_again(place: Place) -> None:
    stored = place.store.create(NAME, [TEN])
    for _ in range(2):
        place.store.delete(NAME, stored.generation)
        assert names(place.store) == []
    with pytest.raises(NotFound):
        place.store.read(NAME, stored.generation)
    assert place.store.create(NAME, [b"other"]).generation != stored.generation


def test_another_generation_is_not_deleted(place: Place) -> None:
    old = place.store.create(NAME, [TEN])
    place.put(NAME, b"other")
    with pytest.raises(Changed):
        place.store.delete(NAME, old.generation)
    assert place.store.read(NAME, place.store.stat(NAME).generation) == b"other"


LISTED = [
    "Z",
    "a-b",
    "a.b",
    "a/b",
    "a/b-c/d",
    "a/c/d",
    "a/ä",
    "a0",
    "aa",
    "b c+d%20&e=f",
    "z/%2e%2e",
    "\N{CJK UNIFIED IDEOGRAPH-4E00}",
    "\N{GRINNING FACE}",
]


def test_names_are_listed_in_order_page_by_page(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (s3, gcs):
        monkeypatch.setattr(module, "PAGE", 3)
    for name in reversed(LISTED):
        place.put(name, TEN)
    for prefix in ("", "a", "a/", "a/b", "a/b/", "none"):
        for after in ("", "a", "a/b", "a/b-", "a0", "b", "zz"):
            assert names(place.store, prefix, after) == sorted(name for name in LISTED if name.startswith(prefix) and name > after)


def test_a_store_may_begin_at_a_prefix(place: Place) -> None:
    if isinstance(place, FolderPlace):
        return
    whole = open_store(place.store.url.removesuffix("/drop"))
    place.put("a", TEN)
    outside = whole.create("dropped", [TEN])
    inside = whole.create("drop/b", [TEN])
    assert names(place.store) == ["a", "b"]
    assert names(whole) == ["drop/a", "drop/b", "dropped"]
    assert place.store.read("b", inside.generation) == TEN
    with pytest.raises(NotFound):
        place.store.stat(outside.name)


def test_every_name_that_is_listed_can_be_used(place: Place) -> None:
    for name in LISTED:
        place.store.create(name, [name.encode()])
    for stored in place.store.list():
        assert place.store.read(stored.name, stored.generation) == stored.name.encode()
        place.store.delete(stored.name, stored.generation)
    assert names(place.store) == []


def test_what_bears_no_name_of_an_object_is_left_out(place: Place) -> None:
    for name in ("a", ".hidden", "b/.hidden", ".folder/c", "tab\there", "d"):
        place.put(name, TEN)
    if not isinstance(place, FolderPlace):
        for name in ("marker/", "two//slashes", "../up", "back\\slash"):
            place.put(name, TEN)
    assert names(place.store) == ["a", "d"]


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../secret", "a/../../b", "a//b", "a/", "a\\b", "a\0b", "a\nb", ".hidden", "x" * 513, "a/" + "x" * 256]
)
def test_a_name_that_is_none_is_refused_by_everything(place: Place, name: str) -> None:
    deeds: list[Callable[[], Any]] = [
        lambda: place.store.stat(name),
        lambda: place.store.read(name, "1"),
        lambda: place.store.open(name, "1"),
        lambda: place.store.create(name, [TEN]),
        lambda: place.store.delete(name, "1"),
    ]
    for deed in deeds:
        with pytest.raises(Invalid):
            deed()


def test_what_is_labelled_as_compressed_is_read_as_it_is_stored(place: Place) -> None:
    packed = gzip.compress(content(100_000))
    place.put(NAME, packed, packed=True)
    stored = place.store.stat(NAME)
    assert stored.size == len(packed)
    assert place.store.read(NAME, stored.generation) == packed
    assert place.store.read(NAME, stored.generation, 5, 50) == packed[5:50]


@pytest.mark.parametrize("size", [10, BLOCK + 1])
def test_a_writer_whose_answer_was_lost_finds_that_it_has_won(place: Place, size: int) -> None:
    place.lose_answers(1)
    stored = place.store.create(NAME, [content(size)])
    assert place.store.stat(NAME) == stored
    assert place.store.read(NAME, stored.generation) == content(size)


def test_a_deletion_whose_answer_was_lost_is_done(place: Place) -> None:
    stored = place.store.create(NAME, [TEN])
    place.lose_answers(1)
    place.store.delete(NAME, stored.generation)
    assert names(place.store) == []


def test_a_writer_that_is_swept_away_is_told_to_try_again(place: Place) -> None:
    def parts() -> Iterator[bytes]:
        yield content(2 * BLOCK)
        assert place.store.sweep(SystemClock().now() + timedelta(days=1)) == 1
        yield b"end"

    if not place.leaves_behind:
        assert place.store.sweep(datetime.max.replace(tzinfo=UTC)) == 0
        return
    with pytest.raises(Busy):
        place.store.create(NAME, parts())
    assert names(place.store) == []


def test_a_store_that_is_not_there_is_our_fault(place: Place) -> None:
    store = open_store(re.sub(r"bucket-\d+|[^/]*$", "not-there", place.store.url, count=1))
    for deed in (lambda: names(store), lambda: store.create(NAME, [TEN]), lambda: store.create(NAME, [content(BLOCK)])):
        with pytest.raises(Broken):
            deed()
