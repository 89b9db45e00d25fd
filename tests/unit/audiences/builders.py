"""Rules as they are sent, what they mean in plain Python, and strategies for both."""

import json
import operator
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from shared.audiences.rules import Rule
from shared.kernel.attributes import CONTACT

NAMES = ("age", "size", "home.owner", "x-1")
COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
Attributes = Mapping[str, Any]

words = st.one_of(
    st.sampled_from(["18-24", "25-34", 'a"b', "\\", "') || true", '"?(@ == 1)', "$", "é", "\U0001f600", "\uffff", "z"]),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20),
).filter(lambda text: not CONTACT.search(text))
values = st.one_of(words, st.integers(-3, 3), st.integers(-(10**15), 10**15), st.booleans())
attributes = st.dictionaries(st.sampled_from(NAMES), values)


def _condition(op: str) -> st.SearchStrategy[dict[str, Any]]:
    comparable = st.one_of(words, st.integers(-3, 3))
    value = {"in": st.lists(values, min_size=1, max_size=4), "exists": st.none()}.get(op, comparable if op in COMPARE else values)
    return st.fixed_dictionaries({"attribute": st.sampled_from(NAMES), "op": st.just(op), "value": value})


conditions = st.sampled_from(["eq", "ne", "in", "gt", "gte", "lt", "lte", "exists"]).flatmap(_condition)
rules = st.recursive(
    conditions,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=6,
)


def read(rule: dict[str, Any]) -> Rule:
    return Rule.model_validate_json(json.dumps(rule))


def holds(rule: Mapping[str, Any], of: Attributes) -> bool:
    """What a rule means."""
    if "all" in rule:
        return all(holds(part, of) for part in rule["all"])
    if "any" in rule:
        return any(holds(part, of) for part in rule["any"])
    if "not" in rule:
        return not holds(rule["not"], of)
    return _condition_holds(rule["op"], of.get(rule["attribute"]), rule["value"])


def _condition_holds(op: str, found: object, value: object) -> bool:
    match op:
        case "exists":
            return found is not None
        case "in":
            return isinstance(value, list) and any(_same(found, one) for one in value)
        case "eq":
            return _same(found, value)
        case "ne":
            return not _same(found, value)
        case _:
            return type(found) is type(value) and COMPARE[op](found, value)


def _same(found: object, value: object) -> bool:
    return type(found) is type(value) and found == value
