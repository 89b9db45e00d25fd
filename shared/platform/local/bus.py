"""The two buses of a local platform: the relay from the outbox straight to the functions, and Apache Kafka."""

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol, cast

import psycopg

from functions.registry import FUNCTIONS, SINK
from shared.platform import outbox
from shared.platform.database import Database, exactly_one
from shared.platform.delivery import Delivery, HttpDelivery
from shared.platform.kafka import publisher, reading
from shared.platform.kafka.publisher import Publisher
from shared.platform.kafka.reading import Lag, topics_of
from shared.platform.kafka.source import Source
from shared.platform.kafka.straight import StraightToKafka
from shared.platform.kafka.topics import create_topics
from shared.platform.local.kafka import LocalKafka
from shared.platform.relay import Relay
from shared.platform.settings import PREFIX
from shared.platform.topics import Page, read_kept

BOOTSTRAP: Final = f"{PREFIX}KAFKA_BOOTSTRAP"
KAFKA_FOLDER: Final = "kafka"
LISTEN_SECONDS: Final = 1.0
INSTANCE: Final = "local"
Backlog = dict[str, int]
"""`pending`: events that are not delivered yet, at least one while there is one; `dead`: letters that wait for a person."""


class Bus(Protocol):
    """How events get from the outbox to the functions."""

    bulk: outbox.Outlet
    """Where bulk events go."""

    def works(self) -> Sequence[Callable[[], None]]:
        """What is to run in threads until the bus is stopped."""

    def stop(self) -> None:
        """Let deliveries under way end and start no more."""

    def close(self) -> None:
        """Give everything back, when all works have ended."""

    def backlog(self, database: Database) -> Backlog:
        """What is still to be delivered, and what could not be."""

    def read_topic(self, database: Database, /, topic: str, *, after: str, most: int) -> Page:
        """What systems outside read of a topic."""


class EmbeddedBus:
    """The relay, and who wakes it as soon as a transaction has put something into the outbox."""

    def __init__(self, database_url: str, deliver: Callable[[Database], Delivery]) -> None:
        """Put it together; nothing runs yet."""
        self.bulk: outbox.Outlet = outbox.store
        self._database_url = database_url
        self._database = Database(database_url, pool_size=8, timeout_seconds=10)
        self._relay = Relay(database=self._database, deliver=deliver(self._database))
        self._stopping = threading.Event()

    def works(self) -> Sequence[Callable[[], None]]:
        return self._relay.run, self._listen

    def stop(self) -> None:
        self._stopping.set()
        self._relay.stop()

    def close(self) -> None:
        self._database.close()

    def backlog(self, database: Database) -> Backlog:
        with database.connection() as connection:
            return exactly_one(connection, outbox.SQL["backlog"])

    def read_topic(self, database: Database, /, topic: str, *, after: str, most: int) -> Page:
        with database.connection() as connection:
            return read_kept(connection, topic, after=after, most=most)

    def _listen(self) -> None:
        while not self._stopping.is_set():
            try:
                with psycopg.connect(self._database_url, autocommit=True) as connection:
                    connection.execute("LISTEN clo_outbox")
                    while not self._stopping.is_set():
                        for _ in connection.notifies(timeout=LISTEN_SECONDS):
                            self._relay.wake()
            except psycopg.Error:
                self._stopping.wait(LISTEN_SECONDS)


class KafkaBus:
    """A publisher and a source for each function that takes events, on the cluster that is named, else on one of its own in the folder."""

    def __init__(self, folder: Path, database_url: str, deliver: HttpDelivery) -> None:
        """Start Kafka where none is named, and make the topics; nothing else runs yet."""
        given = os.environ.get(BOOTSTRAP)
        self._own = None if given else LocalKafka(folder / KAFKA_FOLDER)
        self._bootstrap = given or cast("LocalKafka", self._own).bootstrap
        create_topics(self._bootstrap)
        self._straight = StraightToKafka(self._bootstrap)
        self.bulk: outbox.Outlet = self._straight
        self._lag = Lag(self._bootstrap)
        self._deliver = deliver
        self._publisher = Publisher(database_url=database_url, bootstrap=self._bootstrap)
        self._sources = [
            Source(
                function=function.name,
                topics=topics_of(function),
                bootstrap=self._bootstrap,
                deliver=self._deliver,
                sink=SINK,
                instance=f"{INSTANCE}-{function.name}",
            )
            for function in FUNCTIONS
            if function.consumes
        ]

    def works(self) -> Sequence[Callable[[], None]]:
        if self._own:
            self._own.keep_alive()
        return self._publisher.run, *(source.run for source in self._sources)

    def stop(self) -> None:
        self._publisher.stop()
        for source in self._sources:
            source.stop()

    def close(self) -> None:
        self._straight.close()
        self._deliver.close()
        self._lag.close()
        if self._own:
            self._own.stop()

    def backlog(self, database: Database) -> Backlog:
        def unpublished() -> int:
            with database.connection() as connection:
                return int(exactly_one(connection, publisher.SQL["unpublished"])["unpublished"])

        pending = self._lag.read(unpublished)
        with database.connection() as connection:
            return {"pending": pending, "dead": exactly_one(connection, publisher.SQL["unpublished"])["dead"]}

    def read_topic(self, _database: Database, /, topic: str, *, after: str, most: int) -> Page:
        return reading.read_topic(self._bootstrap, topic, after=after, most=most)
