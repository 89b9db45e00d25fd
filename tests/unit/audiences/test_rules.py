import json
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.audiences.rules import MAX_DEPTH, SizedRule
from shared.platform.operations import problems_of
from tests.unit.audiences.builders import read

LEAF = {"attribute": "age", "op": "eq", "value": "18-24"}
SIZED: TypeAdapter[Any] = TypeAdapter(SizedRule)


def paths(rule: object) -> list[str]:
    with pytest.raises(ValidationError) as refused:
        SIZED.validate_json(json.dumps(rule))
    return [problem.path for problem in problems_of(refused.value)]


def nested(depth: int) -> dict[str, Any]:
    return LEAF if depth == 1 else {"not": nested(depth - 1)}


@pytest.mark.parametrize(
    "rule",
    [
        LEAF,
        {"attribute": "age", "op": "in", "value": ["18-24", 3, True]},
        {"attribute": "size", "op": "gt", "value": 3},
        {"attribute": "size", "op": "exists"},
        {"all": [LEAF, {"any": [LEAF]}, {"not": LEAF}]},
    ],
)
def test_a_rule_is_written_as_it_was_read(rule: dict[str, Any]) -> None:
    assert json.loads(read(rule).model_dump_json(exclude_none=True)) == rule


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"attribute": "age"},
        {"op": "eq", "value": 1},
        {"attribute": "age", "op": "eq"},
        {"attribute": "age", "op": "eq", "value": ["18-24"]},
        {"attribute": "age", "op": "in", "value": "18-24"},
        {"attribute": "age", "op": "in", "value": []},
        {"attribute": "age", "op": "gt", "value": True},
        {"attribute": "age", "op": "exists", "value": True},
        {"all": [LEAF], "any": [LEAF]},
        {"all": [LEAF], **LEAF},
    ],
)
def test_a_rule_says_one_whole_thing(rule: dict[str, Any]) -> None:
    assert paths(rule) == [""]


def test_names_every_problem_with_its_place() -> None:
    rule = {
        "all": [
            {"attribute": "a b", "op": "eq", "value": 1},
            {"attribute": "age", "op": "like", "value": 1},
            {"not": {"attribute": "age", "op": "eq", "value": 1.5}},
            {"any": []},
            {"none": LEAF},
            {"attribute": "mail", "op": "eq", "value": "jane@example.com"},
        ]
    }
    assert paths(rule) == ["/all/0/attribute", "/all/1/op", "/all/2/not/value", "/all/3/any", "/all/4/none", "/all/5/value"]


def test_a_rule_may_be_so_deep_and_no_deeper() -> None:
    assert SIZED.validate_json(json.dumps(nested(MAX_DEPTH)))
    assert paths(nested(MAX_DEPTH + 1)) == [""]


@pytest.mark.parametrize("depth", [150, 5_000])
def test_a_rule_of_any_depth_is_refused_without_harm(depth: int) -> None:
    text = '{"not":' * depth + json.dumps(LEAF) + "}" * depth
    with pytest.raises(ValidationError):
        SIZED.validate_json(text)


def test_a_rule_may_not_be_too_large() -> None:
    many = {"attribute": "age", "op": "in", "value": [f"v{n}" for n in range(600)]}
    assert SIZED.validate_json(json.dumps({"any": [many]}))
    assert paths({"any": [many, many]}) == [""]


@pytest.mark.parametrize("value", ["", "a\x00b", "a\nb", "x" * 201, 10**16, None, {}, 0.5])
def test_values_that_no_attribute_has_are_refused(value: object) -> None:
    assert paths({"attribute": "age", "op": "eq", "value": value}) != []
