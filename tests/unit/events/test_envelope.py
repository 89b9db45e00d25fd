"""An event is the same event over HTTP and on Kafka, and what is no CloudEvent of ours is told apart."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import pytest

from events.envelope import Envelope, KafkaHeaders, read_http, read_kafka, to_http, to_kafka
from shared.kernel.errors import Malformed
from shared.kernel.ids import EVENT, new_id

NOW: Final = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
EVENT_: Final = Envelope(
    event_id=new_id(NOW),
    type="clo.schedule.ticked.v1",
    source="/clo",
    subject="schedule",
    occurred_at=NOW,
    payload=b'{"at":  "2026-01-15T12:00:00Z"}',
    trace="00-0123456789abcdef0123456789abcdef-0123456789abcdef-01",
    key="shard-3",
)
BARE: Final = replace(EVENT_, subject="", trace=None, key=None)
STRUCTURED: Final = {
    "specversion": "1.0",
    "id": EVENT.render(EVENT_.event_id),
    "type": EVENT_.type,
    "source": EVENT_.source,
    "subject": EVENT_.subject,
    "time": NOW.isoformat(),
    "traceparent": EVENT_.trace,
    "data": {"at": "2026-01-15T12:00:00Z"},
}


@pytest.mark.parametrize("event", [EVENT_, BARE])
def test_event_comes_back_from_http_as_it_was(event: Envelope) -> None:
    assert read_http(*to_http(event)) == event


@pytest.mark.parametrize("event", [EVENT_, BARE])
def test_event_comes_back_from_kafka_as_it_was(event: Envelope) -> None:
    headers, value = to_kafka(event)
    assert read_kafka(headers, event.key.encode() if event.key else None, value) == event


def test_key_also_travels_as_an_attribute() -> None:
    headers, value = to_kafka(EVENT_)
    assert ("ce_partitionkey", b"shard-3") in headers
    assert read_kafka(headers, None, value).key == "shard-3"
    assert to_http(EVENT_)[0]["ce-partitionkey"] == "shard-3"


def test_record_is_binary_with_the_payload_untouched() -> None:
    headers, value = to_kafka(EVENT_)
    assert value == EVENT_.payload
    assert dict(headers)["content-type"] == b"application/json"
    assert {name for name, _ in headers if name.startswith("ce_")} == {
        *("ce_id", "ce_type", "ce_source", "ce_specversion", "ce_subject", "ce_time", "ce_traceparent", "ce_partitionkey")
    }


def test_record_in_structured_mode_is_the_same_event() -> None:
    headers: KafkaHeaders = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
    read = read_kafka(headers, b"shard-3", json.dumps(STRUCTURED).encode())
    assert read == replace(EVENT_, payload=b'{"at": "2026-01-15T12:00:00Z"}')


def without(name: str) -> KafkaHeaders:
    return [header for header in to_kafka(EVENT_)[0] if header[0] != name]


def saying(name: str, content: bytes) -> KafkaHeaders:
    return [*without(name), (name, content)]


@pytest.mark.parametrize(
    ("headers", "key", "value"),
    [
        ([], None, b"{}"),
        ([], None, None),
        (to_kafka(EVENT_)[0], b"k", None),
        (to_kafka(EVENT_)[0], b"k", b""),
        (to_kafka(EVENT_)[0], b"\xff", b"{}"),
        *((without(name), b"k", b"{}") for name in ("ce_id", "ce_type", "ce_source", "ce_specversion")),
        (saying("ce_id", b"17"), b"k", b"{}"),
        (saying("ce_id", b"\xff\xfe"), b"k", b"{}"),
        (saying("ce_time", b"yesterday"), b"k", b"{}"),
        (saying("ce_specversion", b"0.1"), b"k", b"{}"),
        ([("content-type", b"application/cloudevents+json")], b"k", b"not JSON"),
        ([("content-type", b"application/cloudevents+json")], b"k", b"[]"),
        ([("content-type", b"application/cloudevents+json")], b"k", json.dumps(STRUCTURED | {"id": None}).encode()),
        ([("content-type", b"application/cloudevents+json")], b"k", b"[" * 100_000),
    ],
)
def test_record_that_is_no_cloudevent_of_ours_is_malformed(headers: KafkaHeaders, key: bytes | None, value: bytes | None) -> None:
    with pytest.raises(Malformed):
        read_kafka(headers, key, value)


def test_event_of_others_is_known_by_its_source_and_id() -> None:
    def told(**other: str) -> Envelope:
        said = {"specversion": "1.0", "id": "17", "source": "//storage", "type": "com.example.told", "time": NOW.isoformat()} | other
        return read_http({f"ce-{name}": value for name, value in said.items()} | {"content-type": "application/json"}, b"{}")

    assert told().event_id == told().event_id
    assert len({told().event_id, told(id="18").event_id, told(source="//other").event_id}) == 3
