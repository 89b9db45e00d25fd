"""The publisher on a real PostgreSQL and a real Kafka: what was committed gets to its topic, in order, and out of the outbox only then."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from kafka.errors import (
    KafkaError,
    KafkaStorageError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumberError,
    TopicAuthorizationFailedError,
)

from shared.kernel.ids import EVENT
from shared.platform.database import Database
from shared.platform.kafka import producer
from shared.platform.kafka import publisher as module
from shared.platform.kafka.cluster import servers
from shared.platform.kafka.publisher import Publisher, settle
from shared.platform.local.postgres import EmbeddedPostgres
from tests.conftest import NOW, MakeCall
from tests.integration.kafka.conftest import LIVE, emit_to, make_topic, read_all
from tests.integration.platform.conftest import wait_until


@pytest.fixture
def emit(call: MakeCall, topic: str) -> Callable[..., None]:
    """Puts events with these subjects into the outbox, in a transaction of their own, for the test's topic."""

    def put(*subjects: str, key: str = "k", to: str = topic) -> None:
        emit_to(to, call(), ((subject, key) for subject in subjects))

    return put


@contextmanager
def publishing(postgres: EmbeddedPostgres, bootstrap: str) -> Iterator[Publisher]:
    publisher = Publisher(database_url=postgres.app_url(), bootstrap=bootstrap)
    thread = threading.Thread(target=publisher.run)
    thread.start()
    try:
        yield publisher
    finally:
        publisher.stop()
        thread.join()


def outbox(database: Database) -> list[dict[str, Any]]:
    with database.connection() as connection:
        return list(connection.execute("SELECT seq, subject, event_id, attempts, last_error FROM outbox ORDER BY seq").fetchall())


def wait_for_empty(database: Database) -> None:
    wait_until(lambda: not outbox(database), seconds=30)


def subjects(bootstrap: str, topic: str, key: str = "k") -> list[str]:
    return [event.subject for event in read_all(bootstrap, topic) if event.key == key]


def row(seq: int, key: str) -> dict[str, Any]:
    return {"seq": seq, "key": key, "attempts": 0}


@pytest.mark.parametrize(
    ("keys", "errors", "published", "put_off", "waits"),
    [
        ("aab", [None, None, None], [0, 1, 2], [], False),
        ("aab", [None, MessageSizeTooLargeError(), None], [0, 2], [1], False),
        ("aba", [MessageSizeTooLargeError(), None, None], [1], [0], False),
        ("aa", [MessageSizeTooLargeError(), MessageSizeTooLargeError()], [], [0], False),
        ("aab", [KafkaTimeoutError(), None, None], [2], [], True),
        ("aab", [None, KafkaStorageError(), None], [0, 2], [], True),
        ("ab", [OutOfOrderSequenceNumberError(), None], [1], [], True),
        ("ab", [TopicAuthorizationFailedError(), KafkaTimeoutError()], [], [0], True),
    ],
)
def test_what_becomes_of_a_batch(
    keys: str, errors: list[KafkaError | None], published: list[int], put_off: list[int], *, waits: bool
) -> None:
    settled = settle([row(seq, key) for seq, key in enumerate(keys)], errors)
    assert settled.published == published
    assert [not_taken.row["seq"] for not_taken in settled.not_taken] == put_off
    assert (settled.must_wait is not None) is waits


def test_events_get_to_their_topic_in_order_and_out_of_the_outbox(
    emit: Callable[..., None], database: Database, postgres: EmbeddedPostgres, kafka: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_EVENTS", 7)
    expected = [str(number) for number in range(30)]
    for start in range(0, 30, 10):
        for key in ("k1", "k2"):
            emit(*expected[start : start + 10], key=key)
    ids = {found["event_id"] for found in outbox(database)}
    with publishing(postgres, kafka):
        wait_for_empty(database)
    assert subjects(kafka, topic, "k1") == subjects(kafka, topic, "k2") == expected
    read = read_all(kafka, topic)
    assert {event.event_id for event in read} == ids
    assert {(event.type, event.source, event.occurred_at) for event in read} == {("clo.campaign.went_live.v1", "/clo", NOW)}
    assert {event.payload for event in read} == {LIVE.model_dump_json().encode()}


def test_batch_is_bounded_by_its_bytes_and_an_event_larger_than_that_goes_alone(
    emit: Callable[..., None], database: Database, postgres: EmbeddedPostgres, kafka: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 1)
    sizes = []

    def note(found: list[dict[str, Any]], outcomes: list[KafkaError | None]) -> module.Settled:
        sizes.append(len(found))
        return settle(found, outcomes)

    monkeypatch.setattr(module, "settle", note)
    emit("1", "2", "3")
    with publishing(postgres, kafka):
        wait_for_empty(database)
    assert sizes == [1, 1, 1]
    assert subjects(kafka, topic) == ["1", "2", "3"]


def test_crash_between_publishing_and_removing_publishes_the_same_ids_again(
    emit: Callable[..., None], database: Database, postgres: EmbeddedPostgres, kafka: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashes = iter([True, False])

    def crash(found: list[dict[str, Any]], outcomes: list[KafkaError | None]) -> module.Settled:
        if next(crashes, False):
            raise psycopg.OperationalError("the connection broke")
        return settle(found, outcomes)

    monkeypatch.setattr(module, "settle", crash)
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.02)
    emit("1", "2")
    ids = [EVENT.render(found["event_id"]) for found in outbox(database)]
    with publishing(postgres, kafka):
        wait_for_empty(database)
    assert [EVENT.render(event.event_id) for event in read_all(kafka, topic)] == ids * 2


def test_publisher_takes_over_when_the_one_at_work_is_gone(
    emit: Callable[..., None], database: Database, postgres: EmbeddedPostgres, kafka: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.02)
    with psycopg.connect(postgres.app_url(), autocommit=True) as other:
        assert other.execute("SELECT pg_try_advisory_lock(%s)", (module.LOCK,)).fetchone() == (True,)
        with publishing(postgres, kafka):
            emit("1")
            with pytest.raises(AssertionError):
                wait_until(lambda: not outbox(database), seconds=0.5)
            other.close()
            wait_for_empty(database)
    assert subjects(kafka, topic) == ["1"]


def test_publisher_whose_connection_is_broken_off_begins_again(
    emit: Callable[..., None], database: Database, postgres: EmbeddedPostgres, kafka: str, topic: str
) -> None:
    with publishing(postgres, kafka):
        emit("1")
        wait_for_empty(database)
        with psycopg.connect(postgres.owner_url(), autocommit=True) as owner:
            cut = owner.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s", (module.LOCK,))
            assert cut.fetchall() == [(True,)]
        emit("2")
        wait_for_empty(database)
    assert subjects(kafka, topic) == ["1", "2"]


def test_event_that_kafka_does_not_take_holds_back_its_key_and_no_other(
    emit: Callable[..., None], database: Database, postgres: EmbeddedPostgres, kafka: str, topic: str
) -> None:
    narrow = make_topic(kafka, settings={"max.message.bytes": "10"})
    emit("large", "behind", key="k1", to=narrow)
    emit("other", key="k2")
    with publishing(postgres, kafka):
        wait_until(lambda: len(outbox(database)) == 2 and outbox(database)[0]["attempts"] > 0)
        assert subjects(kafka, topic, "k2") == ["other"]
        with database.connection() as connection:
            connection.execute("UPDATE outbox SET topic = %s", (topic,))
        wait_for_empty(database)
    assert subjects(kafka, topic, "k1") == ["large", "behind"]


def test_cluster_that_is_away_is_waited_for(
    emit: Callable[..., None], database: Database, postgres: EmbeddedPostgres, kafka: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.02)
    addresses = iter(["127.0.0.1:9", "127.0.0.1:9"])
    monkeypatch.setattr(producer, "servers", lambda bootstrap: servers(next(addresses, bootstrap)))
    emit("1")
    with publishing(postgres, kafka):
        wait_for_empty(database)
    assert next(addresses, None) is None
    assert subjects(kafka, topic) == ["1"]
