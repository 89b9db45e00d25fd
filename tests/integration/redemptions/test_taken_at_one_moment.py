"""A refund and its purchase that are taken at one moment in two shards see nothing of each other: each is read before the other commits."""

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from threading import Barrier, Event
from typing import Any, Final

import pytest

from events.payloads import FileOrigin, Transaction, TransactionsPosted
from shared.audiences import cards
from shared.kernel.shards import shard_of
from shared.platform.call import Transaction as CallTransaction
from shared.redemptions import service
from tests.conftest import NOW, SHARDS, MakeCall
from tests.integration.platform.conftest import wait_until
from tests.world import World, purchase

SECONDS: Final = 20
WAITS: Final = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
HANDED_OVER: Final = NOW - timedelta(days=2)
PURCHASES: Final[dict[str, dict[str, Any]]] = {
    "another's card": {"customer_id": "ann", "card_token": "k1"},
    "no card": {"customer_id": "ann"},
    "handed over": {"customer_id": None, "card_token": "k2"},
    "nobody's": {"customer_id": "ann", "card_token": "k3"},
}
REFUNDED_TO: Final = {"another's card": "k1", "no card": "k1", "handed over": "k2", "nobody's": "k3"}


@pytest.fixture
def world(call: MakeCall) -> World:
    world = World(call)
    assert len({shard_of(whose, SHARDS) for whose in ("ann", "bob", "k3")}) == 3
    world.grant(world.offer(world.campaign(), repeat=True), "ann", "bob")
    world.cards(
        {"card_token": "k1", "customer_id": "bob"},
        {"card_token": "k2", "customer_id": "ann"},
        {"card_token": "k2", "customer_id": "bob", "valid_from": HANDED_OVER},
    )
    world.deliver()
    return world


@pytest.fixture
def at_one_moment(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Takes messages in their shards at once: no transaction commits before all have read and written what they do."""

    def take(*said: tuple[str, Transaction]) -> None:
        together, emit = Barrier(len(said), timeout=SECONDS), cards.emit_changed

        def wait(tx: CallTransaction, card_tokens: Collection[str]) -> None:
            emit(tx, card_tokens)
            together.wait()

        monkeypatch.setattr(cards, "emit_changed", wait)
        posted = [TransactionsPosted(shard=shard_of(whose, SHARDS), transactions=[one]) for whose, one in said]
        with ThreadPoolExecutor(len(said)) as threads:
            for taken in [threads.submit(service.redeem, world.call(), one) for one in posted]:
                taken.result(SECONDS)
        monkeypatch.setattr(cards, "emit_changed", emit)

    return take


@pytest.mark.parametrize(("bought", "of"), [(bought, of) for bought in PURCHASES for of in ("t1", None) if of or bought != "no card"])
def test_a_refund_finds_its_purchase_soon(world: World, at_one_moment: Callable[..., None], bought: str, of: str | None) -> None:
    card = REFUNDED_TO[bought]
    sold = purchase("t1", at=HANDED_OVER - timedelta(hours=1), **PURCHASES[bought])
    refund = purchase("r1", None, kind="refund", card_token=card, original_transaction_id=of)
    at_one_moment(("ann", sold), ("k3" if card == "k3" else "bob", refund))
    assert [(row["customer_id"], row["reward_minor"]) for row in world.redemptions()] == [("ann", 200)]
    world.tick()
    world.deliver()
    assert [(row["customer_id"], row["reward_minor"], row["state"]) for row in world.redemptions()] == [("ann", 0, "reversed")]
    assert world.rows("SELECT customer_id, purchase_id FROM transactions WHERE kind = 'refund'") == [
        {"customer_id": "ann", "purchase_id": "t1"}
    ]
    world.verify()


def test_a_refund_that_stays_where_it_is_lets_no_shard_be_held(world: World) -> None:
    """It is looked at once: it is more than the purchase by that card, so it stays with who holds the card now."""
    world.post(purchase("t1", None, card_token="k2", at=HANDED_OVER - timedelta(hours=1)))
    world.post(purchase("r1", None, kind="refund", card_token="k2", amount=9_000))
    world.deliver()
    told = "SELECT count(*)::int AS told FROM outbox WHERE type = 'clo.cards.changed.v1'"
    before = world.rows(told)
    assert world.rows("SELECT transaction_id FROM fresh_refunds") == [{"transaction_id": "r1"}]
    world.tick()
    assert (world.rows(told), world.rows("SELECT FROM fresh_refunds")) == (before, [])


@contextmanager
def being_taken(world: World, whose: str, one: Transaction) -> Iterator[ThreadPoolExecutor]:
    """A message that is taken: all is written, and nothing committed before the block ends. With threads for what goes on meanwhile."""
    written, go_on, emit = Event(), Event(), cards.emit_changed

    def wait(tx: CallTransaction, card_tokens: Collection[str]) -> None:
        emit(tx, card_tokens)
        written.set()
        assert go_on.wait(SECONDS)

    posted = TransactionsPosted(shard=shard_of(whose, SHARDS), transactions=[one])
    with ThreadPoolExecutor(2) as threads:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(cards, "emit_changed", wait)
            taken = threads.submit(service.redeem, world.call(), posted)
            assert written.wait(SECONDS)
        try:
            yield threads
        finally:
            go_on.set()
        taken.result(SECONDS)


@pytest.mark.parametrize("of", ["t1", None])
def test_a_tick_waits_for_whoever_takes_the_purchase(world: World, of: str | None) -> None:
    """The refund is there, its purchase is not yet: the tick looks when it is."""
    sold = purchase("t1", at=HANDED_OVER - timedelta(hours=1), **PURCHASES["another's card"])
    with being_taken(world, "ann", sold) as threads:
        world.post(purchase("r1", None, kind="refund", card_token="k1", original_transaction_id=of))
        ticked = threads.submit(world.tick)
        wait_until(lambda: world.rows(WAITS) or ticked.done(), seconds=SECONDS)
    ticked.result(SECONDS)
    world.deliver()
    assert [(row["customer_id"], row["reward_minor"], row["state"]) for row in world.redemptions()] == [("ann", 0, "reversed")]


def test_what_is_said_of_a_card_waits_for_whoever_takes_its_purchase(world: World) -> None:
    """By what was known of the card before; then it is seen."""
    world.cards({"card_token": "k4", "customer_id": "ann"})
    world.deliver()
    with being_taken(world, "ann", purchase("t1", None, card_token="k4")) as threads:
        world.cards({"card_token": "k4", "customer_id": "bob", "valid_from": HANDED_OVER})
        told = threads.submit(world.deliver)
        wait_until(lambda: world.rows(WAITS) or told.done(), seconds=SECONDS)
    told.result(SECONDS)
    world.deliver()
    assert {(row["customer_id"], row["reward_minor"]) for row in world.redemptions()} == {("ann", 0), ("bob", 200)}


def test_a_refund_that_is_told_otherwise_is_looked_at_once_more(world: World) -> None:
    refund = purchase("r1", None, kind="refund", card_token="k2", original_transaction_id="t0")
    for revision, of in enumerate(("t0", "t1"), start=1):
        world.post(refund.model_copy(update={"original_transaction_id": of}), file=FileOrigin(file_id="f", revision=revision))
        assert world.rows("SELECT transaction_id FROM fresh_refunds") == [{"transaction_id": "r1"}]
        world.tick()
        assert world.rows("SELECT transaction_id FROM fresh_refunds") == []
