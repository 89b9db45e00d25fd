"""Every event of the catalog has a committed example and schema that agree with its model."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

import events
from events.catalog import CATALOG, EventType
from functions.registry import FUNCTIONS, consumers_of

FOLDER = Path(events.__file__).parent
EVERY_EVENT = pytest.mark.parametrize("kind", CATALOG, ids=[kind.type for kind in CATALOG])


def example(kind: EventType) -> bytes:
    return (FOLDER / "examples" / f"{kind.type}.json").read_bytes()


def validator(kind: EventType) -> Draft202012Validator:
    schema = json.loads((FOLDER / "schemas" / f"{kind.type}.json").read_bytes())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())


@EVERY_EVENT
def test_example_fits_its_schema(kind: EventType) -> None:
    validator(kind).validate(json.loads(example(kind)))


@EVERY_EVENT
def test_example_comes_back_from_the_model_as_it_was(kind: EventType) -> None:
    read = kind.payload.model_validate_json(example(kind))
    again = kind.payload.model_validate_json(read.model_dump_json())
    assert again == read
    assert json.loads(read.model_dump_json()) == json.loads(example(kind))


@EVERY_EVENT
def test_schema_and_model_refuse_an_unknown_field(kind: EventType) -> None:
    document: dict[str, Any] = json.loads(example(kind)) | {"surprise": 1}
    with pytest.raises(ValidationError):
        validator(kind).validate(document)
    with pytest.raises(ValueError, match="surprise"):
        kind.payload.model_validate_json(json.dumps(document))


@EVERY_EVENT
def test_event_says_what_it_tells(kind: EventType) -> None:
    assert (kind.payload.__doc__ or "").endswith(".")


def test_folders_hold_the_events_of_the_catalog_and_no_others() -> None:
    types = {kind.type for kind in CATALOG}
    assert {file.stem for file in (FOLDER / "examples").iterdir()} == types
    assert {file.stem for file in (FOLDER / "schemas").iterdir()} == types


def test_types_and_payloads_are_named_once() -> None:
    assert len({kind.type for kind in CATALOG}) == len({kind.payload for kind in CATALOG}) == len(CATALOG)


@EVERY_EVENT
def test_event_is_taken_by_somebody(kind: EventType) -> None:
    assert kind.outward or consumers_of(kind.payload)


def test_functions_send_and_take_only_events_of_the_catalog() -> None:
    known = {kind.payload for kind in CATALOG}
    assert {payload for f in FUNCTIONS for payload in (*f.emits, *f.consumes)} <= known
