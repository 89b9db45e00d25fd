"""Whatever revisions of a file tell, and in whatever order that comes, it ends as if only the last had ever been sent, hash for hash.

`CLO_SEEDS=1000` makes it a long run.
"""

import hashlib
import json
import os
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice, permutations
from typing import Any
from uuid import UUID

import orjson
import pytest

from events.payloads import FileOrigin, Transaction
from shared.merchants import service as merchants
from tests.conftest import NOW, MakeCall
from tests.world import World, purchase

SEEDS = range(int(os.environ.get("CLO_SEEDS", "25")))
CUSTOMERS, SHOPS = ("ana", "ben", "cleo", "dora"), ("bakery", "bookshop", "elsewhere")
OFFERS: dict[str, dict[str, Any]] = {
    "single": {"reward": {"kind": "percent", "basis_points": 700, "cap": 150}, "limits": {"redemptions_per_customer": 2}, "repeat": True},
    "cumulative": {"qualification": {"kind": "cumulative_spend", "threshold": 4000, "operator": ">"}},
    "visits": {"qualification": {"kind": "visits", "visits": 2, "threshold": 800}, "repeat": True, "clawback": {"partial_refund": "keep"}},
    "books": {"scope": {"include": {"merchants": ["bookshop"]}}, "repeat": True},
    "share": {"reward": {"kind": "percent", "basis_points": 600}, "stacking": {"group": "g"}, "repeat": True},
    "first": {"stacking": {"group": "g", "priority": 1}, "limits": {"redemptions_per_customer": 3}, "repeat": True},
}
INCLUDED = {"scope": {"include": {"merchants": ["bakery", "bookshop"]}}}
MOST_REVISIONS = 4
Key = tuple[str, str, int]


@pytest.fixture
def world(call: MakeCall) -> World:
    """Shops that are known, one of them in no offer's scope."""
    world = World(call)
    known = [{"merchant_id": shop, "name": shop, "mcc": "5411"} for shop in SHOPS]
    assert merchants.put_merchants(world.call(), json.dumps({"merchants": known}).encode()).accepted == len(SHOPS)
    return world


@dataclass(frozen=True, kw_only=True)
class Round:
    """A campaign and customers of their own, so that two rounds in one database don't meet."""

    name: str
    campaign: UUID
    offers: Mapping[UUID, str]

    def of(self, message: Transaction) -> Transaction:
        """A message about a purchase of this round."""
        named = {name: getattr(message, name) for name in ("transaction_id", "customer_id", "original_transaction_id", "card_token")}
        return message.model_copy(update={name: f"{self.name}-{value}" for name, value in named.items() if value})

    def file(self, number: int) -> FileOrigin:
        return FileOrigin(file_id=f"transactions_{self.name}", revision=number)


@pytest.mark.parametrize("seed", SEEDS)
def test_it_ends_as_if_only_the_last_revision_had_been_sent(world: World, seed: int) -> None:
    chance = random.Random(seed)
    revised, alone = _round(world, "revised"), _round(world, "alone")
    revisions = _revisions(chance)
    others = chance.sample(sorted(revisions[0].items()), k=chance.randrange(3))
    also_told = [message for _, message in others]
    world.post(*map(alone.of, also_told))
    world.post(*map(alone.of, revisions[-1].values()), file=alone.file(1))

    pieces = list(_pieces(chance, revisions))
    pieces += chance.sample(pieces, k=len(pieces) // 3)
    chance.shuffle(pieces)
    if chance.random() < 0.5:
        pieces.sort(key=lambda piece: piece.revision)
    world.post(*map(revised.of, also_told))
    for piece in pieces:
        if piece.withdrawn:
            world.withdraw(revised.file(piece.revision), *map(revised.of, piece.messages))
        else:
            world.post(*map(revised.of, piece.messages), file=revised.file(piece.revision))
        if chance.random() < 0.3:
            world.deliver()
    world.deliver()
    assert _state(world, revised) == _state(world, alone)
    assert _hash(world, revised) == _hash(world, alone)
    assert world.available(revised.campaign) == world.available(alone.campaign)
    world.verify()


@pytest.mark.parametrize(
    ("told", "stands"),
    [
        ((1500, None), None),
        ((1500, 1600), 1600),
        ((1500, None, 1500), 1500),
        ((1500, None, 1700), 1700),
        ((1500, 1600, None), None),
        ((1500, 1600, 1500), 1500),
        ((1500, 1500, None), None),
    ],
)
def test_the_last_revision_holds_in_whatever_order_they_come(world: World, told: tuple[int | None, ...], stands: int | None) -> None:
    where = _round(world, "x")
    orders = list(permutations(enumerate(told, 1)))
    for number, order in enumerate(orders):
        name = f"t{number}"
        for revision, amount in order:
            file = FileOrigin(file_id=f"transactions_{name}", revision=revision)
            message = where.of(purchase(name, CUSTOMERS[0], amount=amount or 1500, merchant_id="bakery"))
            if amount:
                world.post(message, file=file)
            else:
                world.withdraw(file, message)
    found = world.rows("SELECT amount_minor FROM transactions WHERE NOT withdrawn")
    assert found == ([{"amount_minor": stands}] * len(orders) if stands else [])
    world.verify()


def _round(world: World, name: str) -> Round:
    campaign = world.campaign(budget=10_000_000, name=name)
    offers = {
        world.offer(
            campaign, **INCLUDED | values | ({"stacking": values["stacking"] | {"group": name}} if "stacking" in values else {})
        ): offer
        for offer, values in OFFERS.items()
    }
    for offer_id in offers:
        world.grant(offer_id, *(f"{name}-{customer}" for customer in CUSTOMERS), at=NOW - timedelta(days=3))
    world.cards(*({"card_token": f"{name}-card-{customer}", "customer_id": f"{name}-{customer}"} for customer in CUSTOMERS))
    return Round(name=name, campaign=campaign, offers=offers)


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Some of what a revision tells, or tells no more, in one event or several."""

    revision: int
    messages: tuple[Transaction, ...]
    withdrawn: bool


def _pieces(chance: random.Random, revisions: list[dict[Key, Transaction]]) -> Iterator[Piece]:
    """What is published of revisions: all that each tells, and what the one before it told and it does not."""
    before: dict[Key, Transaction] = {}
    for number, told in enumerate(revisions, 1):
        gone = [before[key] for key in sorted(before.keys() - told.keys())]
        for withdrawn, messages in ((True, gone), (False, list(told.values()))):
            chance.shuffle(messages)
            left = iter(messages)
            while some := tuple(islice(left, chance.randrange(1, 5))):
                yield Piece(revision=number, messages=some, withdrawn=withdrawn)
        before = told


def _revisions(chance: random.Random) -> list[dict[Key, Transaction]]:
    told = {_key(message): message for number in range(8) for message in _life(chance, f"t{number}")}
    revisions = [told]
    for _ in range(chance.randrange(1, MOST_REVISIONS)):
        told = {key: _otherwise(chance, message) for key, message in told.items() if chance.random() < 0.75}
        told |= {key: message for key, message in revisions[0].items() if chance.random() < 0.15}
        told |= {_key(message): message for message in _life(chance, f"t{len(revisions) * 10}")}
        revisions.append(told)
    return revisions


def _life(chance: random.Random, name: str) -> Iterator[Transaction]:
    """Messages about one purchase, and perhaps a refund that names it or not."""
    at, amount = NOW - timedelta(minutes=chance.randrange(10, 2000)), chance.randrange(500, 4000)
    who, shop = chance.choice(CUSTOMERS), chance.choice(SHOPS)
    whose: dict[str, Any] = chance.choice([{"customer_id": who}, {"customer_id": None, "card_token": f"card-{who}"}])
    said: dict[str, Any] = {"at": at, "merchant_id": shop} | whose
    yield from chance.choice(
        [
            [purchase(name, amount=amount, **said)],
            [purchase(name, kind="authorization", amount=amount, **said), purchase(name, kind="clearing", amount=amount + 100, **said)],
            [purchase(name, kind="clearing", amount=amount, **said)],
        ]
    )
    if chance.random() < 0.4 and whose["customer_id"]:
        given = {"amount": chance.choice([amount, amount // 2]), "at": at + timedelta(minutes=5)}
        yield purchase(f"{name}-r", kind="refund", original_transaction_id=chance.choice([name, None]), **said | given)


def _otherwise(chance: random.Random, message: Transaction) -> Transaction:
    """The same message, as often as not with something else in it."""
    other: dict[str, Any] = chance.choice(
        [
            {},
            {},
            {},
            {"amount": chance.randrange(500, 4000)},
            {"merchant_id": chance.choice(SHOPS)},
            {"at": message.at - timedelta(minutes=chance.randrange(1, 300))},
            {"customer_id": chance.choice(CUSTOMERS)} if message.customer_id else {"card_token": f"card-{chance.choice(CUSTOMERS)}"},
        ]
    )
    return message.model_copy(update=other)


def _key(message: Transaction) -> Key:
    return message.transaction_id, message.kind, message.sequence


def _state(world: World, where: Round) -> list[tuple[str, ...]]:
    """What is on record, and what refunds are for, without ids and counters that tell of the way there."""
    facts = ("earned_at", "payable_at", "wanted_minor", "reward_minor", "earned_minor", "state", "qualifying_minor")
    ids = ("customer_id", "completion", "transaction_id")
    redeemed = [
        (where.offers[row["offer_id"]], *_named(where, row, *ids), *(str(row[fact]) for fact in facts))
        for row in world.redemptions()
        if row["offer_id"] in where.offers and row["state"] != "reversed"
    ]
    refunded = [
        (*_named(where, row, "transaction_id", "customer_id", "purchase_id"), str(row["amount_minor"]), str(row["unmatched"]))
        for row in world.rows("SELECT * FROM transactions WHERE kind = 'refund' AND NOT withdrawn")
        if row["transaction_id"].startswith(f"{where.name}-")
    ]
    return sorted(redeemed) + sorted(refunded)


def _named(where: Round, row: Mapping[str, Any], *columns: str) -> Iterator[str]:
    return (str(row[column]).removeprefix(f"{where.name}-") for column in columns)


def _hash(world: World, where: Round) -> str:
    return hashlib.sha256(orjson.dumps(_state(world, where))).hexdigest()
