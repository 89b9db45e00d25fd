"""JSON as senders must write it: an object, each member once, no constants that only Python knows."""

import json


def read_object(text: str) -> dict[str, object] | None:
    """A JSON object, or None: of what is another value, has a member twice, NaN or too deep a nesting."""
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member twice")
    return members


def _refuse(constant: str) -> object:
    raise ValueError(constant)
