"""Whatever the order in which history arrives, and however often, it ends in the same state, hash for hash.

`CLO_SEEDS=1000` makes it a long run.
"""

import hashlib
import json
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zlib import crc32

import orjson
import pytest

from events.payloads import HistoriesChanged, Transaction
from shared.kernel.ids import derived_id
from shared.kernel.shards import shard_of
from shared.ledger import service as ledger
from shared.merchants import service as merchants
from shared.platform.call import Transaction as CallTransaction
from shared.platform.locks import lock_shards
from shared.redemptions import correcting
from shared.redemptions import service as redemptions
from tests.conftest import NOW, SHARDS, MakeCall
from tests.world import World, purchase

SEEDS = range(int(os.environ.get("CLO_SEEDS", "50")))
CUSTOMERS = ("ana", "ben", "cleo")
OFFERS: dict[str, dict[str, Any]] = {
    "single": {"reward": {"kind": "percent", "basis_points": 700, "cap": 150}, "limits": {"redemptions_per_customer": 2}, "repeat": True},
    "cumulative": {"qualification": {"kind": "cumulative_spend", "threshold": 4000, "operator": ">"}},
    "repeated": {"qualification": {"kind": "cumulative_spend", "threshold": 2500}, "repeat": True},
    "activated": {"activation": "required", "limits": {"reward_per_customer": 500}, "repeat": True},
    "visits": {"qualification": {"kind": "visits", "visits": 2, "threshold": 800}, "repeat": True, "clawback": {"partial_refund": "keep"}},
    "new": {"recency": {"customers": "new", "within": "P1D"}, "repeat": True},
    "lapsed": {"recency": {"customers": "lapsed", "within": "P1D"}, "repeat": True},
    "kept": {"reward": {"kind": "percent", "basis_points": 500}, "repeat": True, "clawback": {"limits": "keep"}},
    "category": {"scope": {"mccs": ["5411"]}, "repeat": True, "limits": {"redemptions_per_customer": 4}},
    "there": {
        "scope": {"countries": ["US"], "regions": ["NY"]},
        "window": {"start": "2026-01-13", "end": "2026-01-15T05:00", "zone": "UTC", "zone_policy": "merchant"},
        "repeat": True,
    },
    "share": {"reward": {"kind": "percent", "basis_points": 600}, "stacking": {"group": "g"}, "repeat": True},
    "first": {
        "activation": "required",
        "stacking": {"group": "g", "priority": 1},
        "limits": {"redemptions_per_customer": 3},
        "repeat": True,
    },
}
GRANTED_DAYS_AGO = {"new": 1, "lapsed": 0}
"""Where it is not two: late enough for purchases before."""
PLACES = 2
FEW, MINUTE = 12, timedelta(minutes=1)
ALIASES: dict[str, Callable[[str], dict[str, str]]] = {
    "merchant_id": lambda name: {"kind": "acquirer", "merchant_id": f"{name}-acquired"},
    "network_merchant_id": lambda name: {"kind": "network", "network": "visa", "network_merchant_id": f"{name}-on-visa"},
    "descriptor": lambda name: {"kind": "descriptor", "descriptor": f"SQ *Shop {name} 0042"},
}
"""What else than its own id names the merchant of a round, by what messages say."""


@pytest.fixture
def world(call: MakeCall) -> World:
    """A small world."""
    return World(call)


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A message about a purchase (named without its round), or an activation, change of consent or correction at a moment."""

    customer: str
    at: datetime
    message: Transaction | None = None
    consent: bool | None = None
    place: dict[str, str] | None = None
    """More that is told of one of the merchant's places, named without its round."""
    correction: "Decided | None" = None


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What two people decided of a completion of the first grant of an offer; a purchase is named without its round."""

    offer: str
    completion: str
    kind: str
    amount: int
    transaction: str
    came_to: int | None
    """What a purchase that never comes was told to have come to."""


@dataclass(frozen=True, kw_only=True)
class Round:
    """Offers, customers and a merchant of their own, so that two rounds in one database don't meet."""

    name: str
    offers: dict[str, UUID]
    places: dict[str, dict[str, str]] = field(default_factory=dict)
    """What was told of each so far."""

    def of(self, customer: str) -> str:
        return f"{self.name}-{customer}"


@pytest.mark.parametrize("seed", SEEDS)
def test_shuffled_and_repeated_histories_end_in_the_same_state(world: World, seed: int) -> None:
    chance = random.Random(seed)
    ordered, shuffled = _round(world, "ordered"), _round(world, "shuffled")
    facts = list(_facts(chance))
    for fact in sorted(facts, key=lambda fact: fact.at):
        _arrive(world, ordered, [fact])
    again = facts + chance.sample(facts, k=len(facts) // 2)
    chance.shuffle(again)
    while again:
        together, again = again[: (some := chance.randrange(1, 8))], again[some:]
        _arrive(world, shuffled, together)
        if chance.random() < 0.1:
            world.tick()
    world.tick()  # of both rounds
    assert _state(world, ordered) == _state(world, shuffled)
    assert _hash(_state(world, ordered)) == _hash(_state(world, shuffled))
    assert _state(world, ordered) != []
    found = [finding for finding in ledger.verify(world.call("auditor")) if not finding.actual.startswith("None promised")]
    assert found == []  # here corrections are decided of completions that nobody ever reached; a desk refuses that


def _round(world: World, name: str) -> Round:
    campaign = world.campaign(budget=10_000_000)
    offers = {
        offer: world.offer(campaign, **values | {"scope": {"include": {"merchants": [name]} | values.get("scope", {})}})
        for offer, values in OFFERS.items()
    }
    made = Round(name=name, offers=offers)
    _tell(world, made)
    for offer, offer_id in offers.items():
        for turn in range(2):
            granted_at = NOW - timedelta(days=GRANTED_DAYS_AGO.get(offer, 2), hours=turn)
            world.grant(offer_id, *map(made.of, CUSTOMERS), at=granted_at, turn=turn)
    return made


def _facts(chance: random.Random) -> Iterator[Fact]:
    """Lives of purchases, activations, corrections, and one withdrawal of consent that was taken back."""
    for number in range(FEW):
        customer, at = chance.choice(CUSTOMERS), NOW + chance.randrange(-2900, 600) * MINUTE
        amount = chance.randrange(500, 4000)
        for message in _life(chance, f"t{number}", amount, at):
            yield Fact(customer=customer, at=message.at, message=message)
    for customer in CUSTOMERS:
        yield Fact(customer=customer, at=NOW + chance.randrange(-2900, 300) * MINUTE)
    yield from _corrections(chance)
    for number in range(FEW, FEW + 3):
        for turn in range(chance.randrange(4)):
            back, at = chance.choice([300, 600, 900]), NOW + chance.randrange(-2900, 0) * MINUTE
            refund = purchase(f"t{number}-r{turn}", kind="refund", amount=back, at=at, original_transaction_id=f"t{number}")
            yield Fact(customer=chance.choice(CUSTOMERS), at=at, message=refund)
    yield from _places(chance)
    opted_out = NOW + chance.randrange(-2900, 0) * MINUTE
    yield Fact(customer="ben", at=opted_out, consent=False)
    yield Fact(customer="ben", at=opted_out + chance.randrange(1, 900) * MINUTE, consent=True)


def _places(chance: random.Random) -> Iterator[Fact]:
    """All that is told of each place, in parts."""
    for number in range(PLACES):
        known = {"location_id": f"at{number}"}
        for part in ({"country": "US"}, {"zone": "America/New_York"}, {"region": "NY"}):
            yield Fact(customer="ana", at=NOW + chance.randrange(-2900, 600) * MINUTE, place=known | part)


def _corrections(chance: random.Random) -> Iterator[Fact]:
    """Completions that are forced, of purchases that are known or never come, and adjusted, whether they are ever reached or not."""
    for offer in OFFERS:
        sums = offer in {"cumulative", "repeated", "visits"}
        for kind, amount in (("force", chance.randrange(1, 400)), ("adjust", chance.randrange(-300, 300) or 1)):
            bought = chance.randrange(FEW + 3)
            transaction, came_to = f"t{bought}", chance.choice([600, 900]) if kind == "force" and bought >= FEW else None
            completion = str(chance.randrange(1, 3)) if sums else transaction
            decided = Decided(offer=offer, completion=completion, kind=kind, amount=amount, transaction=transaction, came_to=came_to)
            at = NOW + chance.randrange(-2900, 0) * MINUTE
            yield Fact(customer=chance.choice(CUSTOMERS), at=at, correction=decided)


def _life(chance: random.Random, name: str, amount: int, at: datetime) -> Iterator[Transaction]:
    """All that is said of one purchase: a single message, or an authorisation and what became of it; and perhaps refunds."""
    cleared = max(amount + chance.choice([0, 0, 150, -300]), 1)
    expires_at = NOW + chance.choice([-600, 600]) * MINUTE
    authorised = purchase(name, kind="authorization", amount=amount, at=at, expires_at=expires_at)
    clearing = purchase(name, kind="clearing", amount=cleared, at=at)
    parts = [
        purchase(name, kind="clearing", amount=part, at=at, sequence=n, sequence_count=2)
        for n, part in enumerate((cleared // 3 + 1, cleared - cleared // 3), start=1)
    ]
    lives: list[list[Transaction]] = [
        [purchase(name, amount=amount, at=at)],
        [authorised, clearing],
        [authorised, *parts],
        [authorised, parts[0]],
        [authorised],
        [clearing],
        [authorised, purchase(name, kind=chance.choice(["decline", "reversal"]), amount=amount, at=at)],
    ]
    yield from chance.choice(lives)
    for number in range(chance.choice([0, 0, 0, 1, 2])):
        back = chance.choice([amount, cleared, max(amount // 2, 1), 77])
        original = chance.choice([name, None])
        refunded_at = at + chance.randrange(1, 2000) * MINUTE
        yield purchase(f"{name}-r{number}", kind="refund", amount=back, at=refunded_at, original_transaction_id=original)


def _arrive(world: World, where: Round, facts: list[Fact]) -> None:
    """Facts that reach the platform together."""
    world.post(*(_of_round(where, fact.customer, fact.message) for fact in facts if fact.message))
    for fact in facts:
        if fact.place:
            _tell(world, where, fact.place)
        elif fact.message is None:
            _note(world, where, fact)


def _of_round(where: Round, customer: str, message: Transaction) -> Transaction:
    original = message.original_transaction_id
    return message.model_copy(
        update=_named(where.name, message)
        | {
            "transaction_id": f"{where.name}-{message.transaction_id}",
            "customer_id": where.of(customer),
            "location_id": _place(where, message),
            "original_transaction_id": f"{where.name}-{original}" if original else None,
        }
    )


def _place(where: Round, message: Transaction) -> str | None:
    """Where a message says that it was made: all messages of a purchase say the same, and some of them nothing."""
    number = crc32(message.transaction_id.split("-")[0].encode()) % (PLACES + 1)
    return f"{where.name}-at{number}" if number < PLACES else None


def _named(name: str, message: Transaction) -> dict[str, str | None]:
    """What a message says of its merchant; each message of a purchase may say something else."""
    said = list({"own": None} | ALIASES)[crc32(f"{message.transaction_id} {message.kind} {message.sequence}".encode()) % 4]
    nothing: dict[str, str | None] = {"merchant_id": None}
    return nothing | ({"merchant_id": name} if said == "own" else {said: ALIASES[said](name)[said]})


def _tell(world: World, where: Round, place: dict[str, str] | None = None) -> None:
    """The merchant with its names and all that was told of its places so far, as the bank sends it; and what follows."""
    if place:
        where.places.setdefault(place["location_id"], {}).update(place | {"location_id": f"{where.name}-{place['location_id']}"})
    told = {"locations": list(where.places.values()), "aliases": [alias(where.name) for alias in ALIASES.values()]}
    merchant = {"merchant_id": where.name, "name": where.name, "mcc": "5411"} | told
    assert merchants.put_merchants(world.call(), json.dumps({"merchants": [merchant]}).encode()).accepted == 1
    world.deliver()


def _note(world: World, where: Round, fact: Fact) -> None:
    """An activation, a change of consent or a correction as it reaches the fold: the fact, and the event that tells of it."""
    customer = where.of(fact.customer)
    with world.call("wallet").transaction() as tx:
        if fact.correction:
            _decide(tx, where, fact, fact.correction)
            forced_by = f"{where.name}-{fact.correction.transaction}" if fact.correction.kind == "force" else None
            shard, pair = shard_of(customer, SHARDS), (customer, where.offers[fact.correction.offer])
            lock_shards(tx, [shard])
            correcting.post_correction(tx, shard, pair, _completion(where, fact, fact.correction), forced_by)
        elif fact.consent is None:
            tx.connection.execute(
                "UPDATE grants SET activated_at = least(activated_at, %s) WHERE offer_id = %s AND customer_id = %s",
                (fact.at, where.offers["activated"], customer),
            )
        else:
            tx.connection.execute(
                "INSERT INTO consents (customer_id, at, given, recorded_at) SELECT %s, %s, %s, %s"
                " WHERE NOT EXISTS (SELECT FROM consents WHERE customer_id = %s AND at = %s)",
                (customer, fact.at, fact.consent, tx.now, customer, fact.at),
            )
    changed = HistoriesChanged(
        shard=shard_of(customer, SHARDS), pairs=[(customer, offer_id) for offer_id in where.offers.values()], why="a test"
    )
    redemptions.refold(world.call("redeem_cashback"), changed)


def _decide(tx: CallTransaction, where: Round, fact: Fact, decided: Decided) -> None:
    offer_id, customer = where.offers[decided.offer], where.of(fact.customer)
    grant_id, completion = _completion(where, fact, decided)
    tx.connection.execute(
        "INSERT INTO corrections (correction_id, kind, customer_id, offer_id, grant_id, completion, amount_minor, currency, at,"
        " transaction_id, merchant_id, purchase_minor, state, requested_by, requested_at, reason, decided_by, decided_at, decision_reason)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, 'USD', %s, %s, %s, %s, 'approved', 'sam', %s, 'x', 'ada', %s, 'x') ON CONFLICT DO NOTHING",
        (
            derived_id(offer_id, customer, decided.kind), decided.kind, customer, offer_id, grant_id, completion, decided.amount, fact.at,
            f"{where.name}-{decided.transaction}", where.name, decided.came_to, tx.now, tx.now,
        ),
    )  # fmt: skip


def _completion(where: Round, fact: Fact, decided: Decided) -> tuple[UUID, str]:
    sums = decided.completion != decided.transaction
    grant_id = derived_id(where.offers[decided.offer], where.of(fact.customer), 0)
    return grant_id, decided.completion if sums else f"{where.name}-{decided.completion}"


def _state(world: World, where: Round) -> list[tuple[object, ...]]:
    """What is on record and what money says, without ids and counters that tell of the way there."""
    names = {offer: name for name, offer in where.offers.items()}
    facts = ("earned_at", "payable_at", "wanted_minor", "reward_minor", "earned_minor", "state", "qualifying_minor", "corrected_minor")
    return sorted(
        (
            names[row["offer_id"]],
            *(row[name].removeprefix(f"{where.name}-") for name in ("customer_id", "completion", "transaction_id")),
            *(str(row[fact]) for fact in facts),
        )
        for row in world.redemptions()
        if row["offer_id"] in names and row["state"] != "reversed"
    )


def _hash(state: list[tuple[object, ...]]) -> str:
    return hashlib.sha256(orjson.dumps(state)).hexdigest()
