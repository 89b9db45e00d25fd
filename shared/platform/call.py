"""What a use case has at hand: who asks, what time it is, and the one transaction in which all of it happens."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from shared.kernel.clock import Clock
from shared.kernel.errors import Forbidden, KeyReused
from shared.kernel.wire import Wire
from shared.platform import outbox
from shared.platform.database import Connected, Database, Queries, exactly_one, one
from shared.platform.failpoints import Point, reached

SQL = Queries(__file__)
LETTERS_KEPT: Final = timedelta(days=90)
Answer = TypeVar("Answer", bound=Wire)


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who asks: the subject of a verified token, and what it may do. Events have the function itself as caller."""

    subject: str
    scopes: frozenset[str] = frozenset()

    def require(self, scope: str) -> None:
        """Raise Forbidden unless the caller has the scope."""
        if scope not in self.scopes:
            raise Forbidden(f"This needs the scope {scope}.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Once:
    """What makes a request or an event the same as an earlier one, and the hash of what it says."""

    consumer: str
    source: str
    key: str
    input_hash: bytes


class Replayed(Exception):
    """This was handled before; here is the first answer."""

    def __init__(self, status: int | None, answer: str | None) -> None:
        """Carry what was answered then."""
        super().__init__()
        self.status = status
        self.answer = answer


@dataclass(kw_only=True, slots=True)
class Transaction:
    """One database transaction: the effect, its idempotency record and its events commit together or not at all."""

    connection: Connected
    database: Database
    now: datetime
    once: Once | None
    trace: str | None
    pending: list[outbox.Emitted] = field(default_factory=list)
    bumped: bool = False
    """Whether it changed cached values itself: what it reads of them may never come true and belongs in no cache."""

    def emit(self, payload: Wire | outbox.Written, *, subject: str, key: str, event_id: UUID | None = None, bulk: bool = False) -> None:
        """Let an event go out when the transaction commits. `key` orders it; an `event_id` derived from its origin drops repeats.

        `bulk` says that it only carries input on, and tells of no change: on Kafka it goes out before the commit, past the outbox.
        """
        self.pending.append(outbox.Emitted(payload=payload, subject=subject, key=key, event_id=event_id, bulk=bulk))

    def answer(self, answer: Answer, *, status: int = 200) -> Answer:
        """Keep the answer beside the idempotency record, for whoever asks the same again."""
        if self.once:
            values = {**_identity(self.once), "status": status, "answer": answer.model_dump_json()}
            self.connection.execute(SQL["save_answer"], values)
        return answer

    def bump(self, area: str) -> int:
        """Next revision of an area's cached values. Holds the area's row until the end, so commit order is revision order."""
        self.bumped = True
        return int(exactly_one(self.connection, SQL["bump_revision"], area=area)["revision"])


@dataclass(frozen=True, kw_only=True, slots=True)
class FilePlaces:
    """Where files lie: stores of drops, the lake and exports (`folder:/path`, `s3://...`, `gs://...`), folders and files."""

    drops: str
    lake: str
    layouts: str | None = None
    exports: str | None = None
    partners: str | None = None
    export_keys: str | None = None
    pgp_key: str | None = None
    pgp_passphrase: str | None = None
    pgp_senders: str | None = None
    senders: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request or one event, on its way through one use case."""

    caller: Caller
    clock: Clock
    database: Database
    shards: int
    once: Once | None = None
    trace: str | None = None
    told_at: datetime | None = None
    """When an event says that it happened; None of a request."""
    file_places: FilePlaces | None = None
    bulk: outbox.Outlet = outbox.store
    """Where bulk events go."""
    letters_kept: timedelta = LETTERS_KEPT
    """For how long dead letters are kept once it was decided on them."""

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """The one transaction of a command. Raises Replayed where the same command was carried out before."""
        with self.database.connection() as connection, connection.transaction():
            tx = Transaction(connection=connection, database=self.database, now=self.clock.now(), once=self.once, trace=self.trace)
            if self.once:
                _claim(tx, self.once)
            yield tx
            self.bulk(connection, [e for e in tx.pending if e.bulk], now=tx.now, trace=tx.trace)
            outbox.store(connection, [e for e in tx.pending if not e.bulk], now=tx.now, trace=tx.trace)
            reached(Point.COMMIT_DUE)
        reached(Point.COMMITTED)

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """A connection for a question: nothing is claimed, each statement sees what was committed before it."""
        with self.database.connection() as connection:
            yield Transaction(connection=connection, database=self.database, now=self.clock.now(), once=None, trace=self.trace)


def _claim(tx: Transaction, once: Once) -> None:
    """Be the first to handle this, or wait for who is and give its answer."""
    if one(tx.connection, SQL["claim"], **_identity(once), input_hash=once.input_hash, now=tx.now):
        return
    earlier = exactly_one(tx.connection, SQL["read_handled"], **_identity(once))
    if earlier["input_hash"] != once.input_hash:
        raise KeyReused
    raise Replayed(earlier["status"], earlier["answer"])


def _identity(once: Once) -> dict[str, Any]:
    return {"consumer": once.consumer, "source": once.source, "key": once.key}
