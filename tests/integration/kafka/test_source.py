"""A source on a real Kafka keeps the delivery contract towards functions that answer as they are told."""

import base64
import multiprocessing
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any, Final

import pytest
from kafka import KafkaProducer
from structlog.testing import capture_logs

from shared.platform import delivery as contract
from shared.platform.delivery import HttpDelivery
from shared.platform.kafka import source as module
from shared.platform.kafka.source import Source
from tests.integration.kafka.conftest import committed, make_topic
from tests.integration.platform.conftest import wait_until
from tests.integration.platform.receiver import SINK, Receiver

PATIENCE_SECONDS: Final = 60.0
Publish = Callable[..., None]


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "FIRST_PAUSE_SECONDS", 0.005)
    monkeypatch.setattr(module, "SESSION_MS", 6_000)
    monkeypatch.setattr(module, "HEARTBEAT_MS", 300)


@contextmanager
def delivering(bootstrap: str, topic: str, receiver: Receiver, *, function: str | None = None, **options: Any) -> Iterator[Source]:
    """A source at work; its function bears the topic's name, so that the group is the test's own."""
    with closing(HttpDelivery(receiver.base_url)) as delivery:
        source = Source(function=function or topic, topics=(topic,), bootstrap=bootstrap, deliver=delivery, sink=SINK, **options)
        thread = threading.Thread(target=source.run)
        thread.start()
        try:
            yield source
        finally:
            source.stop()
            receiver.gate.set()
            thread.join()


def came(receiver: Receiver, *subjects: str) -> Callable[[], bool]:
    """Whether all of these were taken."""
    return lambda: set(subjects) <= {subject for _, subject, status in list(receiver.came) if status == 204}


def wait_for(holds: Callable[[], object]) -> None:
    wait_until(holds, seconds=PATIENCE_SECONDS)


def test_events_of_a_key_come_in_order_one_by_one_and_are_committed(kafka: str, topic: str, publish: Publish, receiver: Receiver) -> None:
    subjects = [str(number) for number in range(200)]
    publish(*subjects)
    with delivering(kafka, topic, receiver):
        wait_for(came(receiver, *subjects))
        wait_for(lambda: committed(kafka, f"clo.{topic}", topic) == len(subjects))
    assert receiver.came == [(topic, subject, 204) for subject in subjects]


def test_event_that_waits_holds_back_its_partition_and_no_other(kafka: str, topic: str, publish: Publish, receiver: Receiver) -> None:
    receiver.script["2"] = [503, 500, 404, 409, 429]
    receiver.gate.clear()
    publish("slow", "after", key="0")
    publish("1", "2", "3", key="5")  # another partition
    with delivering(kafka, topic, receiver):
        wait_for(came(receiver, "1", "2", "3"))
        assert not receiver.of("slow", "after")
        receiver.gate.set()
        wait_for(came(receiver, "slow", "after"))
    assert receiver.of("1", "2", "3") == [("1", 204), *(("2", status) for status in (503, 500, 404, 409, 429, 204)), ("3", 204)]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that are made, in seconds; none takes as long."""
    noted = []

    def note(attempts: int) -> float:
        noted.append(contract.pause_seconds(attempts))
        return 0.001

    monkeypatch.setattr("shared.platform.kafka.lanes.pause_seconds", note)
    return noted


def test_what_is_tried_again_waits_longer_each_time(
    kafka: str, topic: str, publish: Publish, receiver: Receiver, pauses: list[float]
) -> None:
    receiver.script["1"] = [503] * 5
    publish("1")
    with delivering(kafka, topic, receiver):
        wait_for(came(receiver, "1"))
    assert pauses == [0.005 * 2**attempts for attempts in range(5)]


def test_delivery_that_fails_in_a_way_that_nobody_knows_is_told_and_made_again_after_a_pause(
    kafka: str, topic: str, publish: Publish, receiver: Receiver, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([ValueError("unknown"), ValueError("unknown")])
    with delivering(kafka, topic, receiver) as source, capture_logs() as log:
        post = source.deliver.post

        def fail_twice(*request: Any) -> contract.Answer:
            for failure in failures:
                raise failure
            return post(*request)

        monkeypatch.setattr(source.deliver, "post", fail_twice)
        publish("1")
        wait_for(came(receiver, "1"))
    assert pauses == [0.005, 0.01]
    assert [(line["event"], line["consumer"]) for line in log if line["log_level"] == "error"] == [("not delivered", topic)] * 2


def test_poison_goes_to_the_sink_with_what_knative_says_of_it_and_holds_nothing_back(
    kafka: str, topic: str, publish: Publish, receiver: Receiver
) -> None:
    receiver.script["bad"] = [422]
    publish("bad", "good")
    with delivering(kafka, topic, receiver):
        wait_for(came(receiver, "good"))
        wait_for(lambda: committed(kafka, f"clo.{topic}", topic) == 2)
    assert receiver.of("bad", "good") == [("bad", 422), ("good", 204)]
    ((headers, body),) = receiver.letters
    assert (headers["ce-subject"], headers["ce-partitionkey"], body) == ("bad", "k", b'{"at": "2026-01-15T12:00:00Z"}')
    assert (headers["ce-knativeerrordest"], headers["ce-knativeerrorcode"]) == (f"{receiver.base_url}/events/{topic}", "422")
    assert base64.b64decode(headers["ce-knativeerrordata"]) == b""


def test_event_that_fails_too_often_goes_to_the_sink(
    kafka: str, topic: str, publish: Publish, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contract, "MAX_ATTEMPTS", 3)
    receiver.script["bad"] = [500] * 100
    publish("bad", "good")
    with delivering(kafka, topic, receiver):
        wait_for(came(receiver, "good"))
    assert receiver.of("bad", "good") == [("bad", 500)] * 3 + [("good", 204)]
    assert [headers["ce-knativeerrorcode"] for headers, _ in receiver.letters] == ["500"]


def test_sink_that_fails_is_tried_again_and_nothing_is_passed_over(
    kafka: str, topic: str, publish: Publish, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contract, "MAX_ATTEMPTS", 3)
    receiver.script["bad"] = [422] * 100
    receiver.script[SINK] = [503, 500, 422, 404, 503, 503, 503]  # more often than an event is tried, and whatever it answers
    publish("bad", "good")
    with delivering(kafka, topic, receiver):
        wait_for(came(receiver, "good"))
    assert receiver.of("bad", "good") == [("bad", 422), ("good", 204)]
    assert [status for function, _, status in receiver.came if function == SINK] == [503, 500, 422, 404, 503, 503, 503, 204]
    assert len(receiver.letters) == 1


def test_record_that_is_no_event_reaches_the_function_as_a_source_of_knative_would_bring_it(
    kafka: str, topic: str, publish: Publish, receiver: Receiver
) -> None:
    with closing(KafkaProducer(bootstrap_servers=kafka)) as producer:
        place = producer.send(topic, b"\xffrubbish", key=b"k").get(timeout=10)
    subject = f"partition:{place.partition}#{place.offset}"
    receiver.script[subject] = [422]
    publish("good")
    with delivering(kafka, topic, receiver):
        wait_for(came(receiver, "good"))
    ((headers, body),) = receiver.letters
    assert (headers["ce-type"], headers["ce-source"], body) == ("dev.knative.kafka.event", f"/kafka#{topic}", b"\xffrubbish")


def test_offset_is_committed_only_after_the_answer(kafka: str, topic: str, publish: Publish, receiver: Receiver) -> None:
    receiver.gate.clear()
    publish("1", "slow", "3")
    with delivering(kafka, topic, receiver):
        wait_for(came(receiver, "1"))
        wait_for(lambda: committed(kafka, f"clo.{topic}", topic) == 1)
        receiver.gate.set()
        wait_for(lambda: committed(kafka, f"clo.{topic}", topic) == 3)
    assert receiver.of("1", "slow", "3") == [("1", 204), ("slow", 204), ("3", 204)]


def test_next_source_goes_on_where_one_stopped(kafka: str, topic: str, publish: Publish, receiver: Receiver) -> None:
    publish("1", "2")
    with delivering(kafka, topic, receiver):
        wait_for(came(receiver, "1", "2"))
    publish("3")
    with delivering(kafka, topic, receiver):
        wait_for(came(receiver, "3"))
    assert receiver.came == [(topic, subject, 204) for subject in "123"]


def test_many_records_of_a_partition_are_fetched_as_they_are_delivered(
    kafka: str, topic: str, publish: Publish, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FULL", 5)
    monkeypatch.setattr(module, "PARTITION_BYTES", 1)  # each fetch brings one batch
    subjects = [str(number) for number in range(60)]
    receiver.gate.clear()
    publish("slow")
    for subject in subjects:
        publish(subject)
    with delivering(kafka, topic, receiver) as source:
        wait_for(lambda: sum(len(lane.records) for lane in source._lanes.values()) >= 5)
        with pytest.raises(AssertionError):
            wait_until(lambda: sum(len(lane.records) for lane in source._lanes.values()) > 8, seconds=1)
        receiver.gate.set()
        wait_for(came(receiver, *subjects))
    assert [subject for subject, _ in receiver.of(*subjects)] == subjects


def test_rebalance_in_the_middle_loses_nothing_and_keeps_the_order(kafka: str, receiver: Receiver) -> None:
    topic = make_topic(kafka, partitions=4)
    keys = [f"key {number}" for number in range(12)]
    with closing(KafkaProducer(bootstrap_servers=kafka)) as producer:
        _send(producer, topic, keys, range(30))
        with delivering(kafka, topic, receiver):
            wait_for(lambda: len(receiver.came) > 20)
            with delivering(kafka, topic, receiver):
                _send(producer, topic, keys, range(30, 60))
                wait_for(lambda: len(receiver.came) > 300)
            _send(producer, topic, keys, range(60, 90))
            expected = {f"{key}/{number}" for key in keys for number in range(90)}
            wait_for(came(receiver, *expected))
    firsts: dict[str, list[int]] = defaultdict(list)
    for subject in dict.fromkeys(subject for _, subject, _ in receiver.came):
        key, _, number = subject.partition("/")
        firsts[key].append(int(number))
    assert all(numbers == list(range(90)) for numbers in firsts.values())


def test_source_that_is_killed_and_started_again_goes_on_at_once_and_loses_nothing(
    kafka: str, topic: str, publish: Publish, receiver: Receiver
) -> None:
    subjects = [str(number) for number in range(400)]
    publish(*subjects)
    spawn = multiprocessing.get_context("spawn")
    for taken in (50, 150):
        victim = spawn.Process(target=_run_a_source, args=(kafka, topic, receiver.base_url))
        victim.start()
        wait_for(partial(_has_come, receiver, taken))
        victim.kill()
        victim.join()
        victim.close()
    with delivering(kafka, topic, receiver, instance="the one"):
        wait_for(came(receiver, *subjects))
    assert list(dict.fromkeys(subject for _, subject, _ in receiver.came)) == subjects


def _has_come(receiver: Receiver, number: int) -> bool:
    return len(receiver.came) > number


def _run_a_source(bootstrap: str, topic: str, base_url: str) -> None:
    delivery = HttpDelivery(base_url)
    Source(function=topic, topics=(topic,), bootstrap=bootstrap, deliver=delivery, sink=SINK, instance="the one").run()


def _send(producer: KafkaProducer, topic: str, keys: list[str], numbers: range) -> None:
    headers = [("ce_specversion", b"1.0"), ("ce_type", b"t"), ("ce_source", b"/s")]
    for number in numbers:
        for key in keys:
            subject = f"{key}/{number}".encode()
            producer.send(topic, b"{}", key=key.encode(), headers=[*headers, ("ce_id", subject), ("ce_subject", subject)])
    producer.flush()
