"""What the guard finds, and what it leaves alone."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.exports.guard import MOST_HITS, guard_of
from shared.exports.tokens import Tokens
from shared.kernel.cards import _plain, find_card_number, stand_ins

GUARD = guard_of(("First Sample Bank", "Öko-Karte+"))
FOUND = {
    "4111111111111111": "card number",
    "4111-1111-1111-1111": "card number",
    "3782 822463 10005": "card number",
    "\uff14" + "\uff11" * 15: "card number",
    "a.b+c@example.co.uk": "e-mail address",
    "jo@exämple.de": "e-mail address",
    "+49 30 123456": "phone number",
    "+12125550123": "phone number",
    "(212) 555-0123": "phone number",
    "1-800-555-0123": "phone number",
    "0049 30 123456": "phone number",
    "089/123 456 78": "phone number",
    "the first sample bank of": "name of the portfolio",
    "First  Sample-Bank": "name of the portfolio",
    "öko-karte+": "name of the portfolio",
}
LEFT_ALONE = (
    "4111111111111112",
    "tx-4111111111111111a",
    "1234567890123",
    "2026-01-15T12:00:00Z",
    "2026-01-15 12:00:00.123456",
    "0042",
    "T,250000,0012345678,USD:123456",
    "me @ home",
    "a@b",
    "Firstly Sample Bank",
    "212555",
    "12.50",
    "+1",
    "5812,US,New York,NY",
    "0-8-15",
)


@pytest.mark.parametrize(("text", "rule"), FOUND.items())
@pytest.mark.parametrize("around", ["{}\n", "D,t1,{},USD\n", 'D,"{}, x"\n'])
def test_what_may_not_leave_is_found_wherever_it_stands(text: str, rule: str, around: str) -> None:
    lines = pa.array(["D,nothing\n", around.format(text)])
    assert [(hit.rule, hit.line) for hit in GUARD.search(lines)] == [(rule, 2)]


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert GUARD.search(pa.array([f"D,{text},USD\n"])) == []


@given(st.text(max_size=60))
def test_it_finds_each_card_number_that_is_found_when_it_comes_in(text: str) -> None:
    line = text.replace("\n", " ")
    found = any(hit.rule == "card number" for hit in GUARD.search(pa.array([line])))
    assert found == (find_card_number(line.encode()) is not None)


@given(st.text(alphabet="0123456789 .-", min_size=13, max_size=30))
def test_it_finds_digits_in_groups_as_they_are_found_when_they_come_in(text: str) -> None:
    found = any(hit.rule == "card number" for hit in GUARD.search(pa.array([text])))
    assert found == (find_card_number(text.encode()) is not None)


def test_tokens_are_never_taken_for_what_may_not_leave() -> None:
    tokens = Tokens(secret=b"s" * 32, partner="agg-one").column(pa.array([f"c-{number}" for number in range(5_000)]), "customer")
    assert GUARD.search(tokens) == []


def test_it_tells_of_so_many_and_never_what_it_found() -> None:
    hits = GUARD.search(pa.array(["jo@example.com\n"] * 50))
    assert len(hits) == MOST_HITS
    assert "example" not in str(hits)


def test_a_guard_with_other_names_has_another_version() -> None:
    assert GUARD.version != guard_of(("First Sample Bank",)).version
    assert guard_of(("A b", "C d")).version == guard_of(("C d", "A b")).version
    assert guard_of(()).names == ["card number", "e-mail address", "phone number"]


def test_characters_that_stand_for_digits_are_those_of_all_of_unicode() -> None:
    assert stand_ins() == "".join(character for character in map(chr, range(0x80, 0x110000)) if _plain(character) != character)
