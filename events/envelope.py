"""The CloudEvents envelope: the only module that knows the cloudevents package."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cloudevents.conversion import to_binary
from cloudevents.exceptions import GenericException
from cloudevents.http import CloudEvent, from_http

from shared.kernel.errors import Malformed
from shared.kernel.ids import EVENT

CONTENT_TYPE = "application/json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """An event on its way: what it is, where it came from, and its payload as JSON bytes."""

    event_id: UUID
    type: str
    source: str
    subject: str
    occurred_at: datetime
    payload: bytes
    trace: str | None = None


def to_http(envelope: Envelope) -> tuple[dict[str, str], bytes]:
    """Headers and body of the event in binary content mode (CloudEvents HTTP binding 1.0.2)."""
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
    headers, body = to_binary(CloudEvent(attributes, envelope.payload))
    return dict(headers), body


def read_http(headers: Mapping[str, str], body: bytes) -> Envelope:
    """Read an event from a request, in binary or structured mode. Raises Malformed for what is no CloudEvent of ours."""
    try:
        event = from_http(dict(headers), body, data_unmarshaller=_json)
        return Envelope(
            event_id=EVENT.parse(event["id"]),
            type=event["type"],
            source=event["source"],
            subject=event.get("subject") or "",
            occurred_at=datetime.fromisoformat(event["time"]),
            payload=_payload(event.get_data()),
            trace=event.get("traceparent"),
        )
    except (GenericException, KeyError, ValueError, TypeError, RecursionError) as error:
        raise Malformed("The request carries no readable CloudEvent.") from error


def _json(data: str | bytes) -> bytes:
    """The data as JSON bytes: as they came in binary mode; structured mode hands over text."""
    return data if isinstance(data, bytes) else data.encode()


def _payload(data: object) -> bytes:
    if not isinstance(data, bytes):
        raise TypeError("the data of the event must be JSON")
    return data
