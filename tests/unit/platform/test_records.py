"""What becomes of a Kafka record on its way to a function: the CloudEvent that it is, or one that tells of it."""

import base64
import json
from collections.abc import Sequence
from typing import Any, Final

import pytest

from events.envelope import read_http, to_kafka
from shared.platform.kafka.records import LONGEST_ATTRIBUTE, AsRequest, Record, as_request
from tests.unit.events.test_envelope import EVENT_, STRUCTURED

JSON: Final = b"application/json"
GOOD: Final = [("ce_specversion", b"1.0"), ("ce_id", b"17"), ("ce_type", b"a.b"), ("ce_source", b"/there"), ("content-type", JSON)]


def request_of(headers: Sequence[tuple[str, bytes | None]], value: bytes | None = b"{}", key: bytes | None = None) -> AsRequest:
    return as_request(Record("clo.things", 3, 42, 1_768_478_400_000, headers, key, value))


def structured(**overrides: Any) -> AsRequest:
    return request_of([("content-type", b"application/cloudevents+json")], json.dumps(STRUCTURED | overrides).encode(), b"shard-3")


def test_event_of_ours_reaches_the_function_as_it_was() -> None:
    headers, value = to_kafka(EVENT_)
    assert read_http(*request_of(headers, value, b"shard-3")) == EVENT_


def test_event_of_others_passes_with_all_its_attributes() -> None:
    headers, body = request_of([*GOOD, ("ce_other", b"x"), ("unrelated", b"y"), ("ce_none", None)], b"data", b"k")
    assert body == b"data"
    assert headers == {
        "content-type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": "17",
        "ce-type": "a.b",
        "ce-source": "/there",
        "ce-other": "x",
        "ce-partitionkey": "k",
    }


def test_event_in_structured_mode_is_the_same_event() -> None:
    read = read_http(*structured())
    assert (read.event_id, read.key, json.loads(read.payload)) == (EVENT_.event_id, "shard-3", json.loads(EVENT_.payload))
    headers, body = structured(data=None, data_base64=base64.b64encode(b"\x00raw").decode(), number=7, truth=True)
    assert (headers["ce-number"], headers["ce-truth"], body) == ("7", "true", b"\x00raw")


@pytest.mark.parametrize(
    "headers",
    [
        [],
        *([header for header in GOOD if header[0] != f"ce_{name}"] for name in ("specversion", "id", "type", "source")),
        [*GOOD, ("ce_bad name", b"x")],
        [*GOOD, ("ce_long", b"x" * (LONGEST_ATTRIBUTE + 1))],
        [*GOOD, *((f"ce_a{number}", b"x") for number in range(64))],
    ],
)
def test_record_that_is_no_event_becomes_one_that_tells_of_it(headers: list[tuple[str, bytes]]) -> None:
    told, body = request_of(headers, b"\xffraw")
    assert body == b"\xffraw"
    assert {name: value for name, value in told.items() if name.startswith("ce-")} == {
        "ce-specversion": "1.0",
        "ce-type": "dev.knative.kafka.event",
        "ce-id": "partition:3/offset:42",
        "ce-source": "/kafka#clo.things",
        "ce-subject": "partition:3#42",
        "ce-time": "2026-01-15T12:00:00+00:00",
    }


@pytest.mark.parametrize("value", [None, b"", b"no JSON", b"[]", b"1", b"[" * 100_000, json.dumps(STRUCTURED | {"id": {}}).encode()])
def test_structured_record_that_holds_no_event_is_none(value: bytes | None) -> None:
    told, body = request_of([("content-type", b"application/cloudevents+json")], value)
    assert told["ce-type"] == "dev.knative.kafka.event"
    assert body == (value or b"")


@pytest.mark.parametrize("value", ["a\r\nx-evil: 1", " edges ", "caf\u00e9", "\x00", "tab\tbed"])
def test_attribute_is_written_as_a_header_may_hold_it(value: str) -> None:
    headers, _ = request_of([*GOOD, ("ce_subject", value.encode())])
    written = headers["ce-subject"]
    assert written.isascii()
    assert written.isprintable()
    assert written == written.strip()


def test_attributes_are_added_beside_the_others() -> None:
    headers, body = request_of(GOOD).saying({"knativeerrorcode": "422"})
    assert headers["ce-knativeerrorcode"] == "422"
    assert (headers["ce-id"], body) == ("17", b"{}")
