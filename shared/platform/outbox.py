"""The transactional outbox: events are stored in the transaction that makes them true, and go out after it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from events.catalog import BY_PAYLOAD, EventType
from functions.registry import consumers_of
from shared.kernel.ids import new_id
from shared.kernel.wire import Wire
from shared.platform.database import Connected, Queries

SQL = Queries(__file__)
SOURCE: Final = "/clo"


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """A payload that is JSON already, as its model would write it."""

    of: type[Wire]
    json: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Emitted:
    """An event that waits for its transaction to commit."""

    payload: Wire | Written
    subject: str
    key: str
    event_id: UUID | None
    bulk: bool = False
    """Whether it carries input that has changed no state yet: it need not become true with the transaction."""

    @property
    def model(self) -> type[Wire]:
        """What its payload is."""
        return self.payload.of if isinstance(self.payload, Written) else type(self.payload)

    @property
    def json(self) -> bytes:
        """Its payload as it is sent."""
        return self.payload.json if isinstance(self.payload, Written) else self.payload.model_dump_json().encode()


class Outlet(Protocol):
    """Where events go that a transaction emits."""

    def __call__(self, connection: Connected, emitted: Sequence[Emitted], /, *, now: datetime, trace: str | None) -> None:
        """Take them, in order; raises where they are not safe yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """An event with all that its way needs: its kind, its id, its payload as JSON, and the functions that take it."""

    kind: EventType
    event_id: UUID
    emitted: Emitted
    payload: bytes
    consumers: tuple[str, ...]


def outgoing(emitted: Iterable[Emitted], *, now: datetime) -> Iterator[Outgoing]:
    """Events on their way; those that nobody takes and nobody keeps are left out."""
    for each in emitted:
        kind, consumers = BY_PAYLOAD[each.model], consumers_of(each.model)
        if consumers or kind.outward:
            yield Outgoing(kind=kind, event_id=each.event_id or new_id(now), emitted=each, payload=each.json, consumers=consumers)


def store(connection: Connected, emitted: Sequence[Emitted], *, now: datetime, trace: str | None) -> None:
    """Put events into the outbox, in one statement."""
    rows = list(outgoing(emitted, now=now))
    if not rows:
        return
    values = {
        "event_ids": [row.event_id for row in rows],
        "types": [row.kind.type for row in rows],
        "sources": [SOURCE] * len(rows),
        "subjects": [row.emitted.subject for row in rows],
        "topics": [row.kind.topic for row in rows],
        "keys": [row.emitted.key for row in rows],
        "payloads": [row.payload for row in rows],
        "pendings": [",".join(row.consumers) for row in rows],
        "retained": [row.kind.outward for row in rows],
    }
    connection.execute(SQL["store_events"], values | {"now": now, "trace": trace})
    connection.execute(SQL["wake_relay"])
