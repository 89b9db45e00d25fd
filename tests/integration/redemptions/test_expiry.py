"""An authorisation that nothing clears expires, also where what cleared it turns out to be another's, or is told no more.

Each of these has it closed by something first. Then that goes, and the next tick gives budget and limits back.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final

import pytest

from events.payloads import CardsChanged, FileOrigin, Transaction
from shared.kernel.clock import SimulatedClock
from shared.redemptions import expiry, service
from shared.redemptions.expiry import LOOK_AGAIN
from tests.conftest import NOW, MakeCall
from tests.integration.platform.conftest import wait_until
from tests.world import World, purchase

AT, HOUR = NOW - timedelta(days=1), timedelta(hours=1)
HANDED_OVER: Final = AT - HOUR
FILE: Final = "transactions_bank"
AUTHORISED: Final = purchase("t1", "ann", kind="authorization", amount=3_000, at=AT, expires_at=NOW)
SECONDS: Final = 20
Goes = Callable[[World], None]
Stands = dict[str, tuple[int, int, str | None]]


@pytest.fixture
def world(call: MakeCall) -> World:
    """Two customers who get two dollars once. One card is ann's, as far as is known, the other bob's."""
    world = World(call)
    world.grant(world.offer(world.campaign()), "ann", "bob")
    world.cards({"card_token": "k1", "customer_id": "ann"}, {"card_token": "k2", "customer_id": "bob"})
    world.deliver()
    return world


def cleared(customer_id: str | None = "ann", kind: str = "clearing", **more: Any) -> Transaction:
    said: dict[str, Any] = {"at": AT, "amount": 3_000} | more
    return purchase("t1", customer_id, kind=kind, **said)


def by_card(kind: str = "clearing", card_token: str = "k1", **more: Any) -> Transaction:
    return cleared(None, kind, card_token=card_token, **more)


def revision(number: int) -> FileOrigin:
    return FileOrigin(file_id=FILE, revision=number)


def handed_over(world: World) -> None:
    """The card turns out to have been bob's before the purchase."""
    world.cards({"card_token": "k1", "customer_id": "bob", "valid_from": HANDED_OVER})
    world.deliver()


def told_otherwise(*told: Transaction) -> Goes:
    def goes(world: World) -> None:
        world.post(*told, file=revision(2))
        world.deliver()

    return goes


def told_no_more(world: World) -> None:
    world.withdraw(revision(2), cleared())
    world.deliver()


def promised(world: World) -> Stands:
    """By customer: what is promised, what of it is earned, and the reason where nothing is."""
    return {row["customer_id"]: (row["reward_minor"], row["earned_minor"], row["reason"]) for row in world.redemptions()}


def reserved(world: World) -> int:
    rows = world.rows("SELECT sum(credit_minor - debit_minor)::int AS minor FROM accounts WHERE kind = 'reserved'")
    return int(rows[0]["minor"] or 0)


GONE: Final = (0, 0, "authorization_expired")
EARNED: Final = (200, 200, None)
CASES: Final[dict[str, tuple[list[Transaction], Goes, Stands]]] = {
    "the clearing by card is another's": ([AUTHORISED, by_card()], handed_over, {"ann": GONE, "bob": EARNED}),
    "the authorisation by card is another's": (
        [by_card("authorization", expires_at=NOW), cleared()],
        handed_over,
        {"ann": EARNED, "bob": GONE},
    ),
    "the decline by card is another's": ([AUTHORISED, by_card("decline")], handed_over, {"ann": GONE}),
    "the purchase in one message is another's": ([AUTHORISED, by_card("purchase")], handed_over, {"ann": GONE, "bob": EARNED}),
    "the clearing is told of another": ([AUTHORISED, cleared()], told_otherwise(cleared("bob")), {"ann": GONE, "bob": EARNED}),
    "the clearing is told of another's card": (
        [AUTHORISED, cleared()],
        told_otherwise(by_card(card_token="k2")),
        {"ann": GONE, "bob": EARNED},
    ),
    "the clearing was not the last": (
        [AUTHORISED, cleared(amount=1_500)],
        told_otherwise(cleared(amount=500, sequence_count=2)),
        {"ann": (0, 0, "amount_below_threshold")},
    ),
    "the clearing is told no more": ([AUTHORISED, cleared()], told_no_more, {"ann": GONE}),
    "the authorisation is told of another": (
        [AUTHORISED, cleared(amount=1_500)],
        told_otherwise(AUTHORISED.model_copy(update={"customer_id": "bob"})),
        {"ann": EARNED, "bob": GONE},
    ),
    "the authorisation that ran longer is another's": (
        [AUTHORISED, by_card("authorization", sequence=1, expires_at=NOW + HOUR), by_card()],
        handed_over,
        {"ann": GONE, "bob": EARNED},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_an_authorisation_that_stands_alone_again_expires(world: World, case: str) -> None:
    told, goes, comes_to = CASES[case]
    world.post(*told, file=revision(1))
    world.deliver()
    assert world.tick() == 0
    goes(world)
    world.tick()
    assert promised(world) == comes_to
    assert reserved(world) == 0
    gone = [customer for customer, of in comes_to.items() if of is GONE]
    world.post(*(purchase(f"next-{customer}", customer) for customer in gone))
    assert [promised(world)[customer] for customer in gone] == [EARNED] * len(gone)
    world.verify()


def test_parts_of_one_purchase_that_are_two_customers_expire_both(world: World) -> None:
    world.post(AUTHORISED, by_card("authorization", "k2", sequence=1, expires_at=NOW))
    assert world.tick() == 2
    assert promised(world) == {"ann": GONE, "bob": GONE}
    world.verify()


def test_what_expired_and_is_told_of_another_expires_there_too(world: World) -> None:
    world.post(AUTHORISED, file=revision(1))
    world.tick()
    told_otherwise(AUTHORISED.model_copy(update={"customer_id": "bob"}))(world)
    assert promised(world)["bob"] == (200, 0, None)
    world.tick()
    assert promised(world)["bob"] == GONE
    world.verify()


def test_a_number_that_another_took_for_an_expiry_is_not_taken(world: World) -> None:
    world.post(AUTHORISED, cleared("bob", "authorization", sequence=1, expires_at=NOW + HOUR), cleared("bob", "expiry", amount=0))
    world.tick()
    assert promised(world) == {"ann": GONE}
    world.verify()


def test_an_expiry_that_got_lost_is_told_once_more(world: World, clock: SimulatedClock) -> None:
    world.post(AUTHORISED)
    call = world.call("run_schedule")
    with call.transaction() as tx:
        assert expiry.expire_authorizations(call, tx) == 1
    assert world.tick() == 0
    clock.advance(NOW + LOOK_AGAIN)
    assert world.tick() == 1
    assert promised(world) == {"ann": GONE}
    clock.advance(NOW + 2 * LOOK_AGAIN)
    assert world.tick() == 0
    assert world.rows("SELECT FROM transactions WHERE expires_at IS NOT NULL") == []


def test_what_is_closed_while_its_clearing_passes_to_another_is_seen_again(world: World) -> None:
    world.post(AUTHORISED, by_card())
    world.cards({"card_token": "k1", "customer_id": "bob", "valid_from": HANDED_OVER})
    call = world.call("run_schedule")
    with ThreadPoolExecutor(1) as threads:
        with call.transaction() as tx:
            assert expiry.expire_authorizations(call, tx) == 1
            moving = threads.submit(service.attribute, world.call(), CardsChanged(card_tokens=["k1"]))
            wait_until(lambda: bool(world.rows("SELECT FROM pg_stat_activity WHERE pg_blocking_pids(pid) <> '{}'")), seconds=SECONDS)
        moving.result(SECONDS)
    world.deliver()
    world.tick()
    assert promised(world) == {"ann": GONE, "bob": EARNED}
