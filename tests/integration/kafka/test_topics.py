"""The topics of the catalog in a real broker."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic
from typer.testing import CliRunner

from events.catalog import CATALOG, TOPICS, Topic
from shared.cli.main import app
from shared.kernel.errors import Refused
from shared.platform.kafka.topics import create_topics

DAYS = Topic(name="made.for-days", partitions=3, retention_days=2)
FOR_EVER = Topic(name="made.for-ever", partitions=1, retention_days=None)


@pytest.fixture
def admin(kafka: str) -> Iterator[KafkaAdminClient]:
    with closing(KafkaAdminClient(bootstrap_servers=kafka)) as client:
        yield client
        made = [topic.name for topic in (DAYS, FOR_EVER) if topic.name in client.list_topics()]
        if made:
            client.delete_topics(made)


def settings(admin: KafkaAdminClient, topic: str) -> dict[str, str]:
    found = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter="all")["topic"][topic]
    return {name: told["value"] for name, told in found.items()}


def test_every_event_has_its_topic_and_every_topic_an_event() -> None:
    assert {topic.name for topic in TOPICS} == {kind.topic for kind in CATALOG}
    assert len({topic.name for topic in TOPICS}) == len(TOPICS)


def test_what_is_missing_is_made_as_stated_and_only_once(kafka: str, admin: KafkaAdminClient) -> None:
    assert create_topics(kafka, topics=[DAYS]) == [DAYS.name]
    assert create_topics(kafka, topics=[DAYS, FOR_EVER]) == [FOR_EVER.name]
    assert create_topics(kafka, topics=[DAYS, FOR_EVER]) == []
    found = {told["name"]: len(told["partitions"]) for told in admin.describe_topics([DAYS.name, FOR_EVER.name])}
    assert found == {DAYS.name: 3, FOR_EVER.name: 1}
    kept = settings(admin, DAYS.name)
    assert (kept["retention.ms"], kept["cleanup.policy"], kept["message.timestamp.type"]) == ("172800000", "delete", "LogAppendTime")
    assert settings(admin, FOR_EVER.name)["retention.ms"] == "-1"


def test_a_topic_that_is_there_otherwise_is_left_so_and_all_that_differs_is_named(kafka: str, admin: KafkaAdminClient) -> None:
    admin.create_topics([NewTopic(DAYS.name, 1, 1, topic_configs={"retention.ms": "60000", "cleanup.policy": "compact"})])
    with pytest.raises(Refused) as raised:
        create_topics(kafka, topics=[DAYS, FOR_EVER])
    for difference in ("1 partitions in place of 3", "retention.ms is 60000 in place of 172800000", "cleanup.policy is compact"):
        assert f"{DAYS.name}: {difference}" in str(raised.value)
    assert FOR_EVER.name not in str(raised.value)
    assert settings(admin, DAYS.name)["retention.ms"] == "60000"


@pytest.mark.usefixtures("admin")
def test_more_partitions_are_well_and_fewer_copies_are_not(kafka: str) -> None:
    create_topics(kafka, topics=[replace(DAYS, partitions=5)])
    assert create_topics(kafka, topics=[DAYS]) == []
    with pytest.raises(Refused, match="1 copies in place of 3"):
        create_topics(kafka, topics=[DAYS], replication=3)


def test_the_command_makes_all_topics_of_the_catalog(kafka: str, admin: KafkaAdminClient) -> None:
    done = CliRunner().invoke(app, ["topics", "create"], env={"CLO_KAFKA_BOOTSTRAP": kafka})
    assert done.exit_code == 0, done.output
    assert {topic.name for topic in TOPICS} <= set(admin.list_topics())
    assert set(done.stdout.split()) <= {topic.name for topic in TOPICS}
