"""A place that is told of after what was bought there: it ends as if the place had been told of before."""

import json
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from events.payloads import PlacesTold, Transaction
from shared.kernel.clock import SimulatedClock
from shared.merchants import service as merchants
from shared.redemptions import completing, service
from shared.redemptions.eligibility_api import EligibilityAsked
from tests.conftest import NOW, MakeCall
from tests.integration.redemptions.asking import Asker, asked
from tests.world import World, purchase

HOUR: Final = timedelta(hours=1)
PLACE: Final = {"location_id": "at-1", "zone": "America/New_York", "country": "US", "region": "NY", "city": "Albany"}
BEYOND: Final = datetime.fromisoformat("2026-01-10T02:00:00-05:00")
"""Two in the morning in New York, seven in UTC."""
ASKS: Final[dict[str, dict[str, Any]]] = {
    "category": {"scope": {"include": {"mccs": ["5411"]}}},
    "country": {"scope": {"include": {"merchants": ["shop-1"], "countries": ["US"]}}},
    "region": {"scope": {"include": {"regions": ["NY"], "merchants": ["shop-1"]}}},
    "brand": {"scope": {"include": {"brands": ["Corner"]}}},
    "zone": {"window": {"start": "2026-01-05", "end": "2026-01-10T03:00", "zone": "UTC", "zone_policy": "merchant"}},
    "nothing": {},
}
"""What offers ask of a place; one asks nothing, so that each purchase is on file."""


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


def told(world: World, *places: dict[str, Any], merchant_id: str = "shop-1", **merchant: Any) -> None:
    sent = {"merchant_id": merchant_id, "name": "Corner", "mcc": "5411", "locations": list(places)} | merchant
    assert merchants.put_merchants(world.call("bank"), json.dumps({"merchants": [sent]}).encode()).accepted == 1


def bought(name: str = "t1", **values: Any) -> Transaction:
    return purchase(name, at=BEYOND, **{"location_id": "at-1"} | values)


def give(world: World, *asks: str) -> dict[str, UUID]:
    campaign = world.campaign()
    offers = {ask: world.offer(campaign, repeat=True, **ASKS[ask]) for ask in asks}
    for offer in offers.values():
        world.grant(offer, "cust-1")
    return offers


def earned(world: World, offers: dict[str, UUID]) -> dict[str, list[str]]:
    standing = [one for one in world.redemptions() if one["reward_minor"]]
    return {ask: [one["transaction_id"] for one in standing if one["offer_id"] == offer] for ask, offer in offers.items()}


@pytest.mark.parametrize("first", ["place", "purchase"])
def test_what_the_place_tells_counts_whenever_it_is_told(world: World, first: str) -> None:
    told(world)
    offers = give(world, *ASKS)
    if first == "purchase":
        world.post(bought())
    told(world, PLACE, brand="Corner")
    if first == "place":
        world.post(bought())
    world.deliver()
    assert earned(world, offers) == {ask: ["t1"] for ask in ASKS}
    (row,) = world.rows("SELECT zone, mcc, country, region, brand, merchant_id FROM transactions")
    assert list(row.values()) == ["America/New_York", "5411", "US", "NY", "Corner", "shop-1"]
    world.verify()


@pytest.mark.parametrize("first", ["place", "purchase"])
def test_a_refund_by_card_finds_the_purchase_of_who_held_the_card_then_by_what_the_place_tells(world: World, first: str) -> None:
    """Where the purchase was made is known by its place alone, and the card has passed on since."""
    world.grant(give(world, "nothing")["nothing"], "ann", "bob")
    named = {"kind": "descriptor", "descriptor": "Corner", "country": "US"}
    told(world, aliases=[named])
    world.cards({"card_token": "k1", "customer_id": "ann"}, {"card_token": "k1", "customer_id": "bob", "valid_from": BEYOND + HOUR})
    sold = bought(customer_id=None, card_token="k1", merchant_id=None, descriptor="Corner")
    refund = purchase("r1", None, kind="refund", card_token="k1", merchant_id="shop-1")
    if first == "purchase":
        world.post(sold, refund)
        world.deliver()
    told(world, PLACE, aliases=[named])
    if first == "place":
        world.post(sold, refund)
    world.deliver()
    found = world.rows("SELECT customer_id, purchase_id, unmatched FROM transactions WHERE kind = 'refund'")
    assert found == [{"customer_id": "ann", "purchase_id": "t1", "unmatched": None}]
    assert [row["reward_minor"] for row in world.redemptions()] in ([], [0])
    world.verify()


def test_a_place_may_be_told_of_bit_by_bit(world: World) -> None:
    told(world)
    offers = give(world, "category", "country", "zone", "nothing")
    world.post(bought())
    seen = []
    for known in ({}, {"country": "US"}, {"country": "US", "zone": "America/New_York"}):
        told(world, {"location_id": "at-1"} | known)
        world.deliver()
        seen.append([ask for ask, ids in earned(world, offers).items() if ids])
    assert seen == [["category", "nothing"], ["category", "country", "nothing"], ["category", "country", "zone", "nothing"]]


def test_what_a_purchase_said_and_what_its_place_told_before_stays(world: World) -> None:
    told(world, PLACE | {"zone": None, "region": None})
    offers = give(world, "category", "nothing")
    world.post(bought("said", mcc="5999", country="CA"), bought("not-said"))
    told(world, PLACE | {"country": "MX", "region": None}, mcc="5812")
    world.deliver()
    told(world, PLACE | {"country": "MX", "region": "QR", "zone": "Asia/Tokyo"}, mcc="5812")
    world.deliver()
    rows = world.rows("SELECT mcc, country, region, zone FROM transactions ORDER BY transaction_id DESC")
    assert [list(row.values()) for row in rows] == [["5999", "CA", "QR", "America/New_York"], ["5411", "US", "QR", "America/New_York"]]
    assert earned(world, offers)["category"] == ["not-said"]


def test_a_purchase_is_matched_to_its_merchant_by_what_its_place_tells(world: World) -> None:
    """An alias that holds in one town only; a refund that names no purchase finds it then."""
    told(world, aliases=[{"kind": "descriptor", "descriptor": "SQ *CORNER 7", "city": "Albany"}])
    offers = give(world, "country", "nothing")
    unnamed: dict[str, Any] = {"merchant_id": None, "descriptor": "SQ *CORNER 7"}
    world.post(bought(**unnamed))
    world.post(purchase("r1", kind="refund", amount=500, at=NOW))
    assert world.rows("SELECT merchant_id, matched_by FROM transactions WHERE kind = 'purchase'") == [
        {"merchant_id": None, "matched_by": "merchant_unknown"}
    ]
    told(world, PLACE, merchant_id="landlord")
    world.deliver()
    assert world.rows("SELECT merchant_id, matched_by, purchase_id FROM transactions ORDER BY kind") == [
        {"merchant_id": "shop-1", "matched_by": "descriptor", "purchase_id": "t1"},
        {"merchant_id": "shop-1", "matched_by": "merchant_id", "purchase_id": "t1"},
    ]
    assert earned(world, offers) == {"country": ["t1"], "nothing": ["t1"]}


def test_it_is_explained_by_what_was_known_then_and_now(world: World, asker: Asker, clock: SimulatedClock) -> None:
    told(world)
    offers = give(world, "category", "nothing")
    world.post(bought())
    clock.advance(NOW + HOUR)
    told(world, PLACE)
    world.deliver()
    clock.advance(NOW + 2 * HOUR)
    answer = asker.one(EligibilityAsked(customer_id="cust-1", offer_id=offers["category"], transaction_id="t1"))
    assert answer.record
    (then,), (now,) = answer.record.decided, answer.verdicts
    assert (then.eligible, [reason.code for reason in then.reasons]) == (False, ["mcc_not_in_scope"])
    assert (now.eligible, now.reward_minor) == (True, 200)
    assert [(one.what, one.told) for one in answer.record.known_since] == [
        ("place", "More was told of the place of the purchase: time zone America/New_York, category 5411, country US, region NY.")
    ]
    thought_of = asked("cust-1", offers["category"], at=BEYOND, location_id="at-1")
    verdicts = [asker.one(thought_of.model_copy(update={"as_of": at})).verdicts[0].eligible for at in (NOW, NOW + 2 * HOUR)]
    assert verdicts == [False, True]


def test_only_what_was_not_known_is_news(world: World) -> None:
    for places in (
        [PLACE],
        [PLACE | {"zone": "UTC", "country": "CA"}],
        [{"location_id": "at-1"}],
        [PLACE, {"location_id": "at-2"}],
        [PLACE],
    ):
        told(world, *places)
    said = world.rows("SELECT payload FROM outbox WHERE type = 'clo.places.told.v1' ORDER BY seq")
    news = [PlacesTold.model_validate_json(bytes(row["payload"])).location_ids for row in said]
    assert news == [["at-1"], ["at-1", "at-2"]]  # what was left out in between was known no more


def test_many_purchases_are_taken_part_by_part_in_as_many_statements(
    world: World, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told(world)
    offers = give(world, "category", "nothing")
    monkeypatch.setattr(completing, "MOST", 3)
    world.post(*(bought(f"t{number}") for number in range(7)))
    told(world, PLACE)
    spent = []
    for after in (None, "t2"):
        before = len(statements)
        service.complete(world.call("redeem_cashback"), PlacesTold(location_ids=["at-1"], after=after))
        spent.append(len(statements) - before)
    assert spent[0] == spent[1]
    world.deliver()
    assert earned(world, offers)["category"] == [f"t{number}" for number in range(7)]
    said = world.rows("SELECT payload FROM outbox WHERE type = 'clo.places.told.v1' ORDER BY seq")
    parts = {PlacesTold.model_validate_json(bytes(row["payload"])).after for row in said}
    assert parts == {None, "t2", "t5"}
