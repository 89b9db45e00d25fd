"""The transactional outbox: events are stored in the transaction that makes them true, and go out after it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from events.catalog import BY_PAYLOAD
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

    @property
    def model(self) -> type[Wire]:
        """What its payload is."""
        return self.payload.of if isinstance(self.payload, Written) else type(self.payload)

    @property
    def json(self) -> bytes:
        """Its payload as it is sent."""
        return self.payload.json if isinstance(self.payload, Written) else self.payload.model_dump_json().encode()


def store(connection: Connected, emitted: Sequence[Emitted], *, now: datetime, trace: str | None) -> None:
    """Put events into the outbox, in one statement; those that nobody takes and nobody keeps are left out."""
    rows = [(e, BY_PAYLOAD[e.model], consumers_of(e.model)) for e in emitted]
    rows = [(e, kind, consumers) for e, kind, consumers in rows if consumers or kind.outward]
    if not rows:
        return
    values = {
        "event_ids": [e.event_id or new_id(now) for e, _, _ in rows],
        "types": [kind.type for _, kind, _ in rows],
        "sources": [SOURCE] * len(rows),
        "subjects": [e.subject for e, _, _ in rows],
        "topics": [kind.topic for _, kind, _ in rows],
        "keys": [e.key for e, _, _ in rows],
        "payloads": [e.json for e, _, _ in rows],
        "pendings": [",".join(consumers) for _, _, consumers in rows],
        "retained": [kind.outward for _, kind, _ in rows],
    }
    connection.execute(SQL["store_events"], values | {"now": now, "trace": trace})
    connection.execute(SQL["wake_relay"])
