"""How often an event was brought outlives the function: what ends its process again and again ends with the dead letters."""

from typing import Any

import pytest

from events.envelope import Envelope
from shared.kernel.errors import Broken, Busy, Invalid, Refused
from shared.platform import delivery
from shared.platform.attempts import MOST_DEATHS
from shared.platform.call import Call
from shared.platform.database import Database
from shared.platform.letters.model import Letter
from shared.platform.letters.service import store_dead_letter
from tests.conftest import MakeCall
from tests.integration.platform.conftest import Ask, event_app
from tests.integration.platform.test_events import ticked


class Died(BaseException):
    """What no process survives."""


def attempts(database: Database) -> list[tuple[int, int]]:
    with database.connection() as connection:
        return [(row["begun"], row["failed"]) for row in connection.execute("SELECT begun, failed FROM attempts").fetchall()]


def answering(ask: Ask, *raised: BaseException | None) -> list[int]:
    """The statuses of so many deliveries of one event, whose use case raises these one after the other; 0 where the function died."""
    left = list(raised)

    def use_case(_call: Call, _payload: Any) -> None:  # noqa: ANN401
        error = left.pop(0)
        if error:
            raise error

    app, event = ask(event_app("run_schedule", run_schedule=use_case)), ticked()
    return [_status(app, event) for _ in raised]


def _status(app: Any, event: Envelope) -> int:  # noqa: ANN401
    try:
        return int(app.event(event).status_code)
    except Died:
        return 0


@pytest.mark.parametrize(
    ("raised", "status", "left"),
    [
        (None, 204, []),
        (Refused("no"), 204, []),
        (Invalid("poison"), 422, []),
        (Busy(), 503, [(1, 1)]),
        (Broken(), 500, [(1, 1)]),
        (ValueError("unexpected"), 500, [(1, 1)]),
        (Died(), 0, [(1, 0)]),
    ],
)
def test_counts_until_it_is_answered_for_good(
    ask: Ask, database: Database, raised: BaseException | None, status: int, left: list[tuple[int, int]]
) -> None:
    assert answering(ask, raised) == [status]
    assert attempts(database) == left


def test_event_that_ends_its_function_each_time_is_refused(ask: Ask) -> None:
    assert answering(ask, *[Died()] * MOST_DEATHS, None) == [0] * MOST_DEATHS + [422]


def test_event_that_was_brought_too_often_is_refused(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "MAX_ATTEMPTS", 3)
    assert answering(ask, Busy(), Broken(), Busy(), None) == [503, 500, 503, 422]


def test_event_that_is_taken_at_last_is_forgotten(ask: Ask, database: Database) -> None:
    assert answering(ask, Died(), Busy(), None) == [0, 503, 204]
    assert attempts(database) == []


def test_event_that_came_to_the_dead_letters_begins_anew(ask: Ask, call: MakeCall, database: Database) -> None:
    event = ticked()
    app = ask(event_app("run_schedule", run_schedule=_dies))
    assert [_status(app, event) for _ in range(MOST_DEATHS + 1)] == [0] * MOST_DEATHS + [422]
    store_dead_letter(call(), letter_of(event))
    assert attempts(database) == []
    assert _status(app, event) == 0


def _dies(_call: Call, _payload: Any) -> None:  # noqa: ANN401
    raise Died


def letter_of(event: Envelope) -> Letter:
    return Letter(
        consumer="run_schedule",
        source=event.source,
        said_id=f"evt_{event.event_id.hex}",
        event_id=event.event_id,
        type=event.type,
        subject=event.subject,
        topic="clo.schedule",
        key="schedule",
        occurred_at=event.occurred_at,
        trace=None,
        payload=event.payload,
        whole=True,
        status=422,
        reason="Its function died.",
    )
