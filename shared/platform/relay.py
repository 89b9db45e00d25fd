"""The relay of the embedded bus: takes events from the outbox and POSTs them to functions, by the delivery contract.

Events of one key are delivered one after the other; keys run side by side. An event is tried again with growing pauses and
holds back the later ones of its key; what can't be taken goes to the dead letters, where it can be redriven.
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, LiteralString

import psycopg
import structlog
from psycopg.rows import DictRow

from events.envelope import Envelope
from shared.kernel.errors import Busy
from shared.platform.database import Database, Queries, rows
from shared.platform.delivery import Answer, Delivery, Verdict, attempted, judge, pause_seconds
from shared.platform.failpoints import Point, reached
from shared.platform.letters.store import BURY

SQL = Queries(__file__)
LOG: Final = structlog.get_logger("clo.relay")
WINDOW: Final = 64  # events looked at in one go
WORKERS: Final = 4
IDLE_SECONDS: Final = 0.5


@dataclass(kw_only=True)
class Relay:
    """Delivers what is due until it is stopped."""

    database: Database
    deliver: Delivery
    workers: int = WORKERS
    _stop: threading.Event = field(default_factory=threading.Event)
    _wake: threading.Event = field(default_factory=threading.Event)
    _busy: dict[str, Future[None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Name what each verdict leads to."""
        self._carry_out: dict[Verdict, Callable[[DictRow, str, Answer], None]] = {
            Verdict.TAKEN: self._taken,
            Verdict.LATER: self._put_off,
            Verdict.DEAD: self._bury,
        }

    def run(self) -> None:
        """Deliver until stopped; a database that can't be reached is waited for."""
        with ThreadPoolExecutor(self.workers, thread_name_prefix="relay") as pool:
            while not self._stop.is_set():
                try:
                    started = self._start_due(pool)
                except (Busy, psycopg.Error) as error:
                    LOG.warning("outbox not reached", detail=str(error))
                    started = 0
                if not started:
                    self._wake.wait(IDLE_SECONDS)
                    self._wake.clear()

    def wake(self) -> None:
        """There may be something to deliver now."""
        self._wake.set()

    def stop(self) -> None:
        """Let deliveries under way end and start no more."""
        self._stop.set()
        self._wake.set()

    def _start_due(self, pool: ThreadPoolExecutor) -> int:
        """Start a worker for each key that has events due and no worker; the number of workers started."""
        self._busy = {key: work for key, work in self._busy.items() if not work.done()}
        if len(self._busy) >= self.workers:
            return 0
        with self.database.connection() as connection:
            found = rows(connection, SQL["take_due"], blocked=list(self._busy), most=WINDOW)
        by_key: dict[str, list[DictRow]] = {}
        for row in found:
            by_key.setdefault(row["key"], []).append(row)
        for key, events in by_key.items():
            self._busy[key] = pool.submit(self._deliver_in_order, events)
            self._busy[key].add_done_callback(lambda _: self.wake())
        return len(by_key)

    def _deliver_in_order(self, events: list[DictRow]) -> None:
        try:
            for row in events:
                if self._stop.is_set() or not self._deliver_to_all(row):
                    return
        except (Busy, psycopg.Error) as error:
            LOG.warning("outbox not reached", detail=str(error))

    def _deliver_to_all(self, row: DictRow) -> bool:
        """Deliver one event to each function that waits for it; False when one has to wait."""
        attempts = row["attempts"]
        for consumer in row["pending"]:
            answer = attempted(partial(self.deliver, consumer, envelope_of(row)), key=row["key"])
            verdict = judge(answer, attempts=attempts)
            self._carry_out[verdict](row, consumer, answer)
            if verdict is Verdict.LATER:
                return False
            attempts = 0  # they are counted for one function at a time
        return True

    def _taken(self, row: DictRow, consumer: str, _answer: Answer) -> None:
        self._write((SQL["delivered"], {"seq": row["seq"], "consumer": consumer}), (SQL["remove_event"], {"seq": row["seq"]}))

    def _bury(self, row: DictRow, consumer: str, answer: Answer) -> None:
        LOG.error("dead letter", consumer=consumer, type=row["type"], status=answer.status, detail=answer.detail)
        self._write(
            (BURY, {"seq": row["seq"], "consumer": consumer, "status": answer.status, "reason": answer.detail}),
            (SQL["delivered"], {"seq": row["seq"], "consumer": consumer}),
            (SQL["remove_event"], {"seq": row["seq"]}),
        )

    def _put_off(self, row: DictRow, consumer: str, answer: Answer) -> None:
        seconds = pause_seconds(row["attempts"])
        LOG.warning("put off", consumer=consumer, type=row["type"], status=answer.status, detail=answer.detail, seconds=seconds)
        self._write((SQL["put_off"], {"seq": row["seq"], "seconds": seconds, "error": answer.detail}))

    def _write(self, *statements: tuple[LiteralString, Mapping[str, Any]]) -> None:
        with self.database.connection() as connection, connection.transaction():
            for statement, values in statements:
                connection.execute(statement, values)
            reached(Point.COMMIT_DUE)
        reached(Point.COMMITTED)


def envelope_of(row: DictRow) -> Envelope:
    """The event that a row of the outbox holds."""
    return Envelope(
        event_id=row["event_id"],
        type=row["type"],
        source=row["source"],
        subject=row["subject"],
        occurred_at=row["occurred_at"],
        payload=bytes(row["payload"]),
        trace=row["trace"],
        key=row["key"],
    )
