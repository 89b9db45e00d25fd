"""Merchants, redemptions and statement credits: what of them is new or changed, and what was sent before and is as it was."""

import json
from datetime import timedelta

import pytest

from shared.exports import service, store, writing
from shared.kernel.clock import SimulatedClock
from shared.kernel.ids import REDEMPTION
from shared.merchants import service as merchants
from shared.reconciliation.service import put_partner_redemptions
from tests.integration.exports.office import Office, feed, partner
from tests.world import World, purchase

SHOPS = """{"merchants": [
    {"merchant_id": "shop-1", "name": "Blue Cup", "mcc": "5812",
     "locations": [{"location_id": "l-1", "city": "Rome"}, {"location_id": "l-2", "city": "Oslo"}]},
    {"merchant_id": "shop-2", "name": "%s", "mcc": "5411"}]}"""


def shops(office: Office, name: str = "Green Leaf") -> None:
    merchants.put_merchants(office.call(), (SHOPS % name).encode())


def test_merchants_leave_with_their_places_and_again_only_when_changed(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "PAGE", 1)
    shops(office)
    first = office.send("merchants")
    told = [(row["merchant_id"], row["location_id"], row["city"], row["name"]) for row in office.rows(first)]
    assert told == [("shop-1", "l-1", "Rome", "Blue Cup"), ("shop-1", "l-2", "Oslo", "Blue Cup"), ("shop-2", "", "", "Green Leaf")]
    assert (first.withheld, office.manifest(first)["sums"]) == ({}, {})
    office.answer(first)
    shops(office)  # told again as it was
    nothing = office.send("merchants")
    assert office.ids(nothing) == []
    office.answer(nothing)
    shops(office, "Greener Leaf")
    changed = office.send("merchants")
    assert [(row["merchant_id"], row["name"]) for row in office.rows(changed)] == [("shop-2", "Greener Leaf")]
    office.answer(changed)
    assert office.ids(office.send("merchants", scope="full")) == ["shop-1", "shop-1", "shop-2"]


@pytest.fixture
def world(office: Office) -> World:
    """Two customers with a redemption each, that is held for five days; one of them has no consent any more."""
    world = World(office.make)
    world.grant(world.offer(world.campaign(), hold_days=5), "cust-1", "cust-2")
    world.post(purchase("t1", "cust-1"), purchase("t2", "cust-2"))
    office.customers("cust-2", consent=False)
    office.run()
    return world


def pay(office: Office, world: World, clock: SimulatedClock) -> None:
    """Let what is held be paid."""
    clock.advance(clock.now() + timedelta(days=6))
    world.tick()
    office.run()


def test_redemptions_leave_as_they_stand_and_again_when_they_move(office: Office, world: World, clock: SimulatedClock) -> None:
    first = office.send("redemptions")
    [row] = office.rows(first)
    customer = office.tokens().one("cust-1", "customer")
    assert (row["customer_id"], row["transaction_id"], row["reward"], row["paid"], row["state"]) == (customer, "t1", "200", "0", "held")
    assert (first.withheld, office.manifest(first)["sums"]) == ({"no consent, or never to be targeted": 1}, {"USD": "200"})
    office.answer(first)
    second = office.send("redemptions")
    assert office.ids(second) == []
    office.answer(second)
    pay(office, world, clock)
    [row] = office.rows(office.send("redemptions"))
    assert (row["transaction_id"], row["instructed"], row["paid"], row["state"]) == ("t1", "200", "0", "payable")


def test_statement_credits_leave_once_with_the_ids_of_the_bank_whoever_consents(
    office: Office, world: World, clock: SimulatedClock
) -> None:
    first = office.send("credits", to="cards")
    assert office.ids(first) == []
    office.answer(first)
    pay(office, world, clock)
    credits_sent = office.send("credits", to="cards")
    assert sorted((row["customer_id"], row["amount"]) for row in office.rows(credits_sent)) == [("cust-1", "200"), ("cust-2", "200")]
    assert (office.manifest(credits_sent)["sums"], "token_key" in office.manifest(credits_sent)) == ({"USD": "400"}, False)
    office.answer(credits_sent)
    assert office.ids(office.send("credits", to="cards")) == []


def test_what_moves_after_an_export_was_settled_is_in_it_as_it_was_and_in_the_next_as_it_is(
    office: Office, world: World, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = writing.write_part
    moved: list[bool] = []

    def pays_before(*told: object) -> None:
        if not moved:
            moved.append(True)
            clock.advance(clock.now() + timedelta(days=6))
            world.tick()
        work(*told)  # type: ignore[arg-type]

    monkeypatch.setattr(service, "write_part", pays_before)
    first = office.send("redemptions")
    assert [row["state"] for row in office.rows(first)] == ["held"]
    office.answer(first)
    assert [row["state"] for row in office.rows(office.send("redemptions"))] == ["payable"]


def test_breaks_of_a_reconciliation_leave_with_signs_and_again_when_they_change(office: Office, world: World) -> None:
    office.partners(partner(feeds=[feed("reconciliation", "partner-reconciliation-csv")]))
    [held, _] = world.redemptions()

    def told(amount: int) -> None:
        line = {"reference": "r1", "redemption_id": REDEMPTION.render(held["redemption_id"]), "currency": "USD", "amount": amount}
        raw = json.dumps({"lines": [line | {"at": f"2026-01-15T12:00:0{amount % 9}Z"}]}).encode()
        assert put_partner_redemptions(office.call(), "agg-one", raw).rejected == []

    told(150)
    first = office.send("reconciliation")
    [row] = [row for row in office.rows(first) if row["kind"] == "amount"]
    assert (row["record"], row["ours"], row["theirs"], row["difference"]) == ("partner", "200", "150", "-50")
    office.answer(first)
    again = office.send("reconciliation")
    assert office.ids(again) == []
    office.answer(again)
    told(152)
    assert [row["theirs"] for row in office.rows(office.send("reconciliation"))] == ["152"]
