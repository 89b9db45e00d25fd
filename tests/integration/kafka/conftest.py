"""Topics of their own for each test, on a real broker, and what is read and written there."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import uuid4

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import NewTopic

from events.envelope import Envelope, read_kafka
from events.payloads import CampaignWentLive
from shared.kernel.ids import new_id
from shared.platform import outbox
from shared.platform.call import Call
from shared.platform.database import Connected
from shared.platform.kafka.producer import Addressed, Producer
from tests.conftest import NOW

PARTITIONS: Final = 3
LIVE: Final = CampaignWentLive(campaign_id=new_id(NOW), live_at=NOW)


@pytest.fixture
def topic(kafka: str) -> str:
    """An empty topic."""
    return make_topic(kafka)


@pytest.fixture
def publish(kafka: str, topic: str) -> Iterator[Callable[..., None]]:
    """Publishes events with these subjects, all of one key."""
    with Producer(kafka) as producer:

        def send(*subjects: str, key: str = "k") -> None:
            sent = producer.send(Addressed(topic=topic, event=event(subject, key=key)) for subject in subjects)
            assert sent == [None] * len(subjects)

        yield send


def make_topic(bootstrap: str, *, partitions: int = PARTITIONS, settings: dict[str, str] | None = None) -> str:
    """A topic with a name of its own."""
    name = f"test-{uuid4().hex}"
    with closing(KafkaAdminClient(bootstrap_servers=bootstrap)) as admin:
        admin.create_topics([NewTopic(name, num_partitions=partitions, replication_factor=1, topic_configs=settings)])
        admin.wait_for_topics([name])
    return name


def emit_to(topic: str, call: Call, events: Iterable[tuple[str, str]]) -> None:
    """Puts events with these subjects and keys into the outbox, in one transaction, for a topic of the test's own.

    A publisher at work sees them with that topic or not at all: it may take them the moment they are committed.
    """

    def store(connection: Connected, emitted: Sequence[outbox.Emitted], *, now: datetime, trace: str | None) -> None:
        outbox.store(connection, emitted, now=now, trace=trace)
        connection.execute("UPDATE outbox SET topic = %s WHERE topic = 'clo.campaigns'", (topic,))

    with replace(call, bulk=store).transaction() as tx:
        for subject, key in events:
            tx.emit(LIVE, subject=subject, key=key, bulk=True)


def event(subject: str, *, key: str = "k", payload: bytes = b'{"at": "2026-01-15T12:00:00Z"}') -> Envelope:
    """An event that can be told by its subject."""
    return Envelope(
        event_id=new_id(NOW), type="clo.schedule.ticked.v1", source="/clo", subject=subject, occurred_at=NOW, payload=payload, key=key
    )


def read_all(bootstrap: str, topic: str) -> list[Envelope]:
    """All events of a topic, those of a key in order."""
    with closing(KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)) as consumer:
        places = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        found = []
        while any(consumer.position(place) < end for place, end in ends.items()):
            for records in consumer.poll(timeout_ms=200).values():
                found += [read_kafka(record.headers, record.key, record.value) for record in records]
        return found


def committed(bootstrap: str, group: str, topic: str) -> int:
    """How many records of a topic a group has dealt with."""
    with closing(KafkaAdminClient(bootstrap_servers=bootstrap)) as admin:
        offsets = admin.list_group_offsets({group: None})[group]
    return sum(max(0, found.offset) for place, found in offsets.items() if place.topic == topic)
