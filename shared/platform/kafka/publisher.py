"""The publisher takes events from the outbox and publishes them on Kafka: in order, and out of the outbox only when acknowledged.

One publisher is at work at a time, whoever holds the lock; another waits to take its place. Dying between publishing and removing
means to publish the same events again under the same ids, which functions and readers drop.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import psycopg
import structlog
from kafka.errors import KafkaError
from psycopg.rows import DictRow, dict_row

from shared.platform import outbox
from shared.platform.database import Connected, Queries, exactly_one, rows
from shared.platform.delivery import pause_seconds
from shared.platform.failpoints import Point, reached
from shared.platform.kafka.producer import Addressed, Producer, is_passing
from shared.platform.relay import envelope_of

SQL: Final = Queries(__file__)
LOG: Final = structlog.get_logger("clo.publisher")
MOST_EVENTS: Final = 500
MOST_BYTES: Final = 8_000_000
"""Of a batch; one event is always taken."""
LISTEN_SECONDS: Final = 0.5
PAUSE_SECONDS: Final = 0.5
LOCK: Final = 0x436C_6F50


class NotTaken(NamedTuple):
    """An event that Kafka will not take as it is."""

    row: DictRow
    why: str


class Settled(NamedTuple):
    """What a batch came to: rows that are published, rows to be put off, and why the cluster has to be waited for, if so."""

    published: list[int]
    not_taken: list[NotTaken]
    must_wait: KafkaError | None


@dataclass(kw_only=True)
class Publisher:
    """Publishes until it is stopped."""

    database_url: str
    bootstrap: str
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Publish until stopped; a database or a cluster that can't be reached is waited for."""
        while not self._stop.is_set():
            try:
                with psycopg.connect(self.database_url, autocommit=True, row_factory=dict_row) as connection:
                    if exactly_one(connection, SQL["be_the_publisher"], lock=LOCK)["held"]:
                        self._publish_all(connection)
            except psycopg.Error as error:
                LOG.warning("not published for now", detail=str(error))
            self._stop.wait(PAUSE_SECONDS)

    def stop(self) -> None:
        """Let the batch under way end and start no more."""
        self._stop.set()

    def _publish_all(self, connection: Connected) -> None:
        """Publish what comes, in order."""
        connection.execute(SQL["listen"])
        with Producer(self.bootstrap) as producer:
            while not self._stop.is_set():
                found = rows(connection, SQL["take_unpublished"], most=MOST_EVENTS, most_bytes=MOST_BYTES)
                if not found:
                    for _ in connection.notifies(timeout=LISTEN_SECONDS, stop_after=1):
                        pass
                elif not self._publish(connection, producer, found):
                    self._stop.wait(PAUSE_SECONDS)

    def _publish(self, connection: Connected, producer: Producer, found: list[DictRow]) -> bool:
        """Publish a batch and take out of the outbox what was acknowledged; False where the cluster has to be waited for."""
        settled = settle(found, producer.send(Addressed(topic=row["topic"], event=envelope_of(row)) for row in found))
        reached(Point.COMMIT_DUE)
        connection.execute(SQL["remove_published"], {"seqs": settled.published})
        reached(Point.COMMITTED)
        for row, why in settled.not_taken:
            LOG.error("not taken by Kafka", type=row["type"], seq=row["seq"], detail=why)
            connection.execute(outbox.SQL["put_off"], {"seq": row["seq"], "seconds": pause_seconds(row["attempts"]), "error": why})
        if settled.must_wait:
            LOG.warning("Kafka is waited for", detail=repr(settled.must_wait))
        return settled.must_wait is None


def settle(found: Sequence[DictRow], outcomes: Sequence[KafkaError | None]) -> Settled:
    """What becomes of a batch: what follows a failure of its key stays in the outbox, to be published after it."""
    published, not_taken, failed = [], [], set()
    for row, error in zip(found, outcomes, strict=True):
        if row["key"] in failed:
            continue
        if error is None:
            published.append(row["seq"])
            continue
        failed.add(row["key"])
        if not is_passing(error):
            not_taken.append(NotTaken(row, str(error)))
    must_wait = next((error for error in outcomes if error is not None and is_passing(error)), None)
    return Settled(published, not_taken, must_wait)
