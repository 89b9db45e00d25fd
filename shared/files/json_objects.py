"""JSON as senders must write it: an object, each member once, no constants that only Python knows."""

import json
from decimal import Decimal
from typing import Final

LONGEST_NUMBER: Final = 100


def read_object(text: str) -> dict[str, object] | None:
    """A JSON object, its fractions exact, or None.

    None of what is another value, has a member twice, NaN, a fraction of more than 100 figures or too deep a nesting.
    """
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse, parse_float=_exact)
    except (ValueError, ArithmeticError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _exact(figures: str) -> Decimal:
    """A fraction as it is written; of more figures than any number has, none."""
    if len(figures) > LONGEST_NUMBER:
        raise ValueError(figures[:LONGEST_NUMBER])
    return Decimal(figures)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member twice")
    return members


def _refuse(constant: str) -> object:
    raise ValueError(constant)
