"""JSON as senders must write it: an object, each member once, no constants that only Python knows."""

import json
from decimal import Decimal
from math import inf
from typing import Final

LONGEST_NUMBER: Final = 100


class Twice(dict[str, object]):
    """An object with members that are there twice."""

    names: frozenset[str]
    """Which they are."""


def read_wide_object(text: str) -> dict[str, object] | None:
    """A JSON object of which only some members are of interest, or None: what is wrong with others does not matter.

    Objects with a member twice are `Twice`; a number of more than 100 figures is without end.
    """
    try:
        found = json.loads(text, object_pairs_hook=_perhaps_twice, parse_constant=_refuse, parse_float=_short, parse_int=_short_int)
    except (ValueError, ArithmeticError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


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


def _short(figures: str) -> Decimal | float:
    return Decimal(figures) if len(figures) <= LONGEST_NUMBER else inf


def _short_int(figures: str) -> int | float:
    return int(figures) if len(figures) <= LONGEST_NUMBER else inf


def _perhaps_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    twice = Twice(members)
    names = [name for name, _ in pairs]
    twice.names = frozenset(name for name in members if names.count(name) > 1)
    return twice


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member twice")
    return members


def _refuse(constant: str) -> object:
    raise ValueError(constant)
