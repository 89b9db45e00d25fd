"""Card numbers are found however they are written, and other numbers are let through."""

import time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.cards import find_card_number, is_luhn, mask, masked
from shared.kernel.ids import CAMPAIGN

VISA = "4111111111111111"


def with_check_digit(digits: str) -> str:
    return next(whole for check in "0123456789" if is_luhn(whole := digits + check))


@pytest.mark.parametrize(
    "text",
    [
        VISA,
        "4222222222222",  # 13 digits
        with_check_digit("630400000000000000"),  # 19 digits
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111.1111_1111 1111",
        "3782 822463 10005",
        "3056 930902 5904",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "41 11 11 11 11 11 11 11",
        "order 12 4111 1111 1111 1111 12-27",
        f"pan={VISA}&x=1",
        f"card_{VISA}.",
        f'{{"{VISA}":1}}',
        "".join(chr(0xFF10 + int(digit)) for digit in VISA),  # as wide as ideographs
        "٤١١١١١١١١١١١١١١١",
        "4111\u00a01111\u20111111\u200b1111",
    ],
)
def test_card_number_is_found_and_masked(text: str) -> None:
    assert find_card_number(text.encode())
    assert "[card number]" in mask(text)
    assert find_card_number(mask(text).encode()) is None


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # fails the check
        "411111111111",  # 12 digits
        "41111111111111110000",  # 20 digits
        "cmp_a4111111111111111b00000000000000",
        "01912345-6789-7123-8123-123456789012",
        "20170409-31198570044",
        "2017-04-09 18:30:00.123456-05:00",
        "2017-04-09 18-30-00 2017",
        "1234567890.12",
    ],
)
def test_other_numbers_are_let_through(text: str) -> None:
    assert find_card_number(text.encode()) is None
    assert mask(text) == text


@given(st.text(alphabet="0123456789", min_size=12, max_size=18).map(with_check_digit), st.sampled_from(["", " ", "-", "."]))
def test_every_number_that_passes_the_check_is_found_in_one_piece_and_in_fours(number: str, separator: str) -> None:
    grouped = separator.join(number[start : start + 4] for start in range(0, len(number), 4))
    assert find_card_number(f'{{"a":"{grouped}"}}'.encode())


@given(st.uuids())
def test_ids_are_never_taken_for_card_numbers(value: UUID) -> None:
    assert find_card_number(f"{value} {CAMPAIGN.render(value)}".encode()) is None


@given(st.text())
def test_masking_leaves_text_without_digits_alone(text: str) -> None:
    if not any(character.isdecimal() for character in text):
        assert mask(text) == text


def test_masking_keeps_the_words_around() -> None:
    assert mask(f"é {VISA} und 4222222222222!") == "é [card number] und [card number]!"


def test_values_of_any_depth_are_masked() -> None:
    assert masked({"a": [VISA, 7, None, {VISA: int(VISA)}]}) == {"a": ["[card number]", 7, None, {"[card number]": "[card number]"}]}


@pytest.mark.parametrize("pattern", ["1 ", "11-", "1", "1111 "])
def test_long_runs_of_digits_are_searched_in_time_that_grows_with_their_length(pattern: str) -> None:
    def seconds(size: int) -> float:
        text = (pattern * size).encode() + b"a"
        start = time.perf_counter()
        find_card_number(text)
        return time.perf_counter() - start

    assert seconds(8_000) < 60 * seconds(1_000) + 1
