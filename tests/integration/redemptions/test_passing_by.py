"""What is for no offer passes by before anything is made of it; whatever may be for one does not."""

import json
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from events.payloads import FileOrigin, PurchaseSaid, TransactionsPosted
from shared.kernel.shards import shard_of
from shared.merchants import service as merchants
from shared.redemptions import purchases, service
from tests.conftest import NOW, SHARDS, MakeCall
from tests.world import World, basket, purchase

CUP: Final[dict[str, Any]] = {
    "merchant_id": "cup",
    "name": "Blue Cup",
    "brand": "Cups",
    "mcc": "5814",
    "locations": [{"location_id": "l-cup"}],
    "aliases": [{"kind": "acquirer", "merchant_id": "a-cup", "valid_from": (NOW + timedelta(days=1)).isoformat()}],
}
BAR: Final[dict[str, Any]] = {"merchant_id": "bar", "name": "Bar", "mcc": "5813", "locations": [{"location_id": "l-bar"}]}
PAN: Final[dict[str, Any]] = {
    "merchant_id": "pan",
    "name": "Pan",
    "mcc": "5812",
    "aliases": [
        {"kind": "descriptor", "descriptor": "PAN BAKERY", "mcc": "5812"},
        {"kind": "network", "network": "visa", "network_merchant_id": "n-pan"},
    ],
}
SCOPES: Final[dict[str, dict[str, list[str]]]] = {
    "a merchant": {"merchants": ["pan"]},
    "a brand": {"brands": ["Cups"]},
    "a place": {"locations": ["l-9"]},
    "an id of a network": {"network_merchant_ids": ["n-9"]},
    "a category": {"mccs": ["5400-5410", "5813"]},
    "a product": {"products": ["p-9"]},
}
SAID: Final[dict[str, tuple[set[str], dict[str, Any]]]] = {
    "its merchant's id": ({"a merchant"}, {"merchant_id": "pan"}),
    "a network's id of its merchant": ({"a merchant"}, {"merchant_id": None, "network_merchant_id": "n-pan"}),
    "what the statement calls its merchant": ({"a merchant"}, {"merchant_id": None, "descriptor": "Pan Bakery 0042", "mcc": "5812"}),
    "a merchant of the brand": ({"a brand"}, {"merchant_id": "cup", "mcc": "5999"}),
    "its place, which tells its brand": ({"a brand"}, {"merchant_id": "x", "location_id": "l-cup"}),
    "its place, which tells its category": ({"a category"}, {"merchant_id": "x", "location_id": "l-bar"}),
    "its place": ({"a place"}, {"location_id": "l-9"}),
    "the network's id": ({"an id of a network"}, {"network_merchant_id": "n-9"}),
    "its category": ({"a category"}, {"mcc": "5402"}),
    "what was bought": ({"a product"}, {"items": basket(("p-1", 500), ("p-9", 1000))}),
    "nothing of the kind": (set(), {"mcc": "5999", "location_id": "l-1", "network_merchant_id": "n-1", "items": basket(("p-1", 1500))}),
}


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


@pytest.fixture
def offer(world: World) -> UUID:
    """Of each purchase at the shop ten per cent."""
    offer = world.offer(
        world.campaign(), scope={"include": {"merchants": ["shop-1"]}}, reward={"kind": "percent", "basis_points": 1000}, repeat=True
    )
    world.grant(offer, "cust-1")
    return offer


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The messages of which anything was made, by their transaction ids."""
    seen: list[str] = []
    purchase_of = purchases.purchase_of

    def seeing(said: PurchaseSaid, *others: Any, **named: Any) -> object:
        seen.append(said.transaction_id)
        return purchase_of(said, *others, **named)

    monkeypatch.setattr(purchases, "purchase_of", seeing)
    return seen


def earned(world: World) -> dict[str, int]:
    return {row["transaction_id"]: row["reward_minor"] for row in world.redemptions() if row["reward_minor"]}


def on_file(world: World) -> list[str]:
    return [row["transaction_id"] for row in world.rows("SELECT transaction_id FROM transactions ORDER BY transaction_id, kind")]


def test_no_purchase_passes_by_that_may_be_for_an_offer_by_any_of_its_codes(world: World, looked_at: list[str]) -> None:
    assert merchants.put_merchants(world.call(), json.dumps({"merchants": [BAR, CUP, PAN]}).encode()).rejected == []
    campaign = world.campaign(budget=1_000_000)
    offers = {world.offer(campaign, scope={"include": include}, repeat=True): name for name, include in SCOPES.items()}
    for offer in offers:
        world.grant(offer, "cust-1")
    world.post(*(purchase(f"t{number}", **said) for number, (_, said) in enumerate(SAID.values())))
    found: dict[str, set[str]] = {f"t{number}": set() for number in range(len(SAID))}
    for row in world.redemptions("transaction_id, offer_id"):
        found[row["transaction_id"]].add(offers[row["offer_id"]])
    assert dict(zip(SAID, found.values(), strict=True)) == {name: wanted for name, (wanted, _) in SAID.items()}
    assert looked_at == [f"t{number}" for number in range(len(SAID) - 1)]
    world.verify()


@pytest.mark.usefixtures("offer")
def test_nothing_is_made_of_what_is_for_no_offer(world: World, looked_at: list[str]) -> None:
    world.post(
        purchase("t1", merchant_id="other"),
        purchase("t2"),
        purchase("t3", kind="authorization", merchant_id="other"),
        purchase("t3", kind="clearing", merchant_id="other"),
    )
    assert (looked_at, on_file(world), earned(world)) == (["t2"], ["t2"], {"t2": 150})
    world.verify()


@pytest.mark.usefixtures("offer")
def test_whatever_an_offer_without_codes_may_be_for_is_looked_at(world: World, looked_at: list[str]) -> None:
    world.grant(world.offer(world.campaign(name="Web"), scope={"include": {"channels": ["online"]}}), "cust-1")
    world.post(purchase("t1", merchant_id="other"), purchase("t2", merchant_id="other", channel="online"))
    assert (looked_at, earned(world)) == (["t1", "t2"], {"t2": 200})


@pytest.mark.usefixtures("offer")
@pytest.mark.parametrize("batches", [[(0, 1)], [(1, 0)], [(0,), (1,)]], ids=str)
def test_what_clears_elsewhere_is_still_of_the_purchase_that_was_authorised_here(world: World, batches: list[tuple[int, ...]]) -> None:
    life = [purchase("t1", kind="authorization"), purchase("t1", kind="clearing", amount=2500, merchant_id="other")]
    for batch in batches:
        world.post(*(life[number] for number in batch))
    assert (on_file(world), earned(world)) == (["t1", "t1"], {})
    world.verify()


@pytest.mark.usefixtures("offer")
def test_a_purchase_of_nobody_yet_waits_wherever_it_was_made(world: World) -> None:
    world.post(purchase("t1", None, card_token="card-1", merchant_id="other"))
    assert on_file(world) == ["t1"]


@pytest.mark.usefixtures("offer")
def test_refunds_are_kept_wherever_they_were_given(world: World) -> None:
    world.post(purchase("r1", kind="refund", original_transaction_id="t1", amount=500, merchant_id="other"))
    world.post(purchase("t1"))
    assert earned(world) == {"t1": 100}


@pytest.mark.usefixtures("offer")
def test_a_later_revision_of_a_file_tells_otherwise_what_it_told_of_an_offer(world: World) -> None:
    world.post(purchase("t1"), file=FileOrigin(file_id="file-1", revision=1))
    world.post(purchase("t1", merchant_id="other"), file=FileOrigin(file_id="file-1", revision=2))
    assert earned(world) == {}
    world.verify()


@pytest.mark.usefixtures("offer")
def test_what_was_sent_to_another_shard_goes_on_to_its_own(world: World) -> None:
    own = shard_of("cust-1", SHARDS)
    sent = TransactionsPosted(shard=(own + 1) % SHARDS, transactions=[purchase("t1", merchant_id="other")])
    service.redeem(world.call("redeem_cashback", key="e1"), sent)
    (event,) = world.rows("SELECT payload FROM outbox WHERE type LIKE '%%transactions.posted%%'")
    assert json.loads(bytes(event["payload"]))["shard"] == own
