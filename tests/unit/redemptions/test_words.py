"""Whose word about a purchase stands, and who tells it then."""

import pytest

from events.payloads import FileOrigin
from shared.redemptions.words import Tellers, Word, hear, read, tellers_of, together, without, written

F1, F2, F3 = (FileOrigin(file_id="f", revision=revision) for revision in (1, 2, 3))


@pytest.mark.parametrize(
    ("stood", "origin", "same", "word", "tellers"),
    [
        ({"f": 1}, F2, True, Word.AGAIN, {"f": 2}),
        ({"f": 2}, F2, True, Word.AGAIN, {"f": 2}),
        ({"f": 1}, None, True, Word.AGAIN, None),
        (None, F1, True, Word.AGAIN, None),
        ({"g": 4}, F1, True, Word.AGAIN, {"f": 1, "g": 4}),
        ({"f": 1}, F2, False, Word.INSTEAD, {"f": 2}),
        ({"f": 1}, F1, False, Word.ASIDE, {"f": 1}),
        ({"f": 3}, F2, False, Word.ASIDE, {"f": 3}),
        ({"f": 1, "g": 1}, F2, False, Word.ASIDE, {"g": 1}),
        ({"g": 1}, F2, False, Word.ASIDE, {"g": 1}),
        (None, F2, False, Word.ASIDE, None),
        ({"f": 1}, None, False, Word.ASIDE, {"f": 1}),
    ],
)
def test_a_word_stands_or_takes_the_place_or_is_set_aside(
    stood: Tellers, origin: FileOrigin | None, word: Word, tellers: Tellers, *, same: bool
) -> None:
    assert hear(stood, origin, same=same, withdrawn=False) == (word, tellers)


@pytest.mark.parametrize("origin", [None, F1])
def test_what_was_withdrawn_is_told_again_by_anybody(origin: FileOrigin | None) -> None:
    assert hear(None, origin, same=False, withdrawn=True) == (Word.INSTEAD, tellers_of(origin))


@pytest.mark.parametrize(
    ("tellers", "later", "left"),
    [
        ({"f": 1}, F2, {}),
        ({"f": 2}, F2, {"f": 2}),
        ({"f": 3}, F2, {"f": 3}),
        ({"f": 1, "g": 1}, F3, {"g": 1}),
        ({"g": 1}, F2, {"g": 1}),
        (None, F2, None),
        ({"f": 1}, None, {"f": 1}),
    ],
)
def test_a_later_revision_takes_back_what_an_earlier_one_told(tellers: Tellers, later: FileOrigin | None, left: Tellers) -> None:
    assert without(tellers, later) == left


def test_who_tells_is_stored_and_read_again() -> None:
    assert [read(written(tellers)) for tellers in (None, {"g": 1, "f": 2})] == [None, {"f": 2, "g": 1}]
    assert together({"f": 1, "g": 3}, {"f": 2}) == {"f": 2, "g": 3}
