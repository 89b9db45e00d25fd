"""What crosses a border is exact, closed and free of floats."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.kernel.clock import SimulatedClock
from shared.kernel.errors import CardNumberFound, Conflict, Invalid
from shared.kernel.wire import Amount, BasisPoints, Minor, Moment, Text, Wire
from tests.conftest import NOW


class Sample(Wire):
    amount: Amount = 1
    minor: Minor = 1
    share: BasisPoints = 1
    at: Moment = NOW
    words: Text = "words"


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": 12.5},
        {"amount": 12.0},
        {"amount": True},
        {"amount": -1},
        {"amount": "-1"},
        {"amount": "1e3"},
        {"amount": "12,50"},
        {"amount": 10**15 + 1},
        {"minor": 1.0},
        {"minor": False},
        {"share": 10_001},
        {"at": "2026-01-15T12:00:00"},
        {"words": ""},
        {"words": "nul\x00"},
        {"words": "x" * 501},
        {"other": 1},
    ],
)
def test_wrong_value_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Sample.model_validate(fields)


def test_message_about_a_float_says_what_is_wanted() -> None:
    with pytest.raises(ValidationError, match="never a float"):
        Sample.model_validate_json('{"amount": 12.5}')


@given(st.integers(min_value=0, max_value=10**15))
def test_whole_minor_units_and_decimals_are_taken(minor: int) -> None:
    assert Sample(amount=minor).amount == minor
    assert Sample(amount=str(minor // 1000)).amount == str(minor // 1000)


def test_value_never_changes_once_made() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Sample().words = "other"  # type: ignore[misc]


def test_error_says_what_its_class_says_and_keeps_facts() -> None:
    assert str(Conflict()) == "The thing is in a state that does not allow this."
    assert Conflict("so", left_minor=3).facts == {"left_minor": 3}
    assert CardNumberFound.code == "card_number_found"
    assert issubclass(CardNumberFound, Invalid)


def test_simulated_clock_never_goes_back() -> None:
    clock = SimulatedClock(NOW)
    later = clock.advance(NOW.replace(hour=13))
    assert clock.advance(NOW) == later == clock.now()
