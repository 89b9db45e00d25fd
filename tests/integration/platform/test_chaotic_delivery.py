"""The bus of the test mode: it must misbehave, and must deliver everything."""

from collections import Counter
from uuid import UUID

from events.envelope import Envelope
from events.payloads import ScheduleTicked
from shared.platform.database import Database, rows
from shared.platform.delivery import Answer
from shared.platform.local.chaos import ChaoticDelivery
from shared.platform.relay import SQL, envelope_of
from tests.conftest import MakeCall

EVENTS = 40


class Calm:
    """Takes whatever is delivered, and remembers it."""

    def __init__(self) -> None:
        self.delivered: list[UUID] = []

    def __call__(self, consumer: str, event: Envelope) -> Answer:
        self.delivered.append(event.event_id)
        return Answer(status=204)


def _deliver_all(call: MakeCall, database: Database, seed: int) -> tuple[list[UUID], list[UUID]]:
    """What was to be delivered in which order, and what was delivered."""
    with call().transaction() as tx:
        for number in range(EVENTS):
            tx.emit(ScheduleTicked(at=tx.now), subject="schedule", key=f"key {number % 3}")
    calm = Calm()
    chaotic = ChaoticDelivery(calm=calm, database=database, seed=seed)
    with database.connection() as connection:
        due = [envelope_of(row) for row in rows(connection, SQL["take_due"], blocked=[], most=EVENTS)]
    for event in due:
        assert chaotic("run_schedule", event).status == 204
    return [event.event_id for event in due], calm.delivered


def test_delivers_everything_some_twice_and_some_too_early(call: MakeCall, database: Database) -> None:
    due, delivered = _deliver_all(call, database, seed=1)
    assert set(delivered) == set(due)
    assert max(Counter(delivered).values()) > 1
    firsts = [due.index(event_id) for event_id in dict.fromkeys(delivered)]
    assert firsts != sorted(firsts)


def test_changes_nothing_of_what_is_still_to_be_delivered(call: MakeCall, database: Database) -> None:
    due, _ = _deliver_all(call, database, seed=2)
    with database.connection() as connection:
        assert [row["event_id"] for row in rows(connection, SQL["take_due"], blocked=[], most=EVENTS)] == due
