"""Rules over customers' attributes: their language, and their meaning as one PostgreSQL jsonpath predicate.

A rule is evaluated in the database, where the attributes are: a set of a million customers never leaves it. The validated tree becomes
a jsonpath that travels as one parameter (`attributes @@ %(rule)s::jsonpath`); all values in it are JSON literals. No SQL is put together.
"""

import json
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema, model_validator

from shared.kernel.attributes import SCALAR_SCHEMA, SCALARS, AttributeName, check_value
from shared.kernel.wire import Wire

MAX_DEPTH: Final = 8
MAX_VALUES: Final = 1_000

OPERAND_SCHEMA: Final = {"anyOf": [*SCALARS, {"type": "array", "items": SCALAR_SCHEMA, "maxItems": MAX_VALUES}, {"type": "null"}]}


def _operand(value: object) -> object:
    if isinstance(value, list):
        return [check_value(one) for one in value]
    return None if value is None else check_value(value)


Operand = Annotated[Any, AfterValidator(_operand), WithJsonSchema(OPERAND_SCHEMA)]

Operator = Literal["eq", "ne", "in", "gt", "gte", "lt", "lte", "exists"]
COMPARISONS: Final = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def _is_scalar(value: object) -> bool:
    return value is not None and not isinstance(value, list)


TAKES: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "eq": (_is_scalar, "one value"),
    "ne": (_is_scalar, "one value"),
    "in": (lambda value: isinstance(value, list) and 1 <= len(value) <= MAX_VALUES, f"a list of 1 to {MAX_VALUES} values"),
    **dict.fromkeys(COMPARISONS, (lambda value: _is_scalar(value) and not isinstance(value, bool), "a number or words")),
    "exists": (lambda value: value is None, "no value"),
}
"""What each operator takes as its value."""


class Rule(Wire):
    """Who belongs: a condition on one attribute, or all, any or none of other rules.

    A condition compares like with like only: words with words (by code point), numbers with numbers. An attribute that a customer lacks
    meets no condition but `ne`.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    attribute: AttributeName | None = None
    op: Operator | None = None
    value: Operand = None
    all: Annotated[list["Rule"], Field(min_length=1, max_length=MAX_VALUES)] | None = None
    any: Annotated[list["Rule"], Field(min_length=1, max_length=MAX_VALUES)] | None = None
    none: Annotated["Rule | None", Field(alias="not")] = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> "Rule":
        said = [name for name, part in (("all", self.all), ("any", self.any), ("not", self.none)) if part is not None]
        if self.attribute is None and self.op is None and self.value is None and len(said) == 1:
            return self
        if said or self.attribute is None or self.op is None:
            raise ValueError('must be one of {"all": [...]}, {"any": [...]}, {"not": {...}} or {"attribute", "op", "value"}')
        takes, words = TAKES[self.op]
        if not takes(self.value):
            raise ValueError(f"{self.op} takes {words}")
        return self


def check_size(rule: Rule) -> Rule:
    """The rule, if it is neither too deep nor too large to be evaluated. Raises ValueError."""
    if _depth(rule) > MAX_DEPTH:
        raise ValueError(f"is nested deeper than {MAX_DEPTH}")
    if sum(_weights(rule)) > MAX_VALUES:
        raise ValueError(f"has more than {MAX_VALUES} conditions and values")
    return rule


SizedRule = Annotated[Rule, AfterValidator(check_size)]


def to_jsonpath(rule: Rule) -> str:
    """The jsonpath predicate that holds for the attributes of just those who belong. It is true or false, never unknown."""
    if rule.all is not None:
        return _joined("&&", map(to_jsonpath, rule.all))
    if rule.any is not None:
        return any_of(map(to_jsonpath, rule.any))
    if rule.none is not None:
        return f"(!{to_jsonpath(rule.none)})"
    return _condition(rule)


def any_of(predicates: Iterator[str]) -> str:
    """The predicate that holds where any of these does."""
    return _joined("||", predicates)


def _joined(operator: str, predicates: Iterator[str]) -> str:
    return f"({f' {operator} '.join(predicates)})"


def _condition(rule: Rule) -> str:
    """`exists(... ? (...))` makes a comparison of unlike types false where the bare comparison would be unknown."""
    path = f"$.{json.dumps(rule.attribute)}"
    match rule.op:
        case "exists":
            return f"(exists({path}))"
        case "in":
            tests = _joined("||", (f"@ == {json.dumps(value)}" for value in rule.value))
        case "eq" | "ne":
            tests = f"(@ == {json.dumps(rule.value)})"
        case op:
            tests = f"(@ {COMPARISONS[str(op)]} {json.dumps(rule.value)})"
    found = f"(exists({path} ? {tests}))"
    return f"(!{found})" if rule.op == "ne" else found


def _parts(rule: Rule) -> list[Rule]:
    return [*(rule.all or ()), *(rule.any or ()), *((rule.none,) if rule.none else ())]


def _depth(rule: Rule) -> int:
    return 1 + max(map(_depth, _parts(rule)), default=0)


def _weights(rule: Rule) -> Iterator[int]:
    yield len(rule.value) if isinstance(rule.value, list) else 1
    for part in _parts(rule):
        yield from _weights(part)
