"""What differs between two JSON documents, as paths with the value before and after."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import JsonValue


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One difference: the JSON pointer of the place, what stood there before and after; None where nothing did."""

    path: str
    before: JsonValue
    after: JsonValue


def differences(before: JsonValue, after: JsonValue, path: str = "") -> Iterator[Difference]:
    """All places where two documents differ, in the order of the first.

    Lists of plain values (codes, ids) are compared as collections, since their order means nothing: a value taken out is named by its
    place before, one put in by its place after. Lists of objects are compared place by place.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys((*before, *after)):
            yield from differences(before.get(key), after.get(key), f"{path}/{_escaped(key)}")
    elif isinstance(before, list) and isinstance(after, list):
        compare = _by_place if any(isinstance(item, dict | list) for item in (*before, *after)) else _by_value
        yield from compare(before, after, path)
    elif before != after or type(before) is not type(after):
        yield Difference(path=path, before=before, after=after)


def _by_place(before: list[JsonValue], after: list[JsonValue], path: str) -> Iterator[Difference]:
    for place in range(max(len(before), len(after))):
        yield from differences(_at(before, place), _at(after, place), f"{path}/{place}")


def _by_value(before: list[JsonValue], after: list[JsonValue], path: str) -> Iterator[Difference]:
    kept = {*map(_plain, before)} & {*map(_plain, after)}
    for place, item in enumerate(before):
        if _plain(item) not in kept:
            yield Difference(path=f"{path}/{place}", before=item, after=None)
    for place, item in enumerate(after):
        if _plain(item) not in kept:
            yield Difference(path=f"{path}/{place}", before=None, after=item)


def _plain(item: JsonValue) -> tuple[type, object]:
    return type(item), item


def _at(items: list[JsonValue], place: int) -> JsonValue:
    return items[place] if place < len(items) else None


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
