"""Money: whole minor units of one currency. There is no float anywhere near it."""

from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Final

# ISO 4217, list one: the currencies whose minor unit is not a hundredth.
EXPONENTS: Final = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}
DEFAULT_EXPONENT: Final = 2
BASIS_POINTS: Final = 10_000
MAX_MINOR: Final = 10**15


class Rounding(Enum):
    """How a fraction of a minor unit becomes a whole one."""

    HALF_UP = "half_up"  # commercial: 0.5 goes away from zero
    DOWN = "down"  # towards zero: never pays more than the exact share


ADDED: Final = {Rounding.HALF_UP: BASIS_POINTS // 2, Rounding.DOWN: 0}
"""What rounds a non-negative number of ten-thousandths as named, once it is added and the rest is cut off."""


def exponent(currency: str) -> int:
    """Digits after the decimal point of a currency (ISO 4217): 2 for USD, 0 for JPY."""
    return EXPONENTS.get(currency, DEFAULT_EXPONENT)


def to_minor(amount: int | str, currency: str) -> int:
    """Minor units of an amount given as minor units (int) or as an exact decimal in major units ("12.34").

    Raises ValueError when the text is no decimal or has more digits than the currency.
    """
    if isinstance(amount, int):
        return amount
    try:
        scaled = Decimal(amount).scaleb(exponent(currency))
    except InvalidOperation:
        scaled = None
    if scaled is None or not scaled.is_finite():
        raise ValueError(f"{amount!r} is not a decimal number")
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount!r} has more than {exponent(currency)} decimals, the most that {currency} has")
    return int(scaled)


def to_decimal(minor: int, currency: str) -> str:
    """The amount as an exact decimal in major units: 1234 of USD is "12.34"."""
    digits = exponent(currency)
    if not digits:
        return str(minor)
    figures = str(abs(minor)).zfill(digits + 1)
    return f"{'-' * (minor < 0)}{figures[:-digits]}.{figures[-digits:]}"


def share(minor: int, basis_points: int, *, rounding: Rounding) -> int:
    """A share of a non-negative amount: `minor` x `basis_points` / 10,000, rounded as named."""
    return in_whole(minor * basis_points, rounding=rounding)


def in_whole(parts: int, *, rounding: Rounding) -> int:
    """Whole minor units of a non-negative number of ten-thousandths, rounded as named."""
    return (parts + ADDED[rounding]) // BASIS_POINTS
