"""What a process was told of merchants is asked once, and anew when any of them has changed."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from shared.merchants import at_hand, service
from shared.merchants.at_hand import look_up_and_keep
from shared.merchants.ladder import Clues, match
from shared.platform.call import Call
from shared.platform.database import Database
from shared.platform.local.postgres import EmbeddedPostgres
from tests.conftest import NOW, MakeCall

ACQUIRER: dict[str, Any] = {"kind": "acquirer", "merchant_id": "a-77"}
BY_ID, BY_DESCRIPTOR = Clues(at=NOW, merchant_id="a-77", location_id="l1"), Clues(at=NOW, descriptor="SQ *Blue Cup")


@pytest.fixture
def fresh(call: MakeCall, postgres: EmbeddedPostgres) -> Iterator[Call]:
    """A process that was told nothing yet."""
    database = Database(postgres.app_url(), pool_size=2, timeout_seconds=5)
    yield replace(call(), database=database)
    database.close()


def put(call: MakeCall, *aliases: dict[str, Any]) -> None:
    merchants = {"merchants": [{"merchant_id": "m1", "name": "Shop", "mcc": "5814", "aliases": aliases}]}
    assert service.put_merchants(call(), json.dumps(merchants).encode()).accepted == 1


def ask(call: Call, *purchases: Clues) -> at_hand.Kept:
    with call.reading() as tx:
        return look_up_and_keep(tx, purchases)


def test_nothing_is_at_hand_at_first_and_what_was_asked_is_from_then_on(fresh: Call) -> None:
    assert not at_hand.at_hand(fresh.database).book.covers([BY_ID])
    ask(fresh, BY_ID)
    kept = at_hand.at_hand(fresh.database)
    assert kept.book.covers([BY_ID])
    assert not kept.book.covers([BY_ID, BY_DESCRIPTOR])
    assert not kept.book.covers([BY_ID._replace(location_id="l2")])


def test_more_is_added_while_merchants_stay_as_they_are(fresh: Call) -> None:
    first = ask(fresh, BY_ID)
    assert ask(fresh, BY_DESCRIPTOR) is first
    assert at_hand.at_hand(fresh.database).book.covers([BY_ID, BY_DESCRIPTOR])


def test_a_change_of_any_merchant_begins_it_anew(call: MakeCall, fresh: Call) -> None:
    before = ask(fresh, BY_ID, BY_DESCRIPTOR)
    put(call, ACQUIRER)
    after = ask(fresh, BY_ID)
    assert after.revision > before.revision
    assert match(BY_ID, before.book).merchant_id == "a-77"
    assert match(BY_ID, at_hand.at_hand(fresh.database).book).merchant_id == "m1"
    assert not at_hand.at_hand(fresh.database).book.covers([BY_DESCRIPTOR])


def test_no_more_is_kept_than_there_is_room_for(fresh: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(at_hand, "MOST_KEPT", 2)
    ask(fresh, BY_ID)
    ask(fresh, BY_DESCRIPTOR)
    kept = at_hand.at_hand(fresh.database).book
    assert (kept.covers([BY_DESCRIPTOR]), kept.covers([BY_ID])) == (True, False)
