from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from events.payloads import HistoriesChanged
from events.told import CardShape
from shared.audiences import customers
from shared.kernel.clock import SimulatedClock
from shared.kernel.errors import NotFound
from shared.kernel.shards import shard_of
from tests.conftest import NOW, SHARDS, MakeCall
from tests.integration.audiences.builders import changed, customer, emitted, put, put_all
from tests.world import World, purchase

EARLIER = NOW - timedelta(days=5)


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


def history(call: MakeCall, customer_id: str = "c1") -> list[tuple[datetime, bool]]:
    return [(line.at, line.given) for line in customers.get_customer(call(), customer_id).consents]


def bought_with_grant(call: MakeCall, world: World, customer_id: str = "c1") -> UUID:
    """A customer with a grant and a purchase in scope; answers the offer."""
    put_all(call, customer_id, consent_at=(NOW - timedelta(days=30)).isoformat())
    offer_id = world.offer(world.campaign())
    world.grant(offer_id, customer_id)
    world.post(purchase(f"t-{customer_id}", customer_id, at=NOW - timedelta(days=1)))
    return offer_id


def test_shows_a_customer_as_it_was_sent(call: MakeCall) -> None:
    card = {"card_token": "tok-1", "account_token": "acc-1", "valid_to": "2027-01-01T00:00:00Z"}
    put(call, customer(zone="America/New_York", attributes={"age": "18-24", "size": 3, "member": True}, cards=[card]))
    view = customers.get_customer(call(), "c1")
    assert (view.zone, view.attributes, view.consent) == ("America/New_York", {"age": "18-24", "size": 3, "member": True}, True)
    assert view.cards == [CardShape(card_token="tok-1", account_token="acc-1", valid_to=datetime(2027, 1, 1, tzinfo=UTC))]
    assert [(line.at, line.given) for line in view.consents] == [(NOW, True)]


def test_an_unknown_customer_is_not_found(call: MakeCall) -> None:
    with pytest.raises(NotFound):
        customers.get_customer(call(), "nobody")


def test_customers_keep_their_shard(call: MakeCall) -> None:
    put_all(call, *(f"c{n}" for n in range(50)))
    with call().reading() as tx:
        found = tx.connection.execute("SELECT customer_id, shard FROM customers").fetchall()
    assert len(found) == 50
    assert all(row["shard"] == shard_of(row["customer_id"], SHARDS) for row in found)


def test_sent_again_zone_and_attributes_are_replaced_and_cards_added(call: MakeCall) -> None:
    put(call, customer(zone="America/New_York", attributes={"age": "18-24", "size": 3}, cards=[{"card_token": "tok-1"}]))
    put(call, customer(attributes={"age": "25-34"}, cards=[{"card_token": "tok-2"}]))
    view = customers.get_customer(call(), "c1")
    assert (view.zone, view.attributes) == (None, {"age": "25-34"})
    assert [card.card_token for card in view.cards] == ["tok-1", "tok-2"]


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        ({"customer_id": "a b"}, "/customers/1/customer_id"),
        ({"zone": "Mars/Olympus"}, "/customers/1/zone"),
        ({"attributes": {"mail": "jane@example.com"}}, "/customers/1/attributes/mail"),
        ({"attributes": {"score": 1.5}}, "/customers/1/attributes/score"),
        ({"attributes": {"x": None}}, "/customers/1/attributes/x"),
        ({"consent": "yes"}, "/customers/1/consent"),
        ({"consent_at": (NOW + timedelta(seconds=1)).isoformat()}, "/customers/1/consent_at"),
        ({"consent_at": "2026-01-01T00:00:00"}, "/customers/1/consent_at"),
        ({"name": "Jane"}, "/customers/1/name"),
        ({"customer_id": "good"}, "/customers/1/customer_id"),
        ({"cards": [{"card_token": "t"}, {"card_token": "t"}]}, "/customers/1/cards"),
        ({"cards": [{"card_token": "shared"}]}, "/customers/1/cards"),
        (
            {"cards": [{"card_token": "t", "valid_from": "2026-01-02T00:00:00Z", "valid_to": "2026-01-01T00:00:00Z"}]},
            "/customers/1/cards/0",
        ),
    ],
)
def test_a_bad_customer_is_named_and_the_others_are_taken(call: MakeCall, bad: dict[str, Any], path: str) -> None:
    answer = put(call, customer("good", cards=[{"card_token": "shared"}]), customer("bad") | bad, customer("better"))
    assert answer.accepted == 2
    [rejected] = answer.rejected
    assert (rejected.index, [problem.path for problem in rejected.problems]) == (1, [path])
    assert [customers.get_customer(call(), taken).customer_id for taken in ("good", "better")] == ["good", "better"]
    with pytest.raises(NotFound):
        customers.get_customer(call(), "bad")


def test_consent_sent_unchanged_adds_nothing_to_the_history(call: MakeCall, clock: SimulatedClock) -> None:
    put_all(call, "c1", consent_at=EARLIER.isoformat())
    clock.advance(NOW + timedelta(hours=1))
    put_all(call, "c1", consent_at=EARLIER.isoformat())
    put_all(call, "c1")
    assert history(call) == [(EARLIER, True)]


def test_a_withdrawal_is_added_to_the_history(call: MakeCall, clock: SimulatedClock) -> None:
    put_all(call, "c1")
    clock.advance(NOW + timedelta(hours=1))
    put_all(call, "c1", consent=False)
    assert history(call) == [(NOW, True), (NOW + timedelta(hours=1), False)]
    assert customers.get_customer(call(), "c1").consent is False


def test_of_two_messages_of_one_moment_the_later_holds(call: MakeCall) -> None:
    put_all(call, "c1")
    put_all(call, "c1", consent=False)
    assert history(call) == [(NOW, True), (NOW, False)]
    assert customers.get_customer(call(), "c1").consent is False


def test_purchases_are_judged_by_the_later_of_two_messages_of_one_moment(call: MakeCall, world: World) -> None:
    put_all(call, "c1", consent_at=EARLIER.isoformat())
    put_all(call, "c1", consent=False, consent_at=EARLIER.isoformat())
    world.grant(world.offer(world.campaign()), "c1")
    world.post(purchase("t1", "c1"))
    assert world.redemptions() == []


def test_a_consent_told_late_does_not_undo_a_later_one(call: MakeCall) -> None:
    put_all(call, "c1", consent=False)
    put_all(call, "c1", consent_at=EARLIER.isoformat())
    assert history(call) == [(EARLIER, True), (NOW, False)]
    assert customers.get_customer(call(), "c1").consent is False


def test_a_withdrawal_lets_the_customers_offers_be_folded_again(call: MakeCall, world: World) -> None:
    offer_id = bought_with_grant(call, world)
    put_all(call, "c1", consent=False, consent_at=EARLIER.isoformat())
    assert changed(call) == {("c1", offer_id)}
    [event] = emitted(call, HistoriesChanged)
    assert event.shard == shard_of("c1", SHARDS)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({"consent": False}, id="withdrawn after all purchases"),
        pytest.param({"consent_at": EARLIER.isoformat()}, id="given again while it stood"),
        pytest.param({"attributes": {"age": "18-24"}}, id="attributes"),
    ],
)
def test_what_changes_no_judgement_is_not_folded_again(call: MakeCall, world: World, sent: dict[str, Any]) -> None:
    bought_with_grant(call, world)
    put_all(call, "c1", **sent)
    assert changed(call) == set()


def test_another_zone_lets_the_customers_offers_be_folded_again(call: MakeCall, world: World) -> None:
    offer_id = bought_with_grant(call, world)
    put_all(call, "c1", zone="Asia/Tokyo")
    assert changed(call) == {("c1", offer_id)}


def test_a_full_batch_takes_as_many_statements_as_a_small_one(call: MakeCall, statements: list[str]) -> None:
    put_all(call, *(f"a{n}" for n in range(3)))
    small = len(statements)
    put_all(call, *(f"b{n}" for n in range(3_000)))
    assert len(statements) - small == small
