"""JSON Schemas (draft 2020-12) of the shapes on the wire, without the titles that pydantic gives to every field."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from events.catalog import CATALOG, EventType
from shared.kernel.errors import Broken
from shared.kernel.wire import Wire

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
COMPONENT: Final = "#/components/schemas/{model}"
QUALIFIED: Final = re.compile(r"^(?:shared__)?(\w+?)__(?:\w+?__)*([A-Za-z0-9]+(?:-\w+)?)$")

Schema = dict[str, Any]
Shape = tuple[type[Wire], JsonSchemaMode]


class _Plain(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002  (pydantic's signature)
        return False


def events() -> dict[str, Schema]:
    """The schema of every event of the catalog, by its type."""
    return {kind.type: event(kind) for kind in CATALOG}


def event(kind: EventType) -> Schema:
    """The schema of one event's data."""
    return {
        "$schema": DIALECT,
        "$id": f"urn:clo:schema:{kind.type}",
        **kind.payload.model_json_schema(mode="serialization", schema_generator=_Plain),
    }


def components(shapes: Iterable[Shape]) -> tuple[Mapping[Shape, Schema], dict[str, Schema]]:
    """A reference for each shape, and the schemas they refer to by name; shapes of one name get their area's before it."""
    ordered: list[Shape] = sorted(set(shapes), key=_order)
    references, whole = models_json_schema(ordered, schema_generator=_Plain, ref_template=COMPONENT)
    definitions = whole.get("$defs", {})
    names = {name: _short(name) for name in definitions}
    if len(set(names.values())) < len(names):
        raise Broken(f"Two shapes of one area bear one name: {', '.join(sorted(names))}.")
    return (
        {shape: _renamed(reference, names) for shape, reference in references.items()},  # type: ignore[misc]
        {names[name]: _renamed(schema, names) for name, schema in sorted(definitions.items(), key=lambda item: names[item[0]])},
    )


def _order(shape: Shape) -> tuple[str, str, str]:
    model, mode = shape
    return model.__module__, model.__qualname__, mode


def _short(name: str) -> str:
    """`shared__campaigns__api__Window` would be CampaignsWindow."""
    found = QUALIFIED.fullmatch(name)
    return f"{found[1].capitalize()}{found[2]}" if found else name


def _renamed(node: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401  (any part of a schema)
    if isinstance(node, list):
        return [_renamed(item, names) for item in node]
    if not isinstance(node, dict):
        return node
    renamed = {key: _renamed(value, names) for key, value in node.items()}
    if isinstance(reference := renamed.get("$ref"), str):
        folder, _, name = reference.rpartition("/")
        renamed["$ref"] = f"{folder}/{names.get(name, name)}"
    for tag, reference in renamed.get("mapping", {}).items():  # a discriminator's
        folder, _, name = str(reference).rpartition("/")
        renamed["mapping"][tag] = f"{folder}/{names.get(name, name)}"
    return renamed
