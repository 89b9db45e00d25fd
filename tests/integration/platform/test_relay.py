"""The relay keeps the delivery contract towards a real HTTP server that answers as it is told."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest
from structlog.testing import capture_logs

from events.envelope import Envelope
from events.payloads import CampaignWentLive, OfferApproved, ScheduleTicked
from shared.kernel.errors import Busy
from shared.kernel.ids import new_id
from shared.kernel.wire import Wire
from shared.platform import delivery as contract
from shared.platform import relay as module
from shared.platform.call import Call
from shared.platform.database import Connected, Database
from shared.platform.delivery import Answer, HttpDelivery, Verdict, judge
from shared.platform.letters.api import LetterDecision, LettersQuery
from shared.platform.letters.service import list_dead_letters, redrivable, redrive_dead_letter
from shared.platform.relay import SQL, Relay
from tests.conftest import NOW, MakeCall
from tests.integration.platform.conftest import wait_until
from tests.integration.platform.receiver import Receiver
from tests.integration.platform.test_events import ticked

THING = new_id(NOW)
LIVE = CampaignWentLive(campaign_id=THING, live_at=NOW)


@pytest.fixture
def relay(database: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Relay]:
    monkeypatch.setattr(contract, "FIRST_PAUSE_SECONDS", 0.005)
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.02)
    delivery = HttpDelivery(receiver.base_url)
    relay = Relay(database=database, deliver=delivery)
    thread = threading.Thread(target=relay.run)
    thread.start()
    yield relay
    relay.stop()
    thread.join()
    delivery.close()


def emit(call: MakeCall, *subjects: str, key: str = "k", payload: Wire = LIVE) -> None:
    with call().transaction() as tx:
        for subject in subjects:
            tx.emit(payload, subject=subject, key=key)


def backlog(database: Database) -> dict[str, int]:
    with database.connection() as connection:
        row = connection.execute(SQL["backlog"]).fetchone()
        assert row is not None
        return dict(row)


def redrive_all(call: Call) -> None:
    for letter_id in redrivable(call):
        redrive_dead_letter(call, letter_id, LetterDecision(reason="The cause is mended."))


def wait_for(database: Database, *, pending: int = 0, dead: int = 0) -> None:
    wait_until(lambda: backlog(database) == {"pending": pending, "dead": dead})


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Verdict.TAKEN),
        (204, Verdict.TAKEN),
        (400, Verdict.DEAD),
        (413, Verdict.DEAD),
        (415, Verdict.DEAD),
        (422, Verdict.DEAD),
        (404, Verdict.LATER),
        (408, Verdict.LATER),
        (409, Verdict.LATER),
        (429, Verdict.LATER),
        (500, Verdict.LATER),
        (503, Verdict.LATER),
        (302, Verdict.LATER),
        (0, Verdict.LATER),
    ],
)
def test_verdict_on_an_answer(status: int, verdict: Verdict) -> None:
    assert judge(Answer(status=status), attempts=0) is verdict
    if verdict is Verdict.LATER:
        assert judge(Answer(status=status), attempts=contract.MAX_ATTEMPTS - 1) is Verdict.DEAD


@pytest.mark.usefixtures("relay")
def test_event_goes_to_the_function_that_takes_it_and_out_of_the_outbox(call: MakeCall, database: Database, receiver: Receiver) -> None:
    emit(call, "tick", payload=ScheduleTicked(at=NOW))
    wait_for(database)
    assert receiver.came == [("run_schedule", "tick", 204)]
    with database.connection() as connection:
        assert connection.execute("SELECT FROM outbox").fetchall() == []


@pytest.mark.usefixtures("relay")
def test_event_for_systems_outside_stays_readable_on_its_topic(call: MakeCall, database: Database) -> None:
    emit(call, "a", "b")
    wait_for(database)
    with database.connection() as connection:
        read = connection.execute(SQL["read_topic"], {"topic": "clo.campaigns", "after": 0, "most": 10}).fetchall()
    assert [row["subject"] for row in read] == ["a", "b"]


@pytest.mark.usefixtures("relay")
def test_events_of_one_key_come_in_order_and_one_that_waits_holds_back_the_later_ones(
    call: MakeCall, database: Database, receiver: Receiver
) -> None:
    receiver.script["2"] = [503, 500, 404, 409, 429]
    emit(call, "1", "2", "3", "4")
    wait_for(database)
    assert receiver.of("1", "2", "3", "4") == [
        ("1", 204),
        *(("2", status) for status in (503, 500, 404, 409, 429, 204)),
        ("3", 204),
        ("4", 204),
    ]


@pytest.mark.usefixtures("relay")
def test_key_that_waits_does_not_hold_up_others(
    call: MakeCall, database: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contract, "MAX_ATTEMPTS", 10_000)
    monkeypatch.setattr(contract, "MAX_PAUSE_SECONDS", 0.02)
    receiver.script["stuck"] = [503] * 10_000
    emit(call, "stuck", "behind", key="k1")
    emit(call, *(str(number) for number in range(100)), key="k2")
    wait_until(lambda: receiver.of("99"))
    assert not receiver.of("behind")
    receiver.script["stuck"].clear()
    wait_for(database)
    came = [subject for _, subject, _ in receiver.came]
    assert [subject for subject in came if subject.isdigit()] == [str(number) for number in range(100)]


@pytest.mark.usefixtures("relay")
def test_key_with_more_events_than_are_looked_at_in_one_go_does_not_hold_up_others(
    call: MakeCall, database: Database, receiver: Receiver
) -> None:
    receiver.gate.clear()
    emit(call, *(f"slow{number}" for number in range(3 * module.WINDOW)), key="k1")
    emit(call, "other", key="k2")
    wait_until(lambda: receiver.of("other"))
    receiver.gate.set()
    wait_for(database)


@pytest.mark.usefixtures("relay")
def test_poison_is_dead_at_once_kept_with_its_reason_and_holds_nothing_back(call: MakeCall, database: Database, receiver: Receiver) -> None:
    receiver.script["bad"] = [422]
    emit(call, "bad", "good")
    wait_for(database, dead=1)
    assert receiver.of("bad", "good") == [("bad", 422), ("good", 204)]
    (letter,) = list_dead_letters(call(), LettersQuery()).letters
    assert (letter.consumer, letter.subject, letter.status, letter.attempts) == ("launch_offer", "bad", 422, 1)


@pytest.mark.usefixtures("relay")
def test_event_that_fails_too_often_is_dead_and_can_be_redriven(
    call: MakeCall, database: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contract, "MAX_ATTEMPTS", 3)
    receiver.script["bad"] = [500, 500, 500]
    emit(call, "bad", "good")
    wait_for(database, dead=1)
    assert receiver.of("bad", "good") == [("bad", 500)] * 3 + [("good", 204)]
    redrive_all(call())
    wait_for(database)
    assert receiver.of("bad")[-1] == ("bad", 204)


@pytest.mark.usefixtures("relay")
def test_redriven_event_that_fails_again_is_dead_again(call: MakeCall, database: Database, receiver: Receiver) -> None:
    receiver.script["bad"] = [422, 422]
    emit(call, "bad")
    wait_for(database, dead=1)
    redrive_all(call())
    wait_until(lambda: len(receiver.of("bad")) == 2)
    wait_for(database, dead=1)
    (letter,) = list_dead_letters(call(), LettersQuery()).letters
    assert letter.attempts == 2


def test_attempts_are_counted_for_one_function_at_a_time(
    call: MakeCall, database: Database, receiver: Receiver, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event for two functions: the failures of the first do not count against the second."""
    monkeypatch.setattr(contract, "MAX_ATTEMPTS", 3)
    monkeypatch.setattr("shared.platform.outbox.consumers_of", lambda _payload: ("first", "second"))
    receiver.script["both"] = [500, 500, 204, 500, 500, 204]
    emit(call, "both", payload=OfferApproved(offer_id=THING, campaign_id=THING, version=1))
    wait_for(database)
    assert [consumer for consumer, _, _ in receiver.came] == ["first"] * 3 + ["second"] * 3


def test_what_was_not_delivered_when_the_relay_stopped_is_delivered_by_the_next(
    call: MakeCall, database: Database, receiver: Receiver, relay: Relay
) -> None:
    receiver.script["1"] = [503] * 100
    emit(call, "1", "2")
    wait_until(lambda: receiver.of("1"))
    relay.stop()
    receiver.script["1"] = []
    again = Relay(database=database, deliver=relay.deliver)
    thread = threading.Thread(target=again.run)
    thread.start()
    wait_for(database)
    again.stop()
    thread.join()
    assert [subject for subject, status in receiver.of("1", "2") if status == 204] == ["1", "2"]


def test_relay_waits_for_a_database_that_is_not_reached(
    call: MakeCall, database: Database, receiver: Receiver, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = iter([True, True, False])
    connection = database.connection

    def fail_twice() -> AbstractContextManager[Connected]:
        if next(tries, False):
            raise Busy
        return connection()

    emit(call, "1")
    monkeypatch.setattr(relay, "database", type("Flaky", (), {"connection": staticmethod(fail_twice)}))
    wait_for(database)


def test_delivery_that_fails_in_a_way_that_nobody_knows_is_told_and_made_again(
    call: MakeCall, database: Database, receiver: Receiver, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([ValueError("unknown")])
    deliver = relay.deliver

    def fail_once(consumer: str, event: Envelope) -> Answer:
        for failure in failures:
            raise failure
        return deliver(consumer, event)

    monkeypatch.setattr(relay, "deliver", fail_once)
    with capture_logs() as log:
        emit(call, "1")
        wait_for(database)
    assert [(line["event"], line["key"]) for line in log if line["log_level"] == "error"] == [("not delivered", "k")]
    assert receiver.of("1") == [("1", 204)]


def test_delivery_that_always_fails_in_a_way_that_nobody_knows_ends_with_the_dead_letters(
    call: MakeCall, database: Database, receiver: Receiver, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contract, "MAX_ATTEMPTS", 3)
    deliver = relay.deliver

    def fail_one(consumer: str, event: Envelope) -> Answer:
        if event.subject == "bad":
            raise ValueError("unknown")
        return deliver(consumer, event)

    monkeypatch.setattr(relay, "deliver", fail_one)
    emit(call, "bad", "good")
    wait_for(database, dead=1)
    assert receiver.of("good") == [("good", 204)]
    (letter,) = list_dead_letters(call(), LettersQuery()).letters
    assert (letter.subject, letter.status, letter.attempts, letter.reason) == ("bad", 0, 3, "ValueError('unknown')")


def test_function_that_is_not_reached_is_tried_again() -> None:
    delivery = HttpDelivery("http://127.0.0.1:9")
    answer = delivery("run_schedule", ticked())
    delivery.close()
    assert answer.status == 0
    assert judge(answer, attempts=0) is Verdict.LATER
