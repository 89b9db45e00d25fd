"""What the bank says of its cards: in bulk, dated, corrected, and never overlapping."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.audiences import cards, customers
from shared.audiences.model import Holder
from shared.kernel.errors import NotFound
from shared.platform.batches import BatchAnswer
from tests.conftest import NOW, MakeCall
from tests.integration.audiences.builders import put_all

JUNE, JULY, AUGUST = (datetime(2025, month, 1, tzinfo=UTC) for month in (6, 7, 8))


def card(card_token: str = "k1", customer_id: str = "c1", **overrides: Any) -> dict[str, Any]:
    return {"card_token": card_token, "customer_id": customer_id, **overrides}


def put(call: MakeCall, *sent: dict[str, Any]) -> BatchAnswer:
    return cards.put_cards(call(), json.dumps({"cards": sent}, default=str).encode())


def held(call: MakeCall, card_token: str = "k1") -> list[tuple[str, datetime | None, datetime | None]]:
    return [(holding.customer_id, holding.valid_from, holding.valid_to) for holding in cards.get_card(call(), card_token).holdings]


def holder(call: MakeCall, at: datetime, card_token: str = "k1") -> Holder | None:
    with call().reading() as tx:
        return cards.holders(tx, [(card_token, at)]).get((card_token, at))


def test_shows_a_card_as_it_was_sent(call: MakeCall) -> None:
    assert put(call, card(account_token="a1", card_product="gold", valid_from=JUNE, valid_to=JULY)) == BatchAnswer(accepted=1, rejected=[])
    [shown] = cards.get_card(call(), "k1").holdings
    assert (shown.customer_id, shown.account_token, shown.card_product) == ("c1", "a1", "gold")
    assert (shown.valid_from, shown.valid_to) == (JUNE, JULY)


def test_an_unknown_card_is_not_found(call: MakeCall) -> None:
    with pytest.raises(NotFound):
        cards.get_card(call(), "k1")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_holding_ends_where_the_next_begins_whichever_was_told_first(call: MakeCall, order: tuple[int, ...]) -> None:
    sent = [card(), card(customer_id="c2", valid_from=JULY)]
    for index in order:
        put(call, sent[index])
    assert held(call) == [("c1", None, JULY), ("c2", JULY, None)]
    a_moment = timedelta(microseconds=1)
    at_border = [holder(call, JULY - a_moment), holder(call, JULY)]
    assert [found.customer_id for found in at_border if found] == ["c1", "c2"]
    assert all(found.passed_on for found in at_border if found)


def test_after_its_end_a_card_is_nobodys(call: MakeCall) -> None:
    put(call, card(valid_from=JUNE, valid_to=JULY))
    moments = (JUNE - timedelta(seconds=1), JUNE, JULY - timedelta(seconds=1), JULY)
    assert [holder(call, at) is not None for at in moments] == [False, True, True, False]


def test_a_correction_of_the_past_replaces_what_was_said_and_the_record_keeps_both(call: MakeCall) -> None:
    put(call, card(valid_from=JUNE), card(customer_id="c2", valid_from=JULY))
    put(call, card(customer_id="c1", valid_from=JULY), card(customer_id="c2", valid_from=AUGUST))
    assert held(call) == [("c1", JUNE, JULY), ("c1", JULY, AUGUST), ("c2", AUGUST, None)]
    with call().reading() as tx:
        said = tx.connection.execute("SELECT customer_id FROM cards WHERE valid_from = %s ORDER BY seq", (JULY,)).fetchall()
    assert [row["customer_id"] for row in said] == ["c2", "c1"]


def test_what_is_said_again_adds_nothing(call: MakeCall) -> None:
    for _ in range(2):
        assert put(call, card(account_token="a1", valid_from=JUNE), card("k2")).accepted == 2
    with call().reading() as tx:
        assert tx.connection.execute("SELECT count(*) AS said FROM cards").fetchall() == [{"said": 2}]


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        ({"card_token": "a b"}, "/cards/1/card_token"),
        ({"customer_id": None}, "/cards/1/customer_id"),
        ({"account_token": "a b"}, "/cards/1/account_token"),
        ({"valid_from": JULY, "valid_to": JULY}, "/cards/1"),
        ({"valid_from": "2025-07-01T00:00:00"}, "/cards/1/valid_from"),
        ({"number": "x"}, "/cards/1/number"),
        ({"card_token": "k1"}, "/cards/1/card_token"),
    ],
)
def test_a_bad_card_is_named_and_the_others_are_taken(call: MakeCall, bad: dict[str, Any], path: str) -> None:
    answer = put(call, card(), card("bad") | bad, card("k3"))
    assert answer.accepted == 2
    assert [(item.index, item.problems[0].path) for item in answer.rejected] == [(1, path)]
    assert [held(call, token)[0][0] for token in ("k1", "k3")] == ["c1", "c1"]


def test_one_card_with_several_beginnings_may_be_in_a_batch(call: MakeCall) -> None:
    assert put(call, card(), card(customer_id="c2", valid_from=JUNE)).rejected == []
    assert held(call) == [("c1", None, JUNE), ("c2", JUNE, None)]


def test_a_customer_shows_the_cards_that_were_its_own_while_they_were(call: MakeCall) -> None:
    put_all(call, "c1", "c2")
    put(call, card(), card(customer_id="c2", valid_from=JUNE), card("k2", "c2"))
    shown = [[(card.card_token, card.valid_to) for card in customers.get_customer(call(), customer).cards] for customer in ("c1", "c2")]
    assert shown == [[("k1", JUNE)], [("k1", None), ("k2", None)]]


def test_cards_may_come_before_their_customer(call: MakeCall) -> None:
    put(call, card(valid_from=NOW))
    put_all(call, "c1")
    assert [shown.card_token for shown in customers.get_customer(call(), "c1").cards] == ["k1"]


def test_a_full_batch_takes_as_many_statements_as_a_small_one(call: MakeCall, statements: list[str]) -> None:
    put(call, *(card(f"a{n}") for n in range(3)))
    small = len(statements)
    assert put(call, *(card(f"b{n}") for n in range(3_000))).accepted == 3_000
    assert len(statements) - small == small
