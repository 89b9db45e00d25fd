"""What is said of cards, and of purchases and refunds that name only a card, comes to the same in whatever order it is said.

`CLO_SEEDS=200` makes it a long run.
"""

import os
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

import pytest

from tests.conftest import NOW, MakeCall
from tests.world import World, purchase

SEEDS = range(int(os.environ.get("CLO_SEEDS", "8")))
NAMES: Final = frozenset({"transaction_id", "original_transaction_id", "card_token", "customer_id", "account_token"})


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


class Stream:
    """What is said of two cards, at random: whose they are, corrections of that, purchases in one message or two, refunds of all kinds."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)

    def said(self) -> list[tuple[str, dict[str, Any]]]:
        cards = [self._card(token, start) for token in ("k1", "k2") for start in (0, *self.chance.sample(range(1, 9), 2))]
        purchases = [(f"t{number}", self.chance.choice(("k1", "k2"))) for number in range(6)]
        said = [("card", card) for card in cards if self.chance.random() < 0.9]
        for name, token in purchases:
            said += [("message", message) for message in self._purchase(name, token)]
        return said + [("message", self._refund(f"r{number}", *self.chance.choice(purchases))) for number in range(2)]

    def _card(self, token: str, start: int) -> dict[str, Any]:
        begins = {"valid_from": self._at(start)} if start else {}
        return {"card_token": token, "customer_id": self.chance.choice(("ann", "bob")), "account_token": "a1", **begins}

    def _purchase(self, name: str, token: str) -> list[dict[str, Any]]:
        said = {"transaction_id": name, "card_token": token, "at": self._at(self.chance.randrange(1, 9)), "amount": self._amount()}
        if self.chance.random() < 0.2:
            said["customer_id"] = self.chance.choice(("ann", "bob"))  # whatever the cards tell
        if self.chance.random() < 0.5:
            return [said]
        return [said | {"kind": "authorization"}, said | {"kind": "clearing", "amount": self._amount()}]

    def _refund(self, name: str, of: str, token: str) -> dict[str, Any]:
        known = {"original_transaction_id": of} if self.chance.random() < 0.5 else {}
        return {"transaction_id": name, "card_token": token, "kind": "refund", "at": NOW, "amount": self._amount(), **known}

    def _amount(self) -> int:
        return self.chance.choice((1_500, 2_500, 3_500))

    def _at(self, day: int) -> datetime:
        return NOW - timedelta(days=9) + timedelta(days=day)


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_the_order_in_which_it_is_said_the_end_is_the_same(world: World, seed: int) -> None:
    said = Stream(seed).said()
    offers = [_offered(world, *(f"{name}-{turn}" for name in ("ann", "bob"))) for turn in range(4)]
    ends = [end_of(world, offer, turn, Random(turn).sample(said, len(said)) if turn else said) for turn, offer in enumerate(offers)]
    assert ends[1:] == ends[:1] * 3
    world.verify()


def end_of(world: World, offer: UUID, turn: int, said: list[tuple[str, dict[str, Any]]]) -> object:
    """What it comes to when it is said in this order: who earns what, and which purchases refunds are for. All names are the turn's own."""
    for kind, one in said:
        own: dict[str, Any] = {
            name: f"{value}-{turn}" if isinstance(value, str) and name in NAMES else value for name, value in one.items()
        }
        if kind == "card":
            world.cards(own)
        else:
            world.post(purchase(own.pop("transaction_id"), own.pop("customer_id", None), **own))
        if Random(f"{turn}{one}").random() < 0.5:
            world.deliver()
    world.deliver()
    redeemed = f"SELECT transaction_id AS id, customer_id AS whose, earned_minor AS what FROM redemptions WHERE offer_id = '{offer}'"
    refunded = "SELECT transaction_id AS id, customer_id AS whose, purchase_id AS what FROM transactions WHERE kind = 'refund'"
    rows = [*world.rows(f"{redeemed} AND earned_minor > 0"), *world.rows(refunded)]
    of_turn = f"-{turn}"
    return sorted(tuple(str(value).removesuffix(of_turn) for value in row.values()) for row in rows if row["id"].endswith(of_turn))


def _offered(world: World, *customers: str) -> UUID:
    offer = world.offer(world.campaign(), repeat=True)
    world.grant(offer, *customers)
    return offer
