"""Everything that follows from the two wiring tables: OpenAPI, AsyncAPI, JSON Schemas and the reference pages. Pure: text by path."""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from shared.platform.generate import asyncapi, openapi, reference, schemas

OWNED: Final = ("events/schemas", "docs/reference")
"""Folders that hold generated files and nothing else."""


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _schemas() -> dict[str, str]:
    return {f"events/schemas/{name}.json": _json(schema) for name, schema in schemas.events().items()}


PARTS: Final[Mapping[str, Callable[[], dict[str, str]]]] = MappingProxyType(
    {
        "schemas": _schemas,
        "asyncapi": lambda: {"docs/reference/asyncapi.json": _json(asyncapi.document())},
        "openapi": lambda: {"docs/reference/openapi.json": _json(openapi.document())},
        "reference": lambda: {f"docs/reference/{name}.md": page for name, page in reference.pages().items()},
    }
)
"""What can be generated, each part by itself: paths from the root of the repository, and their text."""


def documents() -> dict[str, str]:
    """Every generated file. The same code always gives the same bytes."""
    return {path: text for part in PARTS.values() for path, text in part().items()}
