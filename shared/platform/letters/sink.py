"""The dead-letter sink of all sources: an event that a function could not take, with what Knative says of it, becomes a letter.

https://knative.dev/docs/eventing/event-delivery/ names the extension attributes knativeerrordest, -code and -data; the last is in base 64
where it comes from Kafka. Nothing that comes here is refused for what it says: a source has nowhere else to go with it.
"""

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from types import ModuleType
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from pydantic_core import PydanticCustomError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from events.catalog import BY_TYPE
from functions.registry import BY_NAME
from shared.kernel.cards import mask, masked
from shared.kernel.errors import CardNumberFound
from shared.kernel.ids import EVENT
from shared.platform.call import Call, Caller
from shared.platform.http import answer_health, refusal
from shared.platform.letters.model import Letter
from shared.platform.operations import refuse_card_numbers
from shared.platform.runtime import in_thread, require_settings, runtime
from shared.platform.telemetry import trace_of

LOG: Final = structlog.get_logger("clo.letters")
MOST_BYTES: Final = 2 << 20
"""What is longer is kept up to here."""
LONGEST: Final = 500
UNKNOWN: Final = "unknown"


class LetterFunction:
    """The function of the registry that keeps dead letters."""

    def __init__(self, name: str, service: ModuleType) -> None:
        """Bind the use case now, so that a wrong one fails at start."""
        require_settings()
        self._name = name
        self._keep = getattr(service, BY_NAME[name].keeps_letters or "")

    async def __call__(self, request: Request) -> Response:
        """Keep one letter."""
        health = await answer_health(request)
        if health:
            return health
        try:
            body, whole = await _read(request)
        except ClientDisconnect:
            return Response(status_code=499)
        return await in_thread(self._answer, letter_of(request.headers, body, whole=whole), trace_of(request.headers.get("traceparent")))

    def _answer(self, letter: Letter, trace: str) -> Response:
        parts = runtime()
        call = Call(
            caller=Caller(subject=self._name), clock=parts.clock, database=parts.database, shards=parts.settings.shards, trace=trace
        )
        with structlog.contextvars.bound_contextvars(function=self._name, trace=trace):
            LOG.error("dead letter", consumer=letter.consumer, type=letter.type, status=letter.status, detail=letter.reason)
            try:
                self._keep(call, letter)
            except Exception as error:  # noqa: BLE001  (all of them are answered: the source tries again)
                return refusal(error, trace)
            return Response(status_code=204)


def letter_of(headers: Mapping[str, str], body: bytes, *, whole: bool = True) -> Letter:
    """What came to the sink as a letter, whatever it is. A card number is not kept; `whole` says whether all of the body is there."""
    told = {name.lower().removeprefix("ce-"): _plain(value) for name, value in headers.items() if name.lower().startswith("ce-")}
    kind = BY_TYPE.get(told.get("type", ""))
    source = told.get("source", UNKNOWN)
    payload, untouched = _without_cards(body)
    status = told.get("knativeerrorcode", "")
    return Letter(
        consumer=consumer_of(told.get("knativeerrordest", "")),
        source=source,
        said_id=told.get("id", UNKNOWN),
        event_id=_event_id(told.get("id")),
        type=told.get("type", UNKNOWN),
        subject=told.get("subject", ""),
        topic=kind.topic if kind else source.rpartition("#")[2] if "#" in source else "",
        key=told.get("partitionkey", ""),
        occurred_at=_moment(told.get("time")),
        trace=told.get("traceparent"),
        payload=payload,
        whole=whole and untouched,
        status=int(status) if status.isdecimal() and len(status) <= len("599") else None,
        reason=_said(headers.get("ce-knativeerrordata", "")) or "no reason was told",
    )


def consumer_of(destination: str) -> str:
    """The function that an event was for: its address ends with /events/<function>, or begins with its name as a host."""
    try:
        address = urlsplit(destination)
        host = address.hostname or ""
    except ValueError:
        return UNKNOWN
    head, _, name = address.path.rpartition("/")
    return _plain(name if head.endswith("/events") and name else host.partition(".")[0].replace("-", "_")) or UNKNOWN


async def _read(request: Request) -> tuple[bytes, bool]:
    """The body, up to a limit, and whether that is all of it."""
    kept = bytearray()
    whole = True
    async for chunk in request.stream():
        room = MOST_BYTES - len(kept)
        whole = whole and len(chunk) <= room
        kept += chunk[:room]
    return bytes(kept), whole


def _without_cards(body: bytes) -> tuple[bytes, bool]:
    """What is kept of a body, and whether that is all of it."""
    try:
        refuse_card_numbers(body)
    except CardNumberFound:
        with suppress(ValueError, RecursionError):
            return json.dumps(masked(json.loads(body)), ensure_ascii=False).encode(), False
        return mask(body.decode(errors="replace")).encode(), False
    return body, True


def _said(told: str) -> str:
    try:
        return _plain(base64.b64decode(told, validate=True).decode(errors="replace"))
    except ValueError:
        return _plain(told)


def _plain(text: str) -> str:
    """A text as a column may hold it."""
    return mask("".join(character if character.isprintable() else " " for character in text)[:LONGEST])


def _event_id(said: str | None) -> UUID | None:
    try:
        return EVENT.parse(said)
    except PydanticCustomError:
        return None


def _moment(said: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(said or "")
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None
