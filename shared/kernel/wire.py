"""What crosses a border (HTTP, events, stored JSON): strict, frozen, closed to unknown fields."""

import re
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from shared.kernel.money import MAX_MINOR


class Wire(BaseModel):
    """Base of every shape on the wire: exact types, no unknown fields, never changed once made."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


DECIMAL: Final = re.compile(r"[0-9]{1,13}(\.[0-9]{1,4})?")


def _no_float(value: Any) -> Any:  # noqa: ANN401  (whatever the sender wrote)
    if isinstance(value, bool | float):
        raise PydanticCustomError("amount", "must be whole minor units (an integer) or an exact decimal in a string, never a float")
    return value


def _amount(value: Any) -> Any:  # noqa: ANN401  (whatever the sender wrote)
    """One verdict with one place, where the union of both ways of writing would tell of each of them."""
    match _no_float(value):
        case int() if 0 <= value <= MAX_MINOR:
            return value
        case str() if DECIMAL.fullmatch(value):
            return value
    message = "must be {most} minor units at most, or a decimal of up to 4 places in a string, and not negative"
    raise PydanticCustomError("amount", message, {"most": MAX_MINOR})


Minor = Annotated[int, BeforeValidator(_no_float), Field(ge=-MAX_MINOR, le=MAX_MINOR)]
"""Whole minor units of a currency named beside it: 1234 is 12.34 USD."""

Amount = Annotated[
    Annotated[int, Field(ge=0, le=MAX_MINOR)] | Annotated[str, StringConstraints(pattern=f"^{DECIMAL.pattern}$")],
    BeforeValidator(_amount),
]
"""A non-negative amount: minor units as an integer (1234), or an exact decimal in major units as a string ("12.34")."""

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""ISO 4217 code."""

ExternalId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$")]
"""An id that the bank or a partner made: 1 to 64 characters of letters, digits, `_ . : -`. Never a card number."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")]
"""Words for people: a reason, a name, a message. No control characters but tabs and ends of lines."""

YEARS: Final = range(1900, 3000)


def _reckonable(moment: datetime) -> datetime:
    if moment.year not in YEARS:
        raise PydanticCustomError("moment", "must be a moment of the years {first} to {last}", {"first": YEARS[0], "last": YEARS[-1]})
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_reckonable)]
"""A point in time with its offset (RFC 3339), far from the ends of the calendar: it can be put into any zone and reckoned with."""

BasisPoints = Annotated[int, Field(ge=0, le=10_000)]
"""Hundredths of a per cent: 250 is 2.5 %."""
