"""A Kafka record as the request that brings it to a function: the CloudEvent that it is, or one made of it, as a KafkaSource does.

https://knative.dev/docs/eventing/sources/kafka-source/ says of records that are no CloudEvents: they become events of the type
dev.knative.kafka.event whose id is their place. The function they come to refuses them, and so they are kept with the dead letters.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from urllib.parse import quote

RECORD_TYPE: Final = "dev.knative.kafka.event"
REQUIRED: Final = frozenset({"specversion", "id", "source", "type"})
STRUCTURED: Final = b"application/cloudevents"
BINARY: Final = "ce_"
NAME: Final = re.compile("[a-z0-9]{1,64}")
MOST_ATTRIBUTES: Final = 64
LONGEST_ATTRIBUTE: Final = 2048
PRINTABLE: Final = "".join(map(chr, range(0x20, 0x7F)))
OCTETS: Final = "application/octet-stream"


class Record(NamedTuple):
    """A record and its place. `headers` may hold a name more than once; the last one counts."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    headers: Iterable[tuple[str, bytes | None]]
    key: bytes | None
    value: bytes | None


class AsRequest(NamedTuple):
    """An HTTP request that carries a CloudEvent in binary mode."""

    headers: dict[str, str]
    body: bytes

    def saying(self, more: Mapping[str, str]) -> "AsRequest":
        """The same event with extension attributes."""
        return AsRequest(self.headers | {f"ce-{name}": value for name, value in more.items()}, self.body)


def as_request(record: Record) -> AsRequest:
    """The event that a record is, else one that tells of it."""
    told = {name.lower(): content.decode(errors="replace") for name, content in record.headers if content is not None}
    media = told.get("content-type", "")
    if media.lower().encode().startswith(STRUCTURED):
        attributes, media, body = _of_structured(record.value)
    else:
        attributes = {name.removeprefix(BINARY): value for name, value in told.items() if name.startswith(BINARY)}
        body = record.value or b""
    if not _is_event(attributes):
        return _made_of(record, told.get("content-type") or OCTETS)
    key = {} if record.key is None else {"partitionkey": record.key.decode(errors="replace")}
    return AsRequest(_headers(key | attributes, media), body)


def _is_event(attributes: Mapping[str, Any]) -> bool:
    return (
        REQUIRED.issubset(attributes)
        and len(attributes) <= MOST_ATTRIBUTES
        and all(map(NAME.fullmatch, attributes))
        and all(isinstance(value, str) and len(value) <= LONGEST_ATTRIBUTE for value in attributes.values())
    )


def _of_structured(value: bytes | None) -> tuple[dict[str, Any], str, bytes]:
    """Attributes, media type and data of an event in structured mode; no attributes where it is none."""
    try:
        whole = json.loads(value or b"")
        encoded = whole.pop("data_base64", None)
        data = json.dumps(whole.pop("data", None)).encode() if encoded is None else base64.b64decode(encoded, validate=True)
        media = str(whole.pop("datacontenttype", "application/json"))
        return {name: _as_text(value) for name, value in whole.items() if value is not None}, media, data
    except (ValueError, TypeError, AttributeError, RecursionError):
        return {}, "", b""


def _as_text(value: object) -> object:
    """Numbers and truth values as headers hold them."""
    return json.dumps(value) if isinstance(value, int) else value


def _made_of(record: Record, media: str) -> AsRequest:
    """An event that tells of a record which is none."""
    attributes = {
        "specversion": "1.0",
        "id": f"partition:{record.partition}/offset:{record.offset}",
        "type": RECORD_TYPE,
        "source": f"/kafka#{record.topic}",
        "subject": f"partition:{record.partition}#{record.offset}",
        "time": datetime.fromtimestamp(record.timestamp_ms / 1000, UTC).isoformat(),
    }
    return AsRequest(_headers(attributes, media), record.value or b"")


def _headers(attributes: Mapping[str, str], media: str) -> dict[str, str]:
    return {"content-type": _printable(media), **{f"ce-{name}": _printable(value) for name, value in attributes.items()}}


def _printable(value: str) -> str:
    """As a header may hold it; what it may not is percent-encoded, as the CloudEvents HTTP binding says."""
    return quote(value[:LONGEST_ATTRIBUTE], safe=PRINTABLE) if value == value.strip() else quote(value[:LONGEST_ATTRIBUTE], safe="")
