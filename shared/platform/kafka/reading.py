"""Reading topics page by page, and how far functions are behind theirs."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from kafka.protocol.consumer.offsets import OffsetSpec

from events.catalog import BY_PAYLOAD
from events.envelope import read_kafka
from functions.registry import FUNCTIONS
from functions.wiring import Function
from shared.kernel.errors import Busy, Invalid, Malformed, NotFound
from shared.platform.kafka.cluster import RECONNECT_MOST_MS, servers
from shared.platform.kafka.source import group_of
from shared.platform.topics import Page, Read

POLL_MS: Final = 500
SETTINGS: Final = {"bootstrap_timeout_ms": 5_000, "reconnect_backoff_max_ms": RECONNECT_MOST_MS}
SEPARATOR: Final = "."
BEGINNING: Final = "0"


def topics_of(function: Function) -> tuple[str, ...]:
    """The topics whose events a function takes."""
    return tuple(sorted({BY_PAYLOAD[payload].topic for payload in function.consumes}))


def read_topic(bootstrap: str, topic: str, *, after: str, most: int) -> Page:
    """Events of a topic after a place that an earlier page named, partition by partition, each in order; what is no event is left out.

    Raises NotFound where there is no such topic, Invalid for a place that no page named, and Busy where Kafka can't be reached.
    """
    with _errors_as_ours(), closing(KafkaConsumer(bootstrap_servers=servers(bootstrap), enable_auto_commit=False, **SETTINGS)) as consumer:
        places = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic))]
        if not places:
            raise NotFound(f"There is no topic {topic}.")
        consumer.assign(places)
        starts, ends = consumer.beginning_offsets(places), consumer.end_offsets(places)
        offsets = {place: max(said, starts[place]) for place, said in zip(places, _offsets(after, len(places)), strict=True)}
        found = list(_read(consumer, offsets, ends, most))
    return Page(events=[read for record in found for read in _events(record)], next=SEPARATOR.join(str(offsets[place]) for place in places))


def _offsets(after: str, number: int) -> list[int]:
    """The offsets to begin at, one for each partition."""
    try:
        said = [0] * number if after == BEGINNING else [int(offset) for offset in after.split(SEPARATOR)]
    except ValueError:
        said = []
    if len(said) != number:
        raise Invalid("The place to go on after is no place on this topic.")
    return said


def _read(consumer: KafkaConsumer, offsets: dict[TopicPartition, int], ends: dict[TopicPartition, int], most: int) -> Iterator[Any]:
    """The records up to the ends, one partition after the other, at most so many; moves the offsets along."""
    for place, end in ends.items():
        consumer.assign([place])
        consumer.seek(place, offsets[place])
        while offsets[place] < end and most > 0:
            for record in consumer.poll(timeout_ms=POLL_MS, max_records=most).get(place, ()):
                if record.offset < end:
                    most -= 1
                    yield record
            offsets[place] = min(consumer.position(place), end)


def _events(record: Any) -> Iterator[Read]:  # noqa: ANN401  (kafka-python ships no types)
    try:
        event = read_kafka(record.headers, record.key, record.value)
        json.loads(event.payload)
    except (Malformed, ValueError):
        return
    yield Read(place=f"{record.partition}/{record.offset}", event=event)


class Lag:
    """How many records functions have still to deal with. Asked again and again, over one connection."""

    def __init__(self, bootstrap: str) -> None:
        """Connect at first use."""
        self._bootstrap = bootstrap
        self._lock = threading.Lock()
        self._admin: KafkaAdminClient | None = None
        self._topics = {group_of(function.name): topics_of(function) for function in FUNCTIONS if function.consumes}

    def read(self, waiting: Callable[[], int]) -> int:
        """The records behind which functions are, and what waits elsewhere to become records.

        The order of looking matters: by the time that `waiting` is asked, what functions had dealt with at first has had all its
        consequences there or on the topics. So nought means that there is nothing to do. Raises Busy where Kafka can't be reached.
        """
        with self._lock, _errors_as_ours():
            try:
                admin = self._connected()
                committed = admin.list_group_offsets(dict.fromkeys(self._topics))
                ends = self._ends(admin)
                elsewhere = waiting()
                moved = self._ends(admin) != ends
            except KafkaError:
                self.close()
                raise
        behind = sum(
            max(0, end - max(0, committed[group][place].offset if place in committed[group] else 0))
            for group, topics in self._topics.items()
            for place, end in ends.items()
            if place.topic in topics
        )
        return max(behind + elsewhere, int(moved))

    def close(self) -> None:
        """Close the connection; it is opened again when it is needed."""
        if self._admin:
            self._admin.close()
        self._admin = None

    def _connected(self) -> KafkaAdminClient:
        if self._admin is None:
            self._admin = KafkaAdminClient(bootstrap_servers=servers(self._bootstrap), **SETTINGS)
            topics = sorted({topic for topics in self._topics.values() for topic in topics})
            described = self._admin.describe_topics(topics)
            self._places = [TopicPartition(told["name"], part["partition_index"]) for told in described for part in told["partitions"]]
        return self._admin

    def _ends(self, admin: KafkaAdminClient) -> dict[TopicPartition, int]:
        found = admin.list_partition_offsets(dict.fromkeys(self._places, OffsetSpec.LATEST))
        return {place: told.offset for place, told in found.items()}


@contextmanager
def _errors_as_ours() -> Iterator[None]:
    try:
        yield
    except KafkaError as error:
        raise Busy("Kafka can't be reached or does not answer in time.") from error
