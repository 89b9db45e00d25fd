"""What is proven of a column is what is found value by value."""

from typing import Final

import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st

from shared.files.arrays import longest
from shared.files.checks import card_numbers
from shared.kernel.cards import find_card_number

CARD: Final = "4111111111111111"
SCRIPTS: Final = [0x30, 0x660, 0x966, 0xFF10, 0x1D7CE]
"""Where the digits of some scripts begin."""
SEPARATORS: Final = ["", " ", "-", ".", "\u00a0", "\u2013", "\u200b"]


@st.composite
def disguised(draw: st.DrawFn) -> str:
    """A card number in digits of any scripts, grouped by any separator, or nearly one."""
    digits = [chr(draw(st.sampled_from(SCRIPTS)) + int(digit)) for digit in CARD[: draw(st.sampled_from([12, 13, 15, 16, 16, 16]))]]
    between = draw(st.sampled_from(SEPARATORS))
    grouped = between.join("".join(digits[start : start + 4]) for start in range(0, len(digits), 4))
    return draw(st.sampled_from(["", "x", "é ", "SQ *", "9"])) + grouped + draw(st.sampled_from(["", " é", "x", "7"]))


WORDS: Final = st.text(st.sampled_from("é☕日a 9٣-"), max_size=20)


@given(st.lists(st.none() | disguised() | WORDS, min_size=1, max_size=6))
@example(["é 411111111111", "1111"])
@example(["日本語日本語日"])
def test_card_numbers_are_found_in_columns_as_in_values(texts: list[str | None]) -> None:
    array = pa.array(texts, pa.string())
    found = card_numbers(array, longest(array))
    alone = [text is not None and find_card_number(text.encode()) is not None for text in texts]
    assert (found.to_pylist() if found else [False] * len(texts)) == alone


@given(st.lists(st.none() | st.sampled_from([0, 5, 10**12 - 1, 10**12, int(CARD)]), min_size=1, max_size=5))
def test_numbers_as_large_as_card_numbers_are_read_alone(numbers: list[int | None]) -> None:
    found = card_numbers(pa.array(numbers, pa.int64()), 0)
    assert (found.to_pylist() if found else [False] * len(numbers)) == [number is not None and number >= 10**12 for number in numbers]
