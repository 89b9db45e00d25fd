"""Money: exact decimals, every currency's own digits, rounding by name."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.money import Rounding, share, to_decimal, to_minor

CURRENCIES = st.sampled_from(["USD", "JPY", "KWD", "CLF", "EUR"])
MINOR = st.integers(min_value=0, max_value=10**15)


@given(MINOR, CURRENCIES)
def test_decimal_and_back_is_the_same(minor: int, currency: str) -> None:
    assert to_minor(to_decimal(minor, currency), currency) == minor


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("12.34", "USD", 1234), ("12", "USD", 1200), ("12", "JPY", 12), ("1.234", "KWD", 1234), ("0.0001", "CLF", 1)],
)
def test_decimal_is_read_with_the_digits_of_its_currency(text: str, currency: str, minor: int) -> None:
    assert to_minor(text, currency) == minor


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(1234, "USD", "12.34"), (5, "USD", "0.05"), (0, "USD", "0.00"), (-5, "USD", "-0.05"), (-1234, "KWD", "-1.234"), (-12, "JPY", "-12")],
)
def test_minor_units_are_written_with_the_digits_of_their_currency_and_their_sign(minor: int, currency: str, text: str) -> None:
    assert to_decimal(minor, currency) == text


@pytest.mark.parametrize(("text", "currency", "digits"), [("12.345", "USD", 2), ("0.5", "JPY", 0), ("1.2345", "KWD", 3)])
def test_more_digits_than_the_currency_has_are_refused(text: str, currency: str, digits: int) -> None:
    with pytest.raises(ValueError, match=f"has more than {digits} decimals, the most that {currency} has"):
        to_minor(text, currency)


@pytest.mark.parametrize("text", ["", "abc", "NaN", "Infinity", "1,2"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a decimal"):
        to_minor(text, "USD")


@given(MINOR, st.integers(min_value=0, max_value=10_000))
def test_share_is_the_exact_fraction_rounded_as_named(minor: int, basis_points: int) -> None:
    exact = Fraction(minor * basis_points, 10_000)
    assert share(minor, basis_points, rounding=Rounding.DOWN) == exact.numerator // exact.denominator
    assert abs(share(minor, basis_points, rounding=Rounding.HALF_UP) - exact) <= Fraction(1, 2)


def test_half_a_unit_goes_up() -> None:
    assert share(50, 100, rounding=Rounding.HALF_UP) == 1
    assert share(50, 100, rounding=Rounding.DOWN) == 0
    assert share(49, 100, rounding=Rounding.HALF_UP) == 0
