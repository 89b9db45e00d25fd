"""The CloudEvents envelope: the only module that knows the cloudevents package."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

from cloudevents import kafka
from cloudevents.abstract import AnyCloudEvent
from cloudevents.conversion import to_binary
from cloudevents.exceptions import GenericException
from cloudevents.http import CloudEvent, from_http

from shared.kernel.errors import Malformed
from shared.kernel.ids import EVENT, derived_id

CONTENT_TYPE: Final = "application/json"
STRUCTURED: Final = b"application/cloudevents"
OURS: Final = "clo."
"""What the types of our events begin with: their ids have a form of their own."""
UNREADABLE: Final = (GenericException, KeyError, ValueError, TypeError, AttributeError, RecursionError)

T = TypeVar("T")
KafkaHeaders = list[tuple[str, bytes]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """An event on its way: what it is, where it came from, and its payload as JSON bytes."""

    event_id: UUID
    """Its own, or of an event of others derived from its source and id."""
    type: str
    source: str
    subject: str
    occurred_at: datetime
    payload: bytes
    trace: str | None = None
    key: str | None = None
    """What the event is ordered by; the CloudEvents extension attribute `partitionkey`."""


def to_http(envelope: Envelope) -> tuple[dict[str, str], bytes]:
    """Headers and body of the event in binary content mode (CloudEvents HTTP binding 1.0.2)."""
    headers, body = to_binary(_event(envelope))
    return dict(headers), body


def read_http(headers: Mapping[str, str], body: bytes) -> Envelope:
    """Read an event from a request, in binary or structured mode. Raises Malformed for what is no CloudEvent of ours."""
    try:
        return _envelope(from_http(dict(headers), body, data_unmarshaller=_json))
    except UNREADABLE as error:
        raise Malformed("The request carries no readable CloudEvent.") from error


def to_kafka(envelope: Envelope) -> tuple[KafkaHeaders, bytes]:
    """Headers and value of the event in binary content mode (CloudEvents Kafka binding 1.0.2); the record's key is the event's."""
    message = kafka.to_binary(_event(envelope), data_marshaller=_as_it_is)
    key = [("ce_partitionkey", envelope.key.encode())] if envelope.key is not None else []
    return [*message.headers.items(), *key], envelope.payload


def read_kafka(headers: Iterable[tuple[str, bytes | None]], key: bytes | None, value: bytes | None) -> Envelope:
    """Read an event from a record, in binary or structured mode. Raises Malformed for what is no CloudEvent of ours."""
    try:
        told = {name.lower(): content for name, content in headers if content is not None}
        message = kafka.KafkaMessage(headers=told, key=None if key is None else key.decode(), value=value or b"")
        if told.get("content-type", b"").lower().startswith(STRUCTURED):
            return _envelope(kafka.from_structured(message, data_unmarshaller=_written))
        if "ce_specversion" not in told:
            raise Malformed("The record is no CloudEvent.")
        return _envelope(kafka.from_binary(message, data_unmarshaller=_json))
    except UNREADABLE as error:
        raise Malformed("The record holds no readable CloudEvent.") from error


def _event(envelope: Envelope) -> CloudEvent:
    attributes = {
        "id": EVENT.render(envelope.event_id),
        "type": envelope.type,
        "source": envelope.source,
        "subject": envelope.subject,
        "time": envelope.occurred_at.isoformat(),
        "datacontenttype": CONTENT_TYPE,
    }
    if envelope.trace:
        attributes["traceparent"] = envelope.trace
    if envelope.key is not None:
        attributes["partitionkey"] = envelope.key
    return CloudEvent(attributes, envelope.payload)


def _envelope(event: AnyCloudEvent) -> Envelope:
    ours = str(event["type"]).startswith(OURS)
    return Envelope(
        event_id=_read(EVENT.parse, event, "id", "must be evt_ and 32 hexadecimal digits") if ours else _derived(event),
        type=event["type"],
        source=event["source"],
        subject=event.get("subject") or "",
        occurred_at=_read(datetime.fromisoformat, event, "time", "must be a moment as RFC 3339 writes it"),
        payload=_payload(event.get_data()),
        trace=event.get("traceparent"),
        key=event.get("partitionkey"),
    )


def _derived(event: AnyCloudEvent) -> UUID:
    """The id of an event of others: source and id together tell it from any other (CloudEvents 1.0.2)."""
    if not event["id"] or not event["source"]:
        raise Malformed("The CloudEvent has no id or no source.")
    return derived_id(event["source"], event["id"])


def _read(read: Callable[[str], T], event: AnyCloudEvent, name: str, wanted: str) -> T:
    try:
        return read(event[name])
    except (KeyError, TypeError, ValueError) as error:
        raise Malformed(f"The attribute {name} of the CloudEvent {wanted}.") from error


def _as_it_is(data: bytes) -> bytes:
    return data


def _json(data: str | bytes) -> bytes:
    """The data as JSON bytes: as they came in binary mode; structured mode hands over text."""
    return data if isinstance(data, bytes) else data.encode()


def _written(data: object) -> bytes:
    """The data of structured mode as JSON bytes: read already, or bytes where it came in base 64."""
    return data if isinstance(data, bytes) else json.dumps(data).encode()


def _payload(data: object) -> bytes:
    if not isinstance(data, bytes) or not data:
        raise TypeError("the data of the event must be JSON")
    return data
