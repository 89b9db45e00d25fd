"""The topics of the catalog in a real Kafka: made where they are missing, checked where they are there."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, Final

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from events.catalog import TOPICS, Topic
from shared.kernel.errors import Busy, Refused

DAY_MS: Final = 24 * 60 * 60 * 1000
FOR_EVER: Final = -1
BOOTSTRAP_MS: Final = 30_000
READY_MS: Final = 60_000


def create_topics(bootstrap: str, *, replication: int = 1, topics: Sequence[Topic] = TOPICS) -> list[str]:
    """Make what is missing; the names of what was made. What is there is not changed.

    Raises Refused with all that differs where a topic is there with fewer partitions, fewer copies or other settings than are stated, and
    Busy where Kafka can't be reached.
    """
    try:
        with closing(KafkaAdminClient(bootstrap_servers=bootstrap, bootstrap_timeout_ms=BOOTSTRAP_MS)) as admin:
            there = set(admin.list_topics())
            made = [topic.name for topic in topics if topic.name not in there and _make(admin, topic, replication)]
            admin.wait_for_topics([topic.name for topic in topics], timeout_ms=READY_MS)
            differing = list(_differing(admin, topics, replication))
    except KafkaError as error:
        raise Busy(f"Kafka at {bootstrap} does not answer as it should: {error}") from error
    if differing:
        raise Refused("\n".join(["There are topics that are not as they should be.", *differing]))
    return made


def settings_of(topic: Topic) -> dict[str, str]:
    """What Kafka is told of a topic beside its partitions. It is kept by when it was written, whatever time an event tells of."""
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(FOR_EVER if topic.retention_days is None else topic.retention_days * DAY_MS),
        "message.timestamp.type": "LogAppendTime",
    }


def _wanted(topic: Topic, replication: int) -> dict[str, str]:
    """With three copies an event is safe in two before it counts as written: one broker may be lost."""
    return {**settings_of(topic), "min.insync.replicas": str(max(1, replication - 1))}


def _make(admin: KafkaAdminClient, topic: Topic, replication: int) -> bool:
    """Make one topic; False where another was first."""
    wanted = NewTopic(topic.name, topic.partitions, replication, topic_configs=_wanted(topic, replication))
    try:
        admin.create_topics([wanted])
    except TopicAlreadyExistsError:
        return False
    return True


def _differing(admin: KafkaAdminClient, topics: Sequence[Topic], replication: int) -> Iterator[str]:
    found = {told["name"]: told for told in admin.describe_topics([topic.name for topic in topics])}
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics]
    settings = admin.describe_configs(resources, config_filter="all")["topic"]
    for topic in topics:
        yield from (f"- {topic.name}: {difference}" for difference in _differences(topic, replication, found, settings))


def _differences(topic: Topic, replication: int, found: dict[str, Any], settings: dict[str, Any]) -> Iterator[str]:
    partitions = found[topic.name]["partitions"]
    if len(partitions) < topic.partitions:
        yield f"{len(partitions)} partitions in place of {topic.partitions}"
    copies = min(len(partition["replica_nodes"]) for partition in partitions)
    if copies < replication:
        yield f"{copies} copies in place of {replication}"
    for name, wanted in _wanted(topic, replication).items():
        value = settings[topic.name][name]["value"]
        if value != wanted:
            yield f"{name} is {value} in place of {wanted}"
