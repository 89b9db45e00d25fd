"""Which merchant a purchase was made at: by each rung of the ladder, as of its moment, and anew when it is sent again."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg
import pytest
from pydantic import ValidationError

from shared.kernel.clock import SimulatedClock
from shared.merchants import service as merchants
from shared.redemptions.eligibility_api import Eligibility, EligibilityAsked
from tests.conftest import NOW, MakeCall
from tests.integration.redemptions.asking import Asker, asked
from tests.world import World, amounts, purchase

NEW_YEAR: Final = datetime.fromisoformat("2026-01-10T00:00:00+00:00")
TICK: Final = timedelta(microseconds=1)
ACQUIRER: Final[dict[str, Any]] = {"kind": "acquirer", "merchant_id": "a-77"}
NETWORK: Final[dict[str, Any]] = {"kind": "network", "network": "visa", "network_merchant_id": "n-5"}
DESCRIPTOR: Final[dict[str, Any]] = {"kind": "descriptor", "descriptor": "BLUE CUP", "mcc": "5814", "country": "US", "city": "SEATTLE"}
UNNAMED: Final[dict[str, Any]] = {"merchant_id": None}
DESCRIBED: Final[dict[str, Any]] = UNNAMED | {"descriptor": "SQ *Blue Cup 0042", "mcc": "5814", "country": "US", "city": "Seattle"}
BLUE_PLACE: Final[dict[str, Any]] = {"location_id": "l1", "country": "US", "city": "Seattle", "zone": "UTC"}


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


@pytest.fixture
def offer(world: World) -> UUID:
    """Two dollars of each purchase at the merchant cup."""
    return give(world)


def give(world: World, *, budget: int = 100_000, **terms: Any) -> UUID:
    offer = world.offer(world.campaign(budget=budget), **{"scope": {"include": {"merchants": ["cup"]}}, "repeat": True} | terms)
    world.grant(offer, "cust-1")
    return offer


def put(world: World, *aliases: dict[str, Any], merchant_id: str = "cup", **facts: Any) -> None:
    merchant = {"merchant_id": merchant_id, "name": "Blue Cup", "brand": "Cups", "mcc": "5814", "aliases": aliases} | facts
    answer = merchants.put_merchants(world.call(), json.dumps({"merchants": [merchant]}, default=str).encode())
    assert answer.rejected == []


def matched(world: World) -> dict[str, tuple[str | None, str]]:
    """Merchant and rung of each purchase on file."""
    found = world.rows("SELECT transaction_id, merchant_id, matched_by FROM transactions")
    return {row["transaction_id"]: (row["merchant_id"], row["matched_by"]) for row in found}


def earned(world: World) -> list[str]:
    return [row["transaction_id"] for row in world.redemptions() if row["reward_minor"]]


@pytest.mark.usefixtures("offer")
@pytest.mark.parametrize(
    ("said", "rung"),
    [
        ({"merchant_id": "cup"}, "merchant_id"),
        ({"merchant_id": "a-77"}, "acquirer"),
        (UNNAMED | {"network": "visa", "network_merchant_id": "n-5"}, "network"),
        (UNNAMED | {"network_merchant_id": "n-5"}, "network"),
        ({"merchant_id": "a-78", "network_merchant_id": "n-5"}, "network"),
        (DESCRIBED, "descriptor"),
        (DESCRIBED | {"merchant_id": "a-78", "network_merchant_id": "n-6"}, "descriptor"),
        (UNNAMED | {"descriptor": "Blue Cup", "location_id": "l1"}, "descriptor"),
    ],
)
def test_a_purchase_earns_at_its_merchant_by_whatever_names_it(world: World, said: dict[str, Any], rung: str) -> None:
    put(world, ACQUIRER, NETWORK, DESCRIPTOR, locations=[{"location_id": "l1", "country": "US", "city": "Seattle"}])
    world.post(purchase("t1", **said))
    assert (matched(world), earned(world)) == ({"t1": ("cup", rung)}, ["t1"])
    assert [row["merchant_id"] for row in world.redemptions()] == ["cup"]
    (stored,) = world.rows("SELECT merchant_said, network, network_merchant_id, descriptor, city, brand FROM transactions")
    assert stored == {"brand": "Cups"} | {
        column: said.get(name)
        for column, name in (
            ("merchant_said", "merchant_id"),
            *((name, name) for name in ("network", "network_merchant_id", "descriptor", "city")),
        )
    }
    world.verify()


@pytest.mark.usefixtures("offer")
@pytest.mark.parametrize("said", [DESCRIBED | {"city": "Portland"}, DESCRIBED | {"mcc": "5812"}, DESCRIBED | {"descriptor": "GREEN CUP"}])
def test_a_purchase_elsewhere_passes_by(world: World, said: dict[str, Any]) -> None:
    put(world, DESCRIPTOR)
    world.post(purchase("t1", **said))
    assert (matched(world), earned(world)) == ({}, [])


@pytest.mark.usefixtures("offer")
def test_a_merchant_that_changed_its_acquirer_earns_by_either_id_in_its_time(world: World) -> None:
    old, new = ACQUIRER | {"valid_to": NEW_YEAR}, ACQUIRER | {"merchant_id": "a-99", "valid_from": NEW_YEAR}
    put(world, old, new)
    for name, merchant_id, at in (
        ("old, still", "a-77", NEW_YEAR - TICK),
        ("old, no more", "a-77", NEW_YEAR),
        ("new, not yet", "a-99", NEW_YEAR - TICK),
        ("new, now", "a-99", NEW_YEAR),
    ):
        world.post(purchase(name.replace(", ", "-").replace(" ", "-"), merchant_id=merchant_id, at=at))
    assert earned(world) == ["old-still", "new-now"]


def test_an_id_that_passed_to_another_merchant_earns_there_from_that_moment_on(world: World) -> None:
    give(world)
    give(world, scope={"include": {"merchants": ["pot"]}}, reward={"kind": "fixed", "amount": 300})
    put(world, ACQUIRER | {"valid_to": NEW_YEAR})
    put(world, ACQUIRER | {"valid_from": NEW_YEAR}, merchant_id="pot")
    world.post(purchase("t1", merchant_id="a-77", at=NEW_YEAR - TICK), purchase("t2", merchant_id="a-77", at=NEW_YEAR))
    assert [(row["transaction_id"], row["merchant_id"], row["reward_minor"]) for row in world.redemptions()] == [
        ("t1", "cup", 200),
        ("t2", "pot", 300),
    ]


def test_a_name_of_several_merchants_is_no_merchant(world: World) -> None:
    give(world)
    everywhere = give(world, scope={}, reward={"kind": "fixed", "amount": 100})
    put(world, NETWORK)
    put(world, NETWORK | {"network": "mastercard"}, merchant_id="pot")
    world.post(purchase("t1", merchant_id=None, network_merchant_id="n-5"))
    assert matched(world) == {"t1": (None, "merchant_ambiguous")}
    assert [(row["offer_id"], row["merchant_id"]) for row in world.redemptions()] == [(everywhere, None)]
    world.post(purchase("t2", merchant_id=None, network_merchant_id="n-5", network="visa"))
    assert matched(world)["t2"] == ("cup", "network")


def test_a_purchase_that_names_no_merchant_is_refused() -> None:
    with pytest.raises(ValidationError, match="one of merchant_id, network_merchant_id and descriptor must be given"):
        purchase("t1", merchant_id=None, network="visa", location_id="l1")


@pytest.mark.usefixtures("offer")
@pytest.mark.parametrize("said", [{"merchant_id": "a-77"}, DESCRIBED])
def test_a_purchase_sent_again_is_matched_to_the_merchant_that_is_known_by_now(world: World, said: dict[str, Any]) -> None:
    world.post(purchase("t1", **said), purchase("t2", **said))
    assert earned(world) == []
    put(world, ACQUIRER, DESCRIPTOR)
    world.post(purchase("t1", **said))
    assert earned(world) == ["t1"]  # the other was not sent again, and stays as it was
    world.post(purchase("t1", **said))
    assert (earned(world), world.rows("SELECT * FROM set_aside")) == (["t1"], [])
    world.verify()


@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_purchase_on_file_that_is_sent_again_moves_to_the_merchant_that_its_name_was_given_to(world: World, *, elsewhere: bool) -> None:
    give(world)
    if elsewhere:
        give(world, scope={"include": {"brands": ["Pots"]}}, reward={"kind": "fixed", "amount": 300})
    put(world, ACQUIRER)
    world.post(purchase("t1", merchant_id="a-77"), purchase("t2", merchant_id="a-77", at=NOW - TICK))
    assert amounts(world.redemptions()) == [200, 200]
    put(world, ACQUIRER | {"valid_to": NEW_YEAR})
    put(world, ACQUIRER | {"valid_from": NEW_YEAR}, merchant_id="pot", brand="Pots")
    world.post(purchase("t1", merchant_id="a-77"))
    standing = [(row["transaction_id"], row["state"], row["reward_minor"]) for row in world.redemptions()]
    assert sorted(standing) == sorted([("t1", "reversed", 0), ("t2", "payable", 200), *([("t1", "payable", 300)] if elsewhere else [])])
    assert matched(world) == {"t1": ("pot", "acquirer"), "t2": ("cup", "acquirer")}
    world.verify()


MATCHED_ANEW: Final[list[tuple[dict[str, Any], dict[str, Any]]]] = [
    ({"brands": ["Pots"]}, {"brand": "Pots"}),
    ({"mccs": ["5411"]}, {"mcc": "5411"}),
    ({"countries": ["CA"]}, {"locations": [BLUE_PLACE | {"country": "CA"}]}),
    ({"regions": ["CA-BC"]}, {"locations": [BLUE_PLACE | {"region": "CA-BC"}]}),
    ({}, {"locations": [BLUE_PLACE | {"zone": "Asia/Tokyo"}]}),
]
"""What an offer asks, and what the merchants tell by now by which a purchase is what it asks."""


@pytest.mark.parametrize("anew", [True, False], ids=["matched anew", "matched as before"])
@pytest.mark.parametrize(("include", "told"), MATCHED_ANEW, ids=["brand", "category", "country", "region", "zone"])
def test_a_purchase_that_is_matched_anew_takes_all_that_its_merchant_and_place_tell_by_now(
    world: World, asker: Asker, clock: SimulatedClock, include: dict[str, Any], told: dict[str, Any], *, anew: bool
) -> None:
    give(world, scope={})  # for its sake the purchase is kept
    terms: dict[str, Any] = {"scope": {"include": include}}
    if not include:
        terms["window"] = {"start": "2026-01-16", "end": "2026-01-16", "zone": "UTC", "zone_policy": "merchant"}
    offer = give(world, **terms)
    put(world, ACQUIRER, locations=[BLUE_PLACE])
    at = datetime.fromisoformat("2026-01-15T20:00:00+00:00")  # of the next day already in Tokyo
    bought = purchase("t1", merchant_id="a-77" if anew else "cup", location_id="l1", at=at)
    world.post(bought)
    question, then = EligibilityAsked(transaction_id="t1"), clock.now()
    before = asker.one(question)
    clock.advance(then + timedelta(minutes=1))
    put(world, ACQUIRER | {"valid_to": NEW_YEAR}, **told)
    world.post(bought)
    assert (offer in {row["offer_id"] for row in world.redemptions() if row["reward_minor"]}) == anew
    assert (offer in {verdict.offer_id for verdict in asker.one(question).verdicts if verdict.eligible}) == anew
    assert asker.one(question.model_copy(update={"as_of": then})) == before
    world.verify()


@pytest.mark.usefixtures("offer")
def test_a_name_that_was_taken_back_takes_back_what_was_earned_by_it_when_the_purchase_is_sent_again(world: World) -> None:
    put(world, ACQUIRER | {"valid_from": NEW_YEAR})
    world.post(purchase("t1", merchant_id="a-77"))
    put(world, ACQUIRER | {"valid_from": NEW_YEAR, "valid_to": NEW_YEAR})
    world.post(purchase("t1", merchant_id="a-77"))
    assert (matched(world), earned(world)) == ({"t1": ("a-77", "merchant_unknown")}, [])
    world.verify()


@pytest.mark.usefixtures("offer")
def test_the_life_of_a_purchase_that_only_a_descriptor_names(world: World) -> None:
    put(world, DESCRIPTOR)
    world.post(purchase("t1", kind="authorization", expires_at=NOW + timedelta(hours=1), **DESCRIBED))
    world.post(purchase("t1", kind="clearing", **DESCRIBED))
    assert earned(world) == ["t1"]
    world.post(purchase("r1", kind="refund", at=NOW + TICK, **DESCRIBED))
    assert earned(world) == []
    world.verify()


@pytest.mark.usefixtures("offer")
@pytest.mark.parametrize(
    "said",
    [DESCRIBED, {"merchant_id": "a-77"}, UNNAMED | {"network": "visa", "network_merchant_id": "n-5"}],
    ids=["descriptor", "id", "network"],
)
def test_what_expired_is_told_of_by_what_the_authorisation_said(world: World, said: dict[str, Any]) -> None:
    put(world, ACQUIRER, NETWORK, DESCRIPTOR)
    world.post(purchase("t1", kind="authorization", expires_at=NOW, at=NOW - timedelta(hours=2), **said))
    assert earned(world) == ["t1"]
    assert world.tick() == 1
    assert earned(world) == []
    names = ("merchant_said", "network", "network_merchant_id", "descriptor")
    (expiry,) = world.rows(f"SELECT {', '.join(names)} FROM transactions WHERE kind = 'expiry'")
    assert [expiry[name] for name in names] == [said.get(name) for name in ("merchant_id", *names[1:])]


def test_refunds_of_merchants_that_are_not_known_are_for_purchases_of_the_same_descriptor_only(world: World) -> None:
    give(world, scope={})
    blue, green = UNNAMED | {"descriptor": "SQ *Blue Cup 0042"}, UNNAMED | {"descriptor": "GREEN CUP"}
    world.post(purchase("t1", **blue), purchase("r1", kind="refund", at=NOW + TICK, **green))
    world.post(purchase("r2", kind="refund", at=NOW + TICK, merchant_id=None, network_merchant_id="n-5"))
    assert earned(world) == ["t1"]
    world.post(purchase("r3", kind="refund", at=NOW + TICK, **UNNAMED | {"descriptor": "Blue Cup #7"}))
    assert earned(world) == []


@pytest.mark.usefixtures("offer")
def test_a_refund_finds_its_purchase_when_either_is_sent_again_and_its_merchant_is_known(world: World) -> None:
    put(world, DESCRIPTOR)
    back = purchase("r1", kind="refund", at=NOW + TICK, merchant_id="a-77")
    world.post(purchase("t1", **DESCRIBED), back)
    assert earned(world) == ["t1"]
    put(world, ACQUIRER)
    world.post(back)
    assert earned(world) == []
    world.verify()


@pytest.mark.usefixtures("offer")
def test_a_refund_that_found_its_purchase_loses_it_when_it_is_sent_again_and_is_of_another_merchant(world: World) -> None:
    put(world, ACQUIRER)
    back = purchase("r1", kind="refund", at=NOW + TICK, merchant_id="a-77")
    world.post(purchase("t1", merchant_id="cup"), back)
    assert earned(world) == []
    put(world, ACQUIRER | {"valid_to": NEW_YEAR})
    put(world, ACQUIRER | {"valid_from": NEW_YEAR}, merchant_id="pot")
    world.post(back)
    assert earned(world) == ["t1"]
    world.verify()


def test_all_purchases_whose_merchant_is_not_known_share_one_budget_per_merchant(world: World) -> None:
    give(world, scope={}, limits={"budget_per_merchant": 400})
    for number in range(3):
        world.post(purchase(f"t{number}", at=NOW + number * TICK, **UNNAMED | {"descriptor": f"CUP {'ABC'[number]}"}))
    assert [(row["reward_minor"], row["reason"]) for row in world.redemptions()] == [
        (200, None),
        (200, None),
        (0, "merchant_budget_exhausted"),
    ]
    world.verify()


def test_as_of_a_moment_purchases_are_at_the_merchants_that_they_were_matched_to_then(
    world: World, asker: Asker, clock: SimulatedClock
) -> None:
    offer = give(world)
    put(world, ACQUIRER)
    world.post(purchase("t1", merchant_id="a-77"))
    then = clock.now()
    clock.advance(then + timedelta(minutes=1))
    put(world, ACQUIRER | {"valid_to": NEW_YEAR})
    world.post(purchase("t1", merchant_id="a-77"))
    later: dict[str, Any] = {"merchant_id": "cup", "at": clock.now()}
    assert asker.verdict(offer_id=offer, **later).before.redemptions == 0
    (verdict,) = asker.one(asked(offer_id=offer, **later).model_copy(update={"as_of": then})).verdicts
    assert verdict.before.redemptions == 1


TOLD_LATER: Final[list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]] = [
    ({"merchants": ["cup"]}, {"merchant_id": "a-77"}, {"aliases": [ACQUIRER | {"valid_to": NEW_YEAR}]}),
    ({"brands": ["Cups"]}, {"merchant_id": "cup"}, {"brand": "Pots"}),
    ({"mccs": ["5814"]}, {"merchant_id": "cup", "location_id": "l1"}, {"mcc": "5411"}),
    ({"countries": ["US"]}, {"merchant_id": "cup", "location_id": "l1"}, {"locations": [BLUE_PLACE | {"country": "CA"}]}),
    ({}, {"merchant_id": "cup", "location_id": "l1"}, {"locations": [BLUE_PLACE | {"zone": "Asia/Tokyo"}]}),
]
"""What an offer asks, what a purchase says, and what the merchants tell later by which it is outside."""


@pytest.mark.parametrize(("include", "said", "told"), TOLD_LATER, ids=["alias", "brand", "category", "country", "zone"])
def test_asked_as_of_a_moment_a_purchase_not_made_is_matched_by_what_was_known_of_merchants_then(
    world: World, asker: Asker, clock: SimulatedClock, include: dict[str, Any], said: dict[str, Any], told: dict[str, Any]
) -> None:
    window = {"start": "2026-01-15", "end": "2026-01-15", "zone": "UTC", "zone_policy": "merchant"}
    offer = give(world, scope={"include": include}, window=window)
    put(world, aliases=[ACQUIRER], locations=[BLUE_PLACE])
    at = datetime.fromisoformat("2026-01-15T20:00:00+00:00")  # of the next day already in Tokyo
    question, then = asked(offer_id=offer, at=at, **said), clock.now()
    known = asker.one(question)
    clock.advance(then + timedelta(minutes=1))
    put(world, **told)
    assert (known.eligible, asker.one(question).eligible) == (True, False)
    assert asker.one(question.model_copy(update={"as_of": then})) == known


@pytest.mark.parametrize(
    ("said", "merchant_id", "matched_by"),
    [
        ({"merchant_id": "cup"}, "cup", "merchant_id"),
        ({"merchant_id": "a-77"}, "cup", "acquirer"),
        (UNNAMED | {"network": "visa", "network_merchant_id": "n-5"}, "cup", "network"),
        (DESCRIBED, "cup", "descriptor"),
        ({"merchant_id": "a-77", "at": NEW_YEAR - TICK}, "a-77", "merchant_unknown"),
        (UNNAMED | {"network_merchant_id": "n-6"}, None, "merchant_ambiguous"),
        (UNNAMED | {"descriptor": "GREEN CUP"}, None, "merchant_unknown"),
    ],
)
def test_a_question_is_matched_as_a_purchase_is_and_tells_by_what(
    world: World, asker: Asker, said: dict[str, Any], merchant_id: str | None, matched_by: str
) -> None:
    offer = give(world)
    put(world, ACQUIRER | {"valid_from": NEW_YEAR}, NETWORK, DESCRIPTOR, NETWORK | {"network_merchant_id": "n-6"})
    put(world, NETWORK | {"network": "mastercard", "network_merchant_id": "n-6"}, merchant_id="pot")
    answer = asker.one(asked(offer_id=offer, **said))
    assert (answer.merchant_id, answer.matched_by, answer.eligible) == (merchant_id, matched_by, merchant_id == "cup")
    (verdict,) = answer.verdicts
    (rule,) = [rule for rule in verdict.rules if rule.rule == "merchant"]
    assert rule.actual == (merchant_id or "unknown")
    reason = None if merchant_id == "cup" else "merchant_not_in_scope" if merchant_id else matched_by
    assert (rule.reason.code if rule.reason else None) == reason


def test_questions_asked_together_are_matched_each_by_its_own_names(world: World, asker: Asker) -> None:
    give(world)
    put(world, ACQUIRER, DESCRIPTOR)
    answers = asker.together(asked(merchant_id="a-77"), asked(merchant_id="a-78"), asked(**DESCRIBED))
    assert [answer.matched_by for answer in answers if isinstance(answer, Eligibility)] == ["acquirer", "merchant_unknown", "descriptor"]


def test_a_question_is_answered_by_one_statement_once_its_merchant_was_asked_of(
    world: World, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(world)
    put(world, DESCRIPTOR, locations=[{"location_id": "l1"}])
    question = asked(**DESCRIBED, location_id="l1")
    asker.one(question)
    executed: list[object] = []
    for connection in (psycopg.Connection, psycopg.AsyncConnection):
        monkeypatch.setattr(connection, "execute", _noting(connection.execute, executed))
    asker.one(question)
    assert len(executed) == 1


def test_a_name_given_since_the_last_question_is_known_to_the_next(world: World, asker: Asker) -> None:
    offer = give(world)
    assert not asker.verdict(offer_id=offer, merchant_id="a-77").eligible
    put(world, ACQUIRER)
    assert asker.verdict(offer_id=offer, merchant_id="a-77").eligible
    put(world, ACQUIRER | {"valid_to": NEW_YEAR})
    assert not asker.verdict(offer_id=offer, merchant_id="a-77").eligible


def _noting(execute: Callable[..., Any], executed: list[object]) -> Callable[..., Any]:
    def noting(connection: object, statement: object, *values: object, **options: object) -> object:
        executed.append(statement)
        return execute(connection, statement, *values, **options)

    return noting
