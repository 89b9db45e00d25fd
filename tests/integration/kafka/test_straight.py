"""Bulk events go straight to Kafka, before the request is answered; what was not acknowledged is not answered."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest

from events.payloads import CampaignWentLive
from shared.kernel.errors import Busy
from shared.kernel.ids import derived_id, new_id
from shared.platform.database import Database
from shared.platform.kafka import straight as module
from shared.platform.kafka.producer import Addressed, Producer
from shared.platform.kafka.straight import StraightToKafka
from tests.conftest import NOW, MakeCall
from tests.integration.kafka.conftest import read_all

BULK: Final = CampaignWentLive(campaign_id=new_id(NOW), live_at=NOW)  # any event will do
ORIGIN: Final = derived_id("origin")


@pytest.fixture
def straight(kafka: str, topic: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[StraightToKafka]:
    """An outlet to the test's topic."""
    monkeypatch.setattr(module, "Addressed", lambda **given: Addressed(**given | {"topic": topic}))
    outlet = StraightToKafka(kafka)
    yield outlet
    outlet.close()


def outbox(database: Database) -> list[dict[str, Any]]:
    with database.connection() as connection:
        return list(connection.execute("SELECT subject FROM outbox").fetchall())


def test_bulk_events_are_published_past_the_outbox_and_others_are_not(
    call: MakeCall, database: Database, straight: StraightToKafka, kafka: str, topic: str
) -> None:
    with replace(call(), bulk=straight).transaction() as tx:
        tx.emit(BULK, subject="1", key="shard-1", event_id=ORIGIN, bulk=True)
        tx.emit(BULK, subject="told", key="shard-1")
        tx.emit(BULK, subject="2", key="shard-1", bulk=True)
    read = read_all(kafka, topic)
    assert [(event.subject, event.key, event.payload) for event in read] == [
        (subject, "shard-1", BULK.model_dump_json().encode()) for subject in "12"
    ]
    assert read[0].event_id == ORIGIN
    assert outbox(database) == [{"subject": "told"}]


def test_without_kafka_they_are_stored(call: MakeCall, database: Database) -> None:
    with call().transaction() as tx:
        tx.emit(BULK, subject="1", key="k", bulk=True)
    assert outbox(database) == [{"subject": "1"}]


def test_transaction_that_publishes_in_vain_changes_nothing_and_may_be_tried_again(
    call: MakeCall, straight: StraightToKafka, kafka: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def attempt() -> None:
        with replace(call(key="k1"), bulk=straight).transaction() as tx:
            tx.emit(BULK, subject="1", key="k", event_id=ORIGIN, bulk=True)

    with monkeypatch.context() as away:
        away.setattr(straight, "_producer", Producer("127.0.0.1:9"))
        with pytest.raises(Busy):
            attempt()
    attempt()  # under the same key, which is free again
    assert [event.event_id for event in read_all(kafka, topic)] == [ORIGIN]


def test_transaction_that_fails_after_all_publishes_the_same_ids_when_it_is_tried_again(
    call: MakeCall, straight: StraightToKafka, kafka: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def attempt() -> None:
        with replace(call(key="k1"), bulk=straight).transaction() as tx:
            tx.emit(BULK, subject="1", key="k", event_id=ORIGIN, bulk=True)

    with monkeypatch.context() as broken:
        broken.setattr("shared.platform.outbox.store", _fail)
        with pytest.raises(RuntimeError):
            attempt()
    attempt()
    assert [event.event_id for event in read_all(kafka, topic)] == [ORIGIN] * 2


def _fail(*_: object, **__: object) -> None:
    raise RuntimeError("after the events were published")
