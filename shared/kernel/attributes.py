"""Attributes of customers: their names, and the values that they may have."""

import re
from typing import Annotated, Any, Final

from pydantic import AfterValidator, StringConstraints, WithJsonSchema

from shared.kernel.money import MAX_MINOR

MAX_TEXT: Final = 200
CONTACT: Final = re.compile(r"[^\s@]@[^\s@]+\.[^\s@]")
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def check_value(value: object) -> object:
    """A value of an attribute as it may be stored: words, a whole number or true/false; never an address of somebody."""
    match value:
        case bool():
            return value
        case int() if abs(value) <= MAX_MINOR:
            return value
        case str() if CONTACT.search(value):
            raise ValueError("must not be an e-mail address: no personal data is kept here")
        case str() if 1 <= len(value) <= MAX_TEXT and not CONTROL.search(value):
            return value
    raise ValueError(f"must be true, false, a whole number up to {MAX_MINOR}, or 1 to {MAX_TEXT} characters without control characters")


SCALARS: Final = ({"type": "string", "minLength": 1, "maxLength": MAX_TEXT}, {"type": "integer"}, {"type": "boolean"})
SCALAR_SCHEMA: Final = {"anyOf": [*SCALARS]}

AttributeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$")]
AttributeValue = Annotated[Any, AfterValidator(check_value), WithJsonSchema(SCALAR_SCHEMA)]
