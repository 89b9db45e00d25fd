"""The AsyncAPI 3.0 document: topics, the events on them, and who sends and takes them."""

from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any, Final

from events.catalog import BY_PAYLOAD, CATALOG, TOPICS, EventType, Topic
from functions.registry import FUNCTIONS
from functions.wiring import Function
from shared.kernel.wire import Wire
from shared.platform.generate.schemas import Schema
from shared.platform.generate.words import function_words, topic_words
from shared.platform.kafka.topics import settings_of
from shared.platform.outbox import SOURCE

SCHEMA_FORMAT: Final = "application/schema+json;version=draft-2020-12"
BINDING_VERSION: Final = "0.5.0"
KEYS: Final[Mapping[str, Schema]] = {
    "customer shard": {
        "pattern": "^shard-[0-9]+$",
        "description": "Ordered by customer shard: shard-N, where N is the CRC-32 (as in zlib) of the customer's id modulo CLO_SHARDS.",
    }
}
ID_PATTERN: Final = "^evt_[0-9a-f]{32}$"


def document() -> dict[str, Any]:
    """The whole document."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Clo events",
            "version": metadata.version("clo"),
            "description": "CloudEvents 1.0 in binary mode: attributes as headers, data as JSON. At least once, in order per key.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": dict(operation for function in FUNCTIONS for operation in _operations(function)),
        "components": {"messages": {_message_name(kind): _message(kind) for kind in CATALOG}},
    }


def _channel(topic: Topic) -> Schema:
    return {
        "address": topic.name,
        "description": topic_words(topic),
        "messages": {_message_name(kind): {"$ref": f"#/components/messages/{_message_name(kind)}"} for kind in topic.events},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": _configuration(topic),
                "bindingVersion": BINDING_VERSION,
            }
        },
    }


def _configuration(topic: Topic) -> Schema:
    settings = settings_of(topic)
    return {"cleanup.policy": [settings["cleanup.policy"]], "retention.ms": int(settings["retention.ms"])}


def _operations(function: Function) -> Iterator[tuple[str, Schema]]:
    for payload in function.emits:
        yield f"{function.name}.send.{_message_name(BY_PAYLOAD[payload])}", _operation("send", function, payload)
    for payload in function.consumes:
        yield f"{function.name}.receive.{_message_name(BY_PAYLOAD[payload])}", _operation("receive", function, payload)


def _operation(action: str, function: Function, payload: type[Wire]) -> Schema:
    kind = BY_PAYLOAD[payload]
    channel = f"#/channels/{kind.topic}"
    return {
        "action": action,
        "channel": {"$ref": channel},
        "summary": function_words(function.name),
        "messages": [{"$ref": f"{channel}/messages/{_message_name(kind)}"}],
    }


def _message(kind: EventType) -> Schema:
    return {
        "name": kind.type,
        "title": kind.payload.__name__,
        "summary": (kind.payload.__doc__ or "").partition("\n")[0],
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "required": ["ce_id", "ce_source", "ce_specversion", "ce_subject", "ce_time", "ce_type"],
            "properties": {
                "ce_id": {"type": "string", "pattern": ID_PATTERN, "description": "Unique per source: the same id is the same event."},
                "ce_source": _source(kind),
                "ce_specversion": {"const": "1.0"},
                "ce_subject": {"type": "string"},
                "ce_time": {"type": "string", "format": "date-time"},
                "ce_traceparent": {"type": "string"},
                "ce_type": {"const": kind.type},
            },
        },
        "payload": {"schemaFormat": SCHEMA_FORMAT, "schema": {"$ref": f"../../events/schemas/{kind.type}.json"}},
        "bindings": {"kafka": {"key": _key(kind), "bindingVersion": BINDING_VERSION}},
        "x-written-by-others": kind.inward,
        "x-read-by-others": kind.outward,
        "x-bulk": kind.bulk,
    }


def _key(kind: EventType) -> Schema:
    return {"type": "string"} | KEYS.get(kind.key, {"description": f"Ordered by: {kind.key}."})


def _source(kind: EventType) -> Schema:
    if kind.inward:
        return {"type": "string", "format": "uri-reference", "description": "Which system says so."}
    return {"const": SOURCE}


def _message_name(kind: EventType) -> str:
    return kind.type.removeprefix("clo.")
