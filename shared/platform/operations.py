"""From a route of the registry to a use case: what it takes from path, query and body, told by its type hints."""

import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from types import ModuleType
from typing import Annotated, Any, Final, TypeVar, get_type_hints
from urllib.parse import unquote_plus

from pydantic import Field, TypeAdapter, ValidationError, create_model
from pydantic_core import ErrorDetails
from starlette.routing import compile_path

from functions.wiring import Route
from shared.kernel.cards import find_card_number, mask
from shared.kernel.errors import CardNumberFound, Invalid, Malformed, Problem
from shared.kernel.wire import Wire

MAX_PROBLEMS: Final = 100
Shape = TypeVar("Shape", bound=Wire)


@dataclass(frozen=True, slots=True)
class BodySchema:
    """The shape of a batch that a use case reads item by item: `raw: Annotated[bytes, BodySchema("merchants", Merchant, 1_000)]`."""

    field: str
    item: type[Wire]
    most: int

    def model(self) -> type[Wire]:
        """The body as a model: `{field: [item, ...]}`, of 1 to `most` items."""
        items: Any = (Annotated[list[self.item], Field(min_length=1, max_length=self.most)], ...)  # type: ignore[name-defined]
        return create_model(f"{self.item.__name__}Batch", __base__=Wire, __doc__="A batch of items.", **{self.field: items})


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One route with its use case. The use case takes `call`, path parameters by name, and `query`, `body` or `raw` where it has them."""

    route: Route
    use_case: Callable[..., Wire]
    path_pattern: Any
    parameters: Mapping[str, TypeAdapter[Any]]
    query: type[Wire] | None
    body: type[Wire] | None
    raw_body: bool
    raw_schema: type[Wire] | None
    answer: type[Wire]

    def arguments(self, path: Mapping[str, str], query: Mapping[str, str], body: bytes) -> dict[str, Any]:
        """The use case's arguments from a request. Raises Invalid with all that is wrong with any of them."""
        arguments: dict[str, Any] = {}
        problems: list[Problem] = []
        for name, adapter in self.parameters.items():
            _collect(arguments, problems, name, f"/path/{name}", partial(adapter.validate_python, path[name]))
        if self.query:
            _collect(arguments, problems, "query", "/query", lambda: self.query.model_validate_strings(dict(query)))  # type: ignore[union-attr]
        elif query:
            problems += [Problem(path=f"/query/{name}", message="is not a parameter of this operation") for name in query]
        if self.body:
            _collect(arguments, problems, "body", "", lambda: self.body.model_validate_json(body or b"{}"), body or b"{}")  # type: ignore[union-attr]
        if self.raw_body:
            arguments["raw"] = body
        if problems:
            raise Invalid(problems=tuple(problems[:MAX_PROBLEMS]))
        return arguments


def operation(route: Route, service: ModuleType) -> Operation:
    """Bind a route to the use case of its name in the service."""
    use_case = getattr(service, route.operation)
    hints = get_type_hints(use_case, include_extras=True)
    names = set(inspect.signature(use_case).parameters)
    pattern, _, convertors = compile_path(route.path)
    return Operation(
        route=route,
        use_case=use_case,
        path_pattern=pattern,
        parameters={name: TypeAdapter(hints[name]) for name in convertors},
        query=hints["query"] if "query" in names else None,
        body=hints["body"] if "body" in names else None,
        raw_body="raw" in names,
        raw_schema=next((told.model() for told in getattr(hints.get("raw"), "__metadata__", ()) if isinstance(told, BodySchema)), None),
        answer=hints["return"],
    )


def refuse_card_numbers(body: bytes) -> None:
    """Raise CardNumberFound, with every place, when a JSON body holds a card number, however its digits are written."""
    found = find_card_number(body) is not None
    if not found and b"\\u" not in body:
        return
    try:
        places = _card_number_places(json.loads(body), "")
    except (ValueError, RecursionError):
        places = []  # no JSON that can be looked into: it is refused for that, or for what its text holds
    if found or places:
        problems = tuple(Problem(path=mask(path), message="is a card number; send a token instead") for path in places)
        raise CardNumberFound(problems=problems[:MAX_PROBLEMS])


def refuse_card_numbers_in_words(*words: str) -> None:
    """Raise CardNumberFound when an address, a header or another short text holds a card number, as it is or percent-encoded."""
    said = "\n".join(words)
    meant = unquote_plus(said)
    if find_card_number(said.encode()) or (meant != said and find_card_number(meant.encode())):
        raise CardNumberFound


def read_payload(model: type[Shape], raw: bytes) -> Shape:
    """What an event says, or as much of it as a shape asks for. Raises Invalid with all that is wrong with it."""
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise Invalid(problems=tuple(problems_of(error))) from error


def problems_of(error: ValidationError, base: str = "", body: bytes = b"null") -> list[Problem]:
    """Each error of a validation as a problem with its JSON pointer into the body."""
    document = json.loads(body)
    return [
        Problem(path=base + _pointer(detail, document), message=_sentence(detail))
        for detail in error.errors(include_url=False, include_input=False)
    ]


def _collect(
    arguments: dict[str, Any], problems: list[Problem], name: str, base: str, read: Callable[[], object], body: bytes = b"null"
) -> None:
    try:
        arguments[name] = read()
    except ValidationError as error:
        if any(detail["type"] == "json_invalid" for detail in error.errors(include_url=False, include_input=False)):
            raise Malformed("The body is not valid JSON.") from error
        problems += problems_of(error, base, body)


def _pointer(detail: ErrorDetails, document: object) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in _places(detail["loc"], document))


def _places(parts: Sequence[int | str], document: object) -> Iterator[int | str]:
    """The parts of a place but for the names of kinds: a shape chosen by its `kind` is told of with that name, which is no place."""
    at: Any = document
    for part, inner in zip_longest(parts, parts[1:]):
        if isinstance(at, dict) and part == at.get("kind") and (part not in at or isinstance(inner, str)):
            continue
        yield part
        try:
            at = at[part]
        except (LookupError, TypeError):
            at = None


def _sentence(detail: ErrorDetails) -> str:
    return detail["msg"].removeprefix("Value error, ")


def _card_number_places(value: object, path: str) -> list[str]:
    if isinstance(value, dict):
        return [
            p
            for key, item in value.items()
            for p in (*_card_number_places(key, f"{path}/{{key}}"), *_card_number_places(item, f"{path}/{key}"))
        ]
    if isinstance(value, list):
        return [p for index, item in enumerate(value) for p in _card_number_places(item, f"{path}/{index}")]
    return [path] if find_card_number(str(value).encode()) else []
