"""Two platforms live through the same days side by side: one is told everything as it happens, the other late, in any order, twice, early.

What people decide (a pause, another version, a withdrawal, an erasure) is decided at its moment on both. In the end, when all has arrived,
both stand alike: what is on record, which purchases refunds are for, and what each customer's wallet shows. Names that came late count for
purchases that are sent again, so the late platform is told all purchases once more. `CLO_SEEDS=1000` makes it a long run.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any, Final
from uuid import UUID

import pytest

from events.payloads import FileOrigin, Transaction
from shared.audiences import desk, wallet
from shared.audiences.wallet_api import Activation, WalletQuery
from shared.campaigns import service as campaigns
from shared.campaigns.api import BudgetAsked
from shared.kernel.clock import SimulatedClock
from shared.kernel.ids import OFFER, derived_id
from shared.merchants import service as merchants
from shared.offers import service as offers
from shared.platform.batches import BatchAnswer
from shared.platform.call import Call
from tests.conftest import NOW, MakeCall
from tests.world import WHY, World, purchase

SEEDS = range(int(os.environ.get("CLO_SEEDS", "25")))
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
END: Final = NOW + 10 * DAY
CUSTOMERS: Final = ("ana", "ben", "cleo", "dora")
WINDOW: Final = {"start": "2026-01-16", "end": "2026-01-22T05:00", "zone": "UTC"}
PERCENT: Final = {"kind": "percent", "basis_points": 700, "cap": 150}
OFFERS: Final[dict[str, dict[str, Any]]] = {
    "plain": {"reward": PERCENT, "limits": {"redemptions_per_customer": 4}},
    "rolling": {"limits": {"per_period": [{"redemptions": 1, "per": "P1D", "kind": "rolling"}]}},
    "calendar": {"limits": {"per_period": [{"redemptions": 2, "per": "P1W", "kind": "calendar"}]}, "clawback": {"limits": "keep"}},
    "sum": {"qualification": {"kind": "cumulative_spend", "threshold": 4000}, "clawback": {"partial_refund": "keep"}},
    "visits": {"qualification": {"kind": "visits", "visits": 2, "threshold": 800}},
    "activated": {"activation": "required", "limits": {"reward_per_customer": 500}},
    "withdrawn": {"reward": PERCENT},
    "paused": {"qualification": {"kind": "cumulative_spend", "threshold": 2500}},
    "revised": {"reward": PERCENT},
    "gold": {"scope": {"card_products": ["gold"]}},
    "there": {"scope": {"regions": ["NY"]}, "window": WINDOW | {"zone_policy": "merchant"}},
    "theirs": {"window": WINDOW | {"zone_policy": "customer"}},
    "new": {"recency": {"customers": "new", "within": "P2D"}},
    "share": {"reward": {"kind": "percent", "basis_points": 600}, "stacking": {"group": "g"}},
    "first": {"stacking": {"group": "g", "priority": 1}, "limits": {"redemptions_per_customer": 2}},
}
GRANTED_LATE: Final = ("new", "plain")
CARDS, PLACES, LIVES = ("k1", "k2", "k3"), ("at0", "at1"), 14
NAMED: Final[list[dict[str, Any]]] = [
    {"merchant_id": None, "descriptor": "Shop"},
    {"merchant_id": None, "network": "visa", "network_merchant_id": "net"},
    {"merchant_id": "acq"},
    {"merchant_id": "own"},
]
"""What a message says of its merchant: each message of a purchase may say something else."""
NAMES: Final = (
    "transaction_id", "original_transaction_id", "customer_id", "card_token", "account_token", "merchant_id", "network_merchant_id",
    "location_id", "reference",
)  # fmt: skip


@dataclass(kw_only=True)
class Platform:
    """What is told to one of the two, under names of its own, so that they don't meet in one database."""

    world: World
    name: str
    offers: dict[str, UUID] = field(default_factory=dict)
    campaigns: dict[str, UUID] = field(default_factory=dict)
    merchant: dict[str, Any] = field(default_factory=dict)
    said: list[tuple[Transaction, FileOrigin | None]] = field(default_factory=list)

    def call(self, subject: str = "maya") -> Call:
        return self.world.call(subject)

    def of(self, name: str) -> str:
        """A name of this platform's own."""
        return f"{self.name}-{name}"

    def own(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """What is said, with names of this platform's own."""
        named = {name: self.of(value) for name, value in said.items() if name in NAMES and value}
        return {**said, **named} | ({"descriptor": f"{said['descriptor']} {self.name}"} if said.get("descriptor") else {})

    def message(self, message: Transaction) -> Transaction:
        """A message that is this platform's own."""
        return message.model_copy(
            update=self.own({name: getattr(message, name) for name in (*NAMES, "descriptor") if hasattr(message, name)})
        )


Do = Callable[[Platform], None]


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Something that happens, and what tells of it. What people decide arrives at its moment, all else perhaps later and twice."""

    at: datetime
    tell: Do
    decided: bool = False
    may_be_early: bool = False
    """Whether it may be told before its moment, by a clock that is ahead."""


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_told_late_and_twice_ends_as_what_is_told_in_time(world: World, clock: SimulatedClock, seed: int) -> None:
    chance = Random(seed)
    in_time, late = (_platform(world, name) for name in ("intime", "late"))
    facts = sorted(_facts(chance), key=lambda fact: fact.at)
    for at, platform, fact in sorted(_arrivals(chance, facts, in_time, late), key=lambda arrival: arrival[0]):
        clock.advance(at)
        fact.tell(platform)
        if chance.random() < 0.6:
            world.deliver()
        if fact.decided or chance.random() < 0.05:
            world.tick()
    clock.advance(END)
    world.deliver()
    for message, file in late.said:
        world.post(message, file=file)
    world.deliver()
    world.tick()
    world.deliver()
    assert _record(late) == _record(in_time)
    assert _refunds(late) == _refunds(in_time)
    assert _wallets(late) == _wallets(in_time)
    world.verify()


def _arrivals(chance: Random, facts: list[Fact], in_time: Platform, late: Platform) -> Iterator[tuple[datetime, Platform, Fact]]:
    for fact in facts:
        yield fact.at, in_time, fact
        if fact.decided:
            yield fact.at, late, fact
            continue
        if fact.may_be_early and chance.random() < 0.2:
            yield fact.at - chance.randrange(1, 600) * MINUTE, late, fact
        for _ in range(chance.choice([1, 1, 2])):
            yield fact.at + chance.choice([0, 0, 1, 1]) * chance.randrange(1, 6000) * MINUTE, late, fact


def _platform(world: World, name: str) -> Platform:
    made = Platform(world=world, name=name, merchant={"merchant_id": f"{name}-own", "name": name, "mcc": "5411"})
    made.campaigns = {kind: world.campaign(budget=10_000_000) for kind in ("usual", "paused")}
    for offer, values in OFFERS.items():
        campaign = made.campaigns["paused" if offer == "paused" else "usual"]
        terms = {"repeat": True} | values | {"scope": {"include": {"merchants": [made.of("own")]} | values.get("scope", {})}}
        if "stacking" in values:
            terms["stacking"] = values["stacking"] | {"group": name}
        made.offers[offer] = world.offer(campaign, **terms)
    _tell(made)
    _told(desk.put_customers, made, customers=[{"customer_id": made.of(customer), "consent": True} for customer in CUSTOMERS])
    for offer, offer_id in made.offers.items():
        for turn in range(0 if offer in GRANTED_LATE else 2):
            world.grant(offer_id, *map(made.of, CUSTOMERS), at=NOW - (1 + turn) * HOUR, turn=turn)
    return made


def _facts(chance: Random) -> Iterator[Fact]:
    yield from _lives(chance)
    yield from _file(chance)
    yield from _cards(chance)
    yield from _names(chance)
    yield from _customers(chance)
    yield from _decisions(chance)


def _moment(chance: Random, days: float = 8) -> datetime:
    return NOW + chance.randrange(1, int(days * 1440)) * MINUTE


def _lives(chance: Random) -> Iterator[Fact]:
    """Lives of purchases and refunds, by customer, by card, by both; each message may name the merchant otherwise, some are at odds."""
    for number in range(LIVES):
        for message in _life(chance, f"t{number}", _whose(chance)):
            yield Fact(at=message.at, tell=partial(_post, message), may_be_early=True)


def _post(message: Transaction, platform: Platform, *, revision: int = 0) -> None:
    """A message as it is told by a system of the bank, or by a revision of a file."""
    own, file = platform.message(message), _origin(platform, revision) if revision else None
    platform.said.append((own, file))
    platform.world.post(own, file=file)


def _whose(chance: Random) -> dict[str, Any]:
    customer, card = chance.choice(CUSTOMERS), chance.choice(CARDS)
    return chance.choice(
        [{"customer_id": customer}, {"customer_id": None, "card_token": card}, {"customer_id": customer, "card_token": card}]
    )


def _life(chance: Random, name: str, whose: dict[str, Any]) -> Iterator[Transaction]:
    at, amount = _moment(chance), chance.randrange(500, 4000)
    place = {"location_id": chance.choice([*PLACES, None])}

    def said(kind: str = "purchase", amount: int = amount, name: str = name, **more: Any) -> Transaction:
        return purchase(name, kind=kind, amount=amount, **{"at": at} | whose | chance.choice(NAMED) | place | more)

    cleared = max(amount + chance.choice([0, 0, 150, -300]), 1)
    authorised = said("authorization", expires_at=at + chance.choice([1, 30]) * DAY)
    parts = [
        said("clearing", part, sequence=n, sequence_count=2) for n, part in enumerate((cleared // 3 + 1, cleared - cleared // 3), start=1)
    ]
    lives = [
        [said()],
        [said()],
        [authorised, said("clearing", cleared)],
        [authorised, *parts],
        [authorised, parts[0]],
        [authorised],
        [said("clearing", cleared)],
        [authorised, said(chance.choice(["decline", "reversal"]))],
    ]
    for message in chance.choice(lives):
        yield _at_odds(chance, message) if chance.random() < 0.1 else message
    for number in range(chance.choice([0, 0, 1, 2])):
        back = chance.choice([amount, cleared, max(amount // 2, 1), 77])
        refunded_at = at + chance.randrange(1, 2000) * MINUTE
        other = _whose(chance) if chance.random() < 0.2 else {}
        yield said("refund", back, f"{name}-r{number}", at=refunded_at, original_transaction_id=chance.choice([name, None]), **other)


def _at_odds(chance: Random, message: Transaction) -> Transaction:
    """A message that says another moment, or another customer or card, than the others of its purchase."""
    return message.model_copy(update=chance.choice([{"at": message.at + chance.randrange(1, 3000) * MINUTE}, _whose(chance)]))


def _file(chance: Random) -> Iterator[Fact]:
    """A file of purchases, and its revision, which tells some otherwise and some no more."""
    first = {
        f"f{number}": purchase(f"f{number}", chance.choice(CUSTOMERS), at=_moment(chance, 3), merchant_id="own") for number in range(4)
    }
    other: list[dict[str, Any]] = [{}, {"amount": chance.randrange(500, 4000)}, {"customer_id": chance.choice(CUSTOMERS)}]
    second = {name: message.model_copy(update=chance.choice(other)) for name, message in first.items() if chance.random() < 0.8}
    gone = [message for name, message in first.items() if name not in second]
    told_at, revised_at = NOW + 3 * DAY, NOW + 3 * DAY + chance.randrange(1, 3000) * MINUTE
    for message in first.values():
        yield Fact(at=told_at, tell=partial(_post, message, revision=1))
    for message in gone:
        yield Fact(at=revised_at, tell=partial(_withdraw, message))
    for message in second.values():
        yield Fact(at=revised_at, tell=partial(_post, message, revision=2))


def _withdraw(message: Transaction, platform: Platform) -> None:
    platform.world.withdraw(_origin(platform, 2), platform.message(message))


def _origin(platform: Platform, revision: int) -> FileOrigin:
    return FileOrigin(file_id=f"transactions_{platform.name}", revision=revision)


def _told(use_case: Callable[..., BatchAnswer], platform: Platform, **body: Any) -> None:
    """That the bank tells something, all of which is taken."""
    answer = use_case(platform.call("bank"), json.dumps(body, default=str).encode())
    assert answer.rejected == []


def _cards(chance: Random) -> Iterator[Fact]:
    """Whose cards are: handed over, with other products and accounts, told with the moment from which that holds."""
    for card in CARDS:
        for start in (None, *sorted(_moment(chance) for _ in range(chance.choice([0, 1, 2])))):
            if start is None and chance.random() < 0.3:
                continue
            said: dict[str, Any] = {"card_token": card, "customer_id": chance.choice(CUSTOMERS[:3]), "valid_from": start}
            said |= {"account_token": chance.choice(["a1", "a2"]), "card_product": chance.choice(["gold", "blue"])}
            yield Fact(at=start or NOW, tell=partial(_put_card, said))


def _put_card(said: dict[str, Any], platform: Platform) -> None:
    _told(desk.put_cards, platform, cards=[platform.own(said)])


def _names(chance: Random) -> Iterator[Fact]:
    """Other names of the merchant, and what is known of its places, bit by bit."""
    aliases: list[dict[str, Any]] = [
        {"kind": "acquirer", "merchant_id": "acq"},
        {"kind": "network", "network": "visa", "network_merchant_id": "net"},
        {"kind": "descriptor", "descriptor": "Shop"},
    ]
    for alias in aliases:
        yield Fact(at=NOW, tell=partial(_tell, alias=alias))
    for place in PLACES:
        for part in ({"country": "US"}, {"zone": "America/New_York"}, {"region": chance.choice(["NY", "NJ"])}):
            yield Fact(at=NOW, tell=partial(_tell, place={"location_id": place} | part))


def _tell(platform: Platform, alias: dict[str, Any] | None = None, place: dict[str, Any] | None = None) -> None:
    """The merchant with all that was told of it so far."""
    merchant = platform.merchant
    aliases, places = merchant.setdefault("aliases", []), merchant.setdefault("places", {})
    own = platform.own(alias or place or {})
    if alias and own not in aliases:
        aliases.append(own)
    if place:
        places.setdefault(own["location_id"], {}).update(own)
    sent = {name: merchant[name] for name in ("merchant_id", "name", "mcc", "aliases")} | {"locations": list(places.values())}
    _told(merchants.put_merchants, platform, merchants=[sent])


def _customers(chance: Random) -> Iterator[Fact]:
    """Activations, consent that is taken back and given again, grants told by their sender's name, an offer that is approved late."""
    for customer in CUSTOMERS[:3]:
        at = _moment(chance)
        yield Fact(at=at, tell=partial(_activate, customer, at))
        for offer in GRANTED_LATE:
            granted = _moment(chance, 4)
            if customer != "ana":  # who is told of after he has opted out is given nothing more: targeting stops at once
                yield Fact(at=granted, tell=partial(_grant, customer, offer, granted))
    yield Fact(at=NOW, tell=_approve)
    out = _moment(chance, 6)
    for at, given in ((out, False), (out + chance.randrange(1, 2000) * MINUTE, True)):
        yield Fact(at=at, tell=partial(_put_customer, "ana", {"consent": given, "consent_at": at}))


def _put_customer(customer: str, said: dict[str, Any], platform: Platform) -> None:
    _told(desk.put_customers, platform, customers=[platform.own({"customer_id": customer} | said)])


def _approve(platform: Platform) -> None:
    """An offer whose window has begun, with grants that are dated back; once."""
    if "approved" not in platform.offers:
        scope = {"include": {"merchants": [platform.of("own")]}}
        platform.offers["approved"] = platform.world.offer(platform.campaigns["usual"], repeat=True, reward=PERCENT, scope=scope)
        for customer in ("ben", "cleo"):
            _grant(customer, "approved", NOW, platform)


def _activate(customer: str, at: datetime, platform: Platform) -> None:
    offer_id = platform.offers["activated"]
    grant_id = derived_id(offer_id, platform.of(customer), 0)
    wallet.activate_offer(platform.call(), platform.of(customer), grant_id, Activation(at=at))


def _grant(customer: str, offer: str, at: datetime, platform: Platform) -> None:
    given = {"reference": f"{offer}-{customer}", "offer_id": OFFER.render(platform.offers[offer]), "granted_at": at}
    _told(desk.put_grants, platform, grants=[platform.own(given | {"customer_id": customer})])


def _decisions(chance: Random) -> Iterator[Fact]:
    """What people decide, at its moment: a pause, an end of it, another version, a withdrawal, more budget, a move, an erasure."""
    paused = _moment(chance, 5)
    yield Fact(at=paused, tell=lambda p: void(campaigns.pause_campaign(p.call(), p.campaigns["paused"], WHY)), decided=True)
    resumed = paused + chance.randrange(1, 3000) * MINUTE
    yield Fact(at=resumed, tell=lambda p: void(campaigns.resume_campaign(p.call(), p.campaigns["paused"], WHY)), decided=True)
    yield Fact(at=_moment(chance), tell=lambda p: void(offers.withdraw_offer(p.call(), p.offers["withdrawn"], WHY)), decided=True)
    yield Fact(at=_moment(chance), tell=lambda p: void(desk.erase_customer(p.call(), p.of("dora"))), decided=True)
    yield Fact(at=_moment(chance), tell=_revise, decided=True)
    yield Fact(at=_moment(chance), tell=_raise_budget, decided=True)
    zone = chance.choice(["America/Los_Angeles", "Asia/Tokyo"])
    yield Fact(at=_moment(chance), tell=partial(_put_customer, "ben", {"consent": True, "zone": zone}), decided=True)


def void(_answer: object) -> None:
    """Nothing is made of an answer."""


def _revise(platform: Platform) -> None:
    terms = {"reward": {"kind": "fixed", "amount": 333}, "qualification": {"kind": "single_purchase", "threshold": 700}}
    platform.world.revise(platform.offers["revised"], repeat=True, scope={"include": {"merchants": [platform.of("own")]}}, **terms)


def _raise_budget(platform: Platform) -> None:
    campaigns.request_budget(platform.call("maya"), platform.campaigns["usual"], BudgetAsked(amount=500, reason="More"))
    campaigns.approve_budget(platform.call("omar"), platform.campaigns["usual"], WHY)


def _plain(platform: Platform, value: object) -> str:
    return str(value).replace(f"{platform.name}-", "")


def _record(platform: Platform) -> list[tuple[str, ...]]:
    """What is on record, without ids and counters that tell of the way there."""
    names = {offer_id: name for name, offer_id in platform.offers.items()}
    facts = (
        "customer_id", "completion", "transaction_id", "earned_at", "payable_at", "wanted_minor", "reward_minor", "earned_minor", "state",
        "qualifying_minor", "version", "account_token",
    )  # fmt: skip
    rows = [row for row in platform.world.redemptions() if row["offer_id"] in names and row["state"] != "reversed"]
    return sorted((names[row["offer_id"]], *(_plain(platform, row[fact]) for fact in facts)) for row in rows)


def _refunds(platform: Platform) -> list[tuple[str, ...]]:
    facts = ("transaction_id", "customer_id", "purchase_id", "unmatched")
    rows = platform.world.rows("SELECT * FROM transactions WHERE kind = 'refund' AND transaction_id LIKE %s", f"{platform.name}-%")
    return sorted(tuple(_plain(platform, row[fact]) for fact in facts) for row in rows)


def _wallets(platform: Platform) -> list[tuple[str, ...]]:
    names = {offer_id: name for name, offer_id in platform.offers.items()}
    shown = ("state", "completions", "activated_at", "expires_at", "used_up", "pays_again_at", "version")
    return sorted(
        (customer, names[offer.offer_id], str(offer.granted_at), *(str(getattr(offer, name)) for name in shown))
        for customer in CUSTOMERS
        for offer in wallet.list_customer_offers(platform.call(), platform.of(customer), WalletQuery()).offers
    )
