"""The OpenAPI 3.1 document of all HTTP functions, from the registry and the type hints of the use cases."""

import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module, metadata
from typing import Any, Final

from functions.registry import FUNCTIONS
from functions.wiring import Function
from shared.kernel.wire import Csv
from shared.platform.generate.schemas import COMPONENT, Schema, Shape, components
from shared.platform.generate.words import function_words
from shared.platform.http import CSV, IDEMPOTENCY_KEY, JSON, MAX_KEY, REPLAYED
from shared.platform.operations import Operation, operation

Bound = tuple[Function, Operation]

PROBLEM: Final[Schema] = {
    "type": "object",
    "description": "Why a request was not carried out (RFC 9457), with everything that is wrong with it.",
    "required": ["type", "title", "status", "detail", "trace"],
    "properties": {
        "type": {"type": "string", "description": "Stable name of the kind of problem: urn:clo:problem:<code>."},
        "title": {"type": "string", "description": "The kind of problem in words."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What it was this time."},
        "trace": {"type": "string", "description": "W3C traceparent of the request, to ask about it."},
        "problems": {
            "type": "array",
            "description": "Each thing that is wrong with the input.",
            "items": {
                "type": "object",
                "required": ["path", "message"],
                "properties": {
                    "path": {"type": "string", "description": "JSON pointer into the body, or /path/<name>, or /query/<name>."},
                    "message": {"type": "string", "description": "What is wrong there."},
                },
            },
        },
    },
}

FAILURES: Final[Mapping[int, tuple[str, str]]] = {
    400: ("Malformed", "The body is not JSON."),
    401: ("Unauthenticated", "No token, or one that is not accepted."),
    403: ("Forbidden", "The token lacks the scope, or requester and approver are the same person."),
    404: ("NotFound", "There is no such thing."),
    409: ("Conflict", "The state of things does not allow it, or the idempotency key was used with another input."),
    413: ("TooLarge", "The body is larger than is accepted here."),
    415: ("UnsupportedMedia", "The body is not application/json."),
    422: ("Invalid", "The input is wrong; all problems are listed. A card number anywhere in it is one."),
    500: ("Broken", "Our fault; nothing was changed."),
    503: ("Busy", "Not now: try again."),
}


def document() -> dict[str, Any]:
    """The whole document."""
    bound = bind()
    references, schemas = components(shape for _, op in bound for shape in _shapes(op))
    paths: dict[str, dict[str, Any]] = {}
    for function, op in bound:
        described = _operation(function, op, references, schemas)
        paths.setdefault(op.route.path, {})[op.route.method.lower()] = described
    queries = {op.query for _, op in bound if op.query}
    for reference in {references[query, "validation"]["$ref"] for query in queries}:
        schemas.pop(reference.rpartition("/")[2])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Clo",
            "version": metadata.version("clo"),
            "summary": "Card-linked cashback offers.",
            "description": "Every function also answers GET /healthz and GET /readyz at its own address.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": f.name, "description": function_words(f.name)} for f in FUNCTIONS if f.routes],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "parameters": {"IdempotencyKey": _idempotency_key()},
            "headers": _headers(),
            "responses": {name: _failure(description) for name, description in FAILURES.values()},
            "schemas": dict(sorted({**schemas, "Problem": PROBLEM}.items())),
        },
    }


@cache
def bind() -> tuple[Bound, ...]:
    """Every route with its use case."""
    return tuple((f, operation(route, import_module(f.service))) for f in FUNCTIONS for route in f.routes)


def _shapes(op: Operation) -> Iterator[Shape]:
    if not issubclass(op.answer, Csv):
        yield op.answer, "serialization"
    yield from ((model, "validation") for model in (op.query, _body(op)) if model)


def _body(op: Operation) -> Any:  # noqa: ANN401  (a model or None)
    return op.body or op.raw_schema


def _operation(function: Function, op: Operation, references: Mapping[Shape, Schema], schemas: Mapping[str, Schema]) -> dict[str, Any]:
    summary, _, rest = (inspect.getdoc(op.use_case) or "").partition("\n")
    body = _body(op)
    described = {
        "operationId": op.route.operation,
        "summary": summary,
        "description": rest.strip(),
        "tags": [function.name],
        "security": [{"bearer": [op.route.scope]}],
        "parameters": list(_parameters(op, references, schemas)),
        "requestBody": _json_body(references[body, "validation"], schemas) if body else None,
        "responses": _responses(op, _content(op, references)),
    }
    return {key: value for key, value in described.items() if value}


def _parameters(op: Operation, references: Mapping[Shape, Schema], schemas: Mapping[str, Schema]) -> Iterator[Schema]:
    for name, adapter in op.parameters.items():
        yield {"name": name, "in": "path", "required": True, "schema": adapter.json_schema()}
    if op.query:
        schema = schemas[references[op.query, "validation"]["$ref"].removeprefix(COMPONENT.format(model=""))]
        for name, field in schema.get("properties", {}).items():
            described = {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": dict(field)}
            if words := described["schema"].pop("description", None):
                described["description"] = words
            yield described
    if op.route.method == "POST":
        yield {"$ref": "#/components/parameters/IdempotencyKey"}


def _content(op: Operation, references: Mapping[Shape, Schema]) -> Schema:
    if issubclass(op.answer, Csv):
        return {CSV: {"schema": {"type": "string"}}}
    return {JSON: {"schema": references[op.answer, "serialization"]}}


def _responses(op: Operation, content: Schema) -> dict[str, Any]:
    posts, takes_input = op.route.method == "POST", bool(op.parameters or op.query or _body(op))
    can_happen = {400: _body(op), 404: op.parameters, 409: posts, 413: _body(op), 415: _body(op), 422: takes_input}
    headers = ["Trace", "Replayed"] if posts else ["Trace"]
    return {
        str(op.route.status): {
            "description": "The answer.",
            "headers": {name: {"$ref": f"#/components/headers/{key}"} for key, name in _HEADER_NAMES.items() if key in headers},
            "content": content,
        },
        **{
            str(status): {"$ref": f"#/components/responses/{name}"}
            for status, (name, _) in FAILURES.items()
            if can_happen.get(status, True)
        },
    }


def _json_body(reference: Schema, schemas: Mapping[str, Schema]) -> Schema:
    """An empty body stands for an empty object: it is needed where the shape needs a field."""
    needed = bool(schemas[reference["$ref"].removeprefix(COMPONENT.format(model=""))].get("required"))
    return {"required": needed, "content": {"application/json": {"schema": reference}}}


def _failure(description: str) -> Schema:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {"application/problem+json": {"schema": schema}}}


def _idempotency_key() -> Schema:
    return {
        "name": IDEMPOTENCY_KEY,
        "in": "header",
        "required": False,
        "description": "The same key with the same input gives the first answer again; with another input it is a conflict.",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY},
    }


_HEADER_NAMES: Final = {"Trace": "traceparent", "Replayed": REPLAYED}


def _headers() -> dict[str, Schema]:
    return {
        "Trace": {"description": "W3C trace context of the request.", "schema": {"type": "string"}},
        "Replayed": {
            "description": "`true` where this is the answer to an earlier request with the same key.",
            "schema": {"const": "true"},
        },
    }
