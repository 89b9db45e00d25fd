"""Topics are read page by page, and it is known how far functions are behind theirs."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from shared.kernel.errors import Busy, Invalid, NotFound
from shared.platform.kafka.reading import Lag, read_topic
from tests.integration.kafka.conftest import make_topic
from tests.integration.platform.conftest import wait_until

Publish = Callable[..., None]


def all_pages(bootstrap: str, topic: str, most: int) -> tuple[list[str], int]:
    """The subjects of all events and the number of pages."""
    subjects, after, pages = [], "0", 0
    while (page := read_topic(bootstrap, topic, after=after, most=most)).events:
        subjects += [read.event.subject for read in page.events]
        after, pages = str(page.next), pages + 1
    assert page.next == after
    return subjects, pages


def test_events_are_read_page_by_page_and_those_of_a_key_in_order(kafka: str, topic: str, publish: Publish) -> None:
    for number in range(10):
        publish(*(f"{key}/{number}" for key in "abc"), key="one")
        publish(f"d/{number}", key="other")
    subjects, pages = all_pages(kafka, topic, most=7)
    assert len(subjects) == len(set(subjects)) == 40
    assert pages >= 6
    for key in "abcd":
        assert [subject for subject in subjects if subject.startswith(key)] == [f"{key}/{number}" for number in range(10)]
    assert all_pages(kafka, topic, most=1_000) == (subjects, 1)


def test_what_comes_later_is_read_from_where_one_left_off(kafka: str, topic: str, publish: Publish) -> None:
    publish("1", "2")
    page = read_topic(kafka, topic, after="0", most=10)
    publish("3")
    (read,) = read_topic(kafka, topic, after=str(page.next), most=10).events
    assert (read.event.subject, read.shown()["data"]) == ("3", {"at": "2026-01-15T12:00:00Z"})


def test_what_is_no_event_is_left_out(kafka: str, topic: str, publish: Publish) -> None:
    with closing(KafkaProducer(bootstrap_servers=kafka)) as producer:
        producer.send(topic, b"rubbish", key=b"k").get(timeout=10)
    publish("1")
    assert all_pages(kafka, topic, most=10) == (["1"], 1)


def test_topic_that_is_not_there_is_said_to_be(kafka: str) -> None:
    with pytest.raises(NotFound):
        read_topic(kafka, "no-such-topic", after="0", most=10)


@pytest.mark.parametrize("after", ["1", "a.b.c", "1.2", "", "1.2.3.4"])
def test_place_that_no_page_named_is_refused(kafka: str, topic: str, after: str) -> None:
    with pytest.raises(Invalid):
        read_topic(kafka, topic, after=after, most=10)


def test_kafka_that_is_away_is_said_to_be() -> None:
    with pytest.raises(Busy):
        read_topic("127.0.0.1:9", "any", after="0", most=10)
    with pytest.raises(Busy):
        Lag("127.0.0.1:9").read(lambda: 0)


@pytest.fixture
def lag(kafka: str, topic: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lag]:
    """Of two functions, one of which takes a topic more."""
    lag = Lag(kafka)
    lag._topics = {f"{topic}-1": (topic,), f"{topic}-2": (topic, make_topic(kafka))}
    wait_until(lambda: answers(lag), seconds=60)
    yield lag
    lag.close()


def answers(lag: Lag) -> bool:
    """Whether it is known where offsets are kept: a broker that is asked for a group for the first time must make room for them."""
    try:
        lag.read(lambda: 0)
    except Busy:
        return False
    return True


def commit(bootstrap: str, group: str, topic: str, ends: dict[TopicPartition, int]) -> None:
    offsets = {place: OffsetAndMetadata(end, "", -1) for place, end in ends.items() if place.topic == topic}
    with closing(KafkaAdminClient(bootstrap_servers=bootstrap)) as admin:
        admin.alter_group_offsets(group, offsets)


def test_lag_is_what_each_function_has_still_to_deal_with_and_what_waits_elsewhere(
    kafka: str, topic: str, publish: Publish, lag: Lag
) -> None:
    assert lag.read(lambda: 0) == 0
    publish("1", "2", "3")
    assert lag.read(lambda: 0) == 6
    assert lag.read(lambda: 4) == 10
    commit(kafka, f"{topic}-1", topic, lag._ends(lag._connected()))
    assert lag.read(lambda: 0) == 3
    commit(kafka, f"{topic}-2", topic, lag._ends(lag._connected()))
    assert lag.read(lambda: 0) == 0


def test_lag_is_not_nought_while_records_are_written(kafka: str, topic: str, publish: Publish, lag: Lag) -> None:
    def write() -> int:
        """As a publisher does that takes the last event out of the outbox just now."""
        publish("1")
        return 0

    assert lag.read(write) == 1
    assert lag.read(lambda: 0) == 2
