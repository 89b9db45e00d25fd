from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from shared.offers.diff import differences

CASES: dict[str, tuple[Any, Any, list[tuple[str, Any, Any]]]] = {
    "the same": ({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}, []),
    "a value": ({"a": {"b": 1}}, {"a": {"b": 2}}, [("/a/b", 1, 2)]),
    "a value that came": ({}, {"a": 1}, [("/a", None, 1)]),
    "a value that went": ({"a": 1}, {}, [("/a", 1, None)]),
    "true is not one": ({"a": True}, {"a": 1}, [("/a", True, 1)]),
    "an object in place of null": ({"a": None}, {"a": {"b": 1}}, [("/a", None, {"b": 1})]),
    "another kind": ({"a": [1]}, {"a": "1"}, [("/a", [1], "1")]),
    "codes taken out and put in": (["x", "y", "z"], ["y", "z", "w"], [("/0", "x", None), ("/2", None, "w")]),
    "the order of codes": (["x", "y"], ["y", "x"], []),
    "objects of a list, by place": ([{"t": "a"}], [{"t": "b"}, {"t": "c"}], [("/0/t", "a", "b"), ("/1", None, {"t": "c"})]),
    "keys that need escaping": ({"a/b~c": 1}, {"a/b~c": 2}, [("/a~1b~0c", 1, 2)]),
}


@pytest.mark.parametrize("name", CASES)
def test_differences(name: str) -> None:
    before, after, expected = CASES[name]
    assert [(d.path, d.before, d.after) for d in differences(before, after)] == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from("ab"),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_nothing_differs_from_itself(document: JsonValue) -> None:
    assert list(differences(document, document)) == []


@given(JSON, JSON)
def test_the_other_way_round_before_and_after_change_places(one: JsonValue, other: JsonValue) -> None:
    there = {(d.path, repr(d.before), repr(d.after)) for d in differences(one, other)}
    back = {(d.path, repr(d.after), repr(d.before)) for d in differences(other, one)}
    assert there == back
