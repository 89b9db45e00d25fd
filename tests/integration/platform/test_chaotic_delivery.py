"""The bus of the test mode: it must misbehave, and must deliver everything."""

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from uuid import UUID

import pytest

from events.envelope import read_http, to_http
from events.payloads import ScheduleTicked
from functions.registry import SINK
from shared.kernel.ids import new_id
from shared.platform.database import Database, rows
from shared.platform.delivery import Answer, HttpDelivery
from shared.platform.local.chaos import ChaoticDelivery, ChaoticHttp
from shared.platform.relay import SQL, envelope_of
from tests.conftest import NOW, MakeCall
from tests.integration.platform.test_events import ticked

EVENTS = 40


@pytest.fixture
def delivered(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """The events that were posted; whoever gets them takes them."""
    came: list[UUID] = []

    def post(_self: HttpDelivery, _consumer: str, headers: Mapping[str, str], body: bytes) -> Answer:
        came.append(read_http(headers, body).event_id)
        return Answer(status=204)

    monkeypatch.setattr(HttpDelivery, "post", post)
    return came


def _deliver_all(call: MakeCall, database: Database, seed: int) -> list[UUID]:
    """What was to be delivered, in which order."""
    with call().transaction() as tx:
        for number in range(EVENTS):
            tx.emit(ScheduleTicked(at=tx.now), subject="schedule", key=f"key {number % 3}")
    chaotic = ChaoticDelivery("http://nowhere", seed=seed, database=database)
    with database.connection() as connection:
        due = [envelope_of(row) for row in rows(connection, SQL["take_due"], blocked=[], most=EVENTS)]
    for event in due:
        assert chaotic("run_schedule", event).status == 204
    return [event.event_id for event in due]


def test_delivers_everything_some_twice_and_some_too_early(call: MakeCall, database: Database, delivered: list[UUID]) -> None:
    due = _deliver_all(call, database, seed=1)
    assert set(delivered) == set(due)
    assert max(Counter(delivered).values()) > 1
    firsts = [due.index(event_id) for event_id in dict.fromkeys(delivered)]
    assert firsts != sorted(firsts)


@pytest.mark.usefixtures("delivered")
def test_changes_nothing_of_what_is_still_to_be_delivered(call: MakeCall, database: Database) -> None:
    due = _deliver_all(call, database, seed=2)
    with database.connection() as connection:
        assert [row["event_id"] for row in rows(connection, SQL["take_due"], blocked=[], most=EVENTS)] == due


def test_delivers_records_of_kafka_in_turn_and_some_once_more_later(delivered: list[UUID]) -> None:
    events = [ticked(event_id=new_id(NOW)) for _ in range(EVENTS)]
    chaotic = ChaoticHttp("http://nowhere", seed=1)
    for event in events:
        assert chaotic.post("run_schedule", *to_http(event)).status == 204
    assert list(dict.fromkeys(delivered)) == [event.event_id for event in events]
    places = {event.event_id: place for place, event in enumerate(events)}
    assert any(places[after] < places[before] for before, after in pairwise(delivered))


def test_brings_dead_letters_to_their_sink_in_peace(delivered: list[UUID]) -> None:
    events = [ticked(event_id=new_id(NOW)) for _ in range(EVENTS)]
    chaotic = ChaoticHttp("http://nowhere", seed=1)
    for event in events:
        chaotic.post(SINK, *to_http(event))
    assert delivered == [event.event_id for event in events]
