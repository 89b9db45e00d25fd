"""Dead letters are not kept for ever, and not what they say of a customer who was erased."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from events.payloads import ScheduleTicked
from shared.audiences.erasure import erase_customer
from shared.kernel.clock import SimulatedClock
from shared.kernel.errors import Conflict
from shared.platform.call import LETTERS_KEPT
from shared.platform.database import Database
from shared.platform.letters.api import LetterDecision, LettersQuery, LetterState, LetterView
from shared.platform.letters.model import without_customer
from shared.platform.letters.service import (
    discard_dead_letter,
    get_dead_letter,
    list_dead_letters,
    redrive_dead_letter,
    store_dead_letter,
)
from shared.schedule.service import run_schedule
from tests.conftest import NOW, MakeCall
from tests.integration.audiences.builders import customer, put
from tests.integration.platform.test_attempts import letter_of
from tests.integration.platform.test_events import ticked

WHY = LetterDecision(reason="A test.")
TOLD = "clo.customers.told.v1"
GOLD = {"customer_id": "c1", "consent": True, "attributes": {"tier": "gold"}}
OTHER = {"customer_id": "c2", "consent": True, "attributes": {"tier": "iron"}}
Decide = Callable[..., LetterView]


def letter(call: MakeCall, said: object = None, *, type: str = "clo.schedule.ticked.v1", said_id: str = "evt_1") -> Any:  # noqa: A002, ANN401
    """A letter that was kept."""
    kept = replace(letter_of(ticked()), said_id=said_id, type=type, payload=said if isinstance(said, bytes) else json.dumps(said).encode())
    store_dead_letter(call(), kept)
    return list_dead_letters(call(), LettersQuery()).letters[0].letter_id


def there(call: MakeCall, state: LetterState) -> int:
    return len(list_dead_letters(call(), LettersQuery(state=state)).letters)


def tick(call: MakeCall) -> None:
    run_schedule(call("run_schedule"), ScheduleTicked(at=NOW))


@pytest.mark.parametrize(("decide", "state"), [(redrive_dead_letter, "redriven"), (discard_dead_letter, "discarded")])
def test_letter_is_removed_when_it_was_decided_on_long_ago(
    call: MakeCall, clock: SimulatedClock, database: Database, decide: Decide, state: LetterState
) -> None:
    decide(call("omar"), letter(call), WHY)
    clock.advance(NOW + LETTERS_KEPT)
    tick(call)
    assert there(call, state) == 1
    clock.advance(NOW + LETTERS_KEPT + timedelta(seconds=1))
    tick(call)
    assert there(call, state) == 0
    with database.connection() as connection:
        assert connection.execute("SELECT FROM dead_letter_decisions").fetchall() == []


def test_how_long_letters_are_kept_is_a_setting(call: MakeCall, clock: SimulatedClock) -> None:
    discard_dead_letter(call("omar"), letter(call), WHY)
    clock.advance(NOW + timedelta(days=8))
    run_schedule(replace(call("run_schedule"), letters_kept=timedelta(days=9)), ScheduleTicked(at=NOW))
    assert there(call, "discarded") == 1
    run_schedule(replace(call("run_schedule"), letters_kept=timedelta(days=7)), ScheduleTicked(at=NOW))
    assert there(call, "discarded") == 0


def test_letter_that_waits_is_kept_however_old_also_from_the_role_of_the_functions(
    call: MakeCall, clock: SimulatedClock, database: Database
) -> None:
    redrive_dead_letter(call("omar"), letter(call), WHY)
    letter(call)  # it is dead again
    clock.advance(NOW + 10 * LETTERS_KEPT)
    tick(call)
    assert there(call, "waiting") == 1
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="waits"), database.connection() as connection:
        connection.execute("DELETE FROM dead_letters")


def said_of(call: MakeCall, letter_id: Any) -> str:  # noqa: ANN401
    return get_dead_letter(call(), letter_id).payload


def test_erasure_takes_a_customer_out_of_letters_and_leaves_the_others(call: MakeCall) -> None:
    put(call, customer("c1"))
    letter_id = letter(call, {"customers": [GOLD, OTHER]}, type=TOLD)
    erase_customer(call(), "c1")
    assert json.loads(said_of(call, letter_id)) == {"customers": [OTHER]}
    assert redrive_dead_letter(call("omar"), letter_id, WHY).state == "redriven"


@pytest.mark.parametrize(
    ("said", "type"),
    [({"customers": [GOLD]}, TOLD), (b"c1;gold;+1 212 555 0100", "some.bank.row"), (b'{"customers": [{"customer_id": "c1"', TOLD)],
    ids=["nobody else", "no event of ours", "cut"],
)
def test_erasure_empties_a_letter_of_which_nothing_else_is_known(call: MakeCall, said: object, type: str) -> None:  # noqa: A002
    put(call, customer("c1"))
    letter_id = letter(call, said, type=type)
    erase_customer(call(), "c1")
    assert said_of(call, letter_id) == ""
    with pytest.raises(Conflict, match="erased"):
        redrive_dead_letter(call("omar"), letter_id, WHY)
    assert discard_dead_letter(call("omar"), letter_id, WHY).state == "discarded"


def test_erasure_leaves_letters_on_purchases_and_of_others(call: MakeCall) -> None:
    put(call, customer("c1"))
    purchases = letter(call, {"transactions": [{"customer_id": "c1"}]}, type="clo.transactions.posted.v1", said_id="evt_2")
    others = letter(call, {"customers": [OTHER]}, type=TOLD, said_id="evt_3")
    erase_customer(call(), "c1")
    assert json.loads(said_of(call, purchases)) == {"transactions": [{"customer_id": "c1"}]}
    assert json.loads(said_of(call, others)) == {"customers": [OTHER]}


@pytest.mark.parametrize("said", [b"[]", b"{}", b'{"customers": 3}', b'{"customers": [3]}', b"\xff", b"[" * 100_000])
def test_what_can_not_be_read_is_emptied(said: bytes) -> None:
    assert without_customer(said, "c1") == b""
