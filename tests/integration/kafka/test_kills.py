"""Brokers and publishers are killed in the middle of the work: what was committed arrives, and in order."""

import multiprocessing
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

import pytest

from shared.kernel.errors import Busy
from shared.kernel.ids import derived_id
from shared.platform.database import Database
from shared.platform.kafka import straight as module
from shared.platform.kafka.producer import Addressed
from shared.platform.kafka.publisher import Publisher
from shared.platform.kafka.straight import StraightToKafka
from shared.platform.local.kafka import LocalKafka
from shared.platform.local.postgres import EmbeddedPostgres
from tests.conftest import MakeCall
from tests.integration.kafka.conftest import LIVE, emit_to, make_topic, read_all
from tests.integration.kafka.test_publisher import outbox, publishing
from tests.integration.kafka.test_source import came, delivering
from tests.integration.platform.conftest import wait_until
from tests.integration.platform.receiver import Receiver

KEYS: Final = [f"key {number}" for number in range(6)]
PATIENCE_SECONDS: Final = 90.0


def subjects(until: int, word: str = "") -> list[str]:
    return [f"{word}{key}/{number}" for number in range(until) for key in KEYS]


def emit(call: MakeCall, topic: str, numbers: range) -> None:
    """Events of all keys, each number in a transaction of its own."""
    for number in numbers:
        emit_to(topic, call(), ((f"{key}/{number}", key) for key in KEYS))


def post(call: MakeCall, straight: StraightToKafka, number: int) -> int:
    """Bulk events of all keys, posted as a caller does who is told to try again; how often that was."""
    refused = 0
    while True:
        try:
            with replace(call(key=f"post {number}"), bulk=straight).transaction() as tx:
                for key in KEYS:
                    tx.emit(LIVE, subject=f"straight {key}/{number}", key=key, event_id=derived_id(number, key), bulk=True)
            return refused
        except Busy:
            refused += 1
            time.sleep(0.05)


def in_order(seen: list[str]) -> bool:
    """Whether the last copies of what was seen of each key come in order: in trouble one may come before its turn, and again in it."""
    lasts = [subject.rsplit("/", 1) for subject in reversed(dict.fromkeys(reversed(seen)))]
    by_key = {key: [int(number) for other, number in lasts if other == key] for key in KEYS}
    return all(numbers == sorted(numbers) for numbers in by_key.values())


@pytest.fixture
def broker(own_kafka: LocalKafka) -> LocalKafka:
    """A broker that comes back when it is killed."""
    own_kafka.keep_alive()
    return own_kafka


def test_a_killed_broker_comes_back_and_nothing_is_lost(
    call: MakeCall, database: Database, postgres: EmbeddedPostgres, broker: LocalKafka, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = make_topic(broker.bootstrap)
    monkeypatch.setattr(module, "Addressed", lambda **given: Addressed(**given | {"topic": topic}))
    straight = StraightToKafka(broker.bootstrap)

    with ExitStack() as stack:
        stack.callback(straight.close)
        stack.enter_context(publishing(postgres, broker.bootstrap))
        stack.enter_context(delivering(broker.bootstrap, topic, receiver))
        posting = stack.enter_context(ThreadPoolExecutor(4))
        for turn in range(2):
            numbers = range(turn * 20, turn * 20 + 20)
            emit(call, topic, numbers)
            posted = [posting.submit(post, call, straight, number) for number in numbers]
            wait_until(lambda turn=turn: len(receiver.came) > turn * 240 + 20, seconds=PATIENCE_SECONDS)  # type: ignore[misc]
            broker.kill()
            for each in posted:
                each.result()
        emit(call, topic, range(40, 50))
        wait_until(lambda: not outbox(database), seconds=PATIENCE_SECONDS)
        wait_until(came(receiver, *subjects(50), *subjects(40, "straight ")), seconds=PATIENCE_SECONDS)
    assert in_order([subject for _, subject, _ in receiver.came if not subject.startswith("straight")])


def test_a_killed_publisher_leaves_all_to_the_next(
    call: MakeCall, database: Database, postgres: EmbeddedPostgres, kafka: str, topic: str
) -> None:
    emitting = threading.Thread(target=emit, args=(call, topic, range(60)))
    emitting.start()
    spawn = multiprocessing.get_context("spawn")
    for _ in range(2):
        before = len(read_all(kafka, topic))
        victim = spawn.Process(target=_publish, args=(postgres.app_url(), kafka))
        victim.start()
        wait_until(lambda before=before: len(read_all(kafka, topic)) > before, seconds=PATIENCE_SECONDS)  # type: ignore[misc]
        victim.kill()
        victim.join()
        victim.close()
        emit(call, topic, range(60, 70))
    emitting.join()
    with publishing(postgres, kafka):
        wait_until(lambda: not outbox(database), seconds=PATIENCE_SECONDS)
    assert {event.subject for event in read_all(kafka, topic)} == set(subjects(70))


def _publish(database_url: str, bootstrap: str) -> None:
    Publisher(database_url=database_url, bootstrap=bootstrap).run()
