"""The same input on a calm bus and on one that is late, repeats itself and mixes everything up: it ends in the same state."""

import json
from collections import Counter
from typing import Any, Final

import pytest

from tests.e2e.process import BANK, Client, running
from tests.e2e.scene import WHY, Scene

CUSTOMERS: Final = 120
ROUNDS: Final = 6
CLOCK: Final = "2026-03-10T12:00:00Z"


@pytest.fixture(scope="module")
def calm() -> dict[str, Any]:
    """What it comes to when every event comes once and in order."""
    return _state_after_all()


@pytest.mark.parametrize("bus", ["embedded", "kafka"])
def test_ends_in_the_same_state(calm: dict[str, Any], bus: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if bus == "kafka":
        request.getfixturevalue("kafka")  # tells where the machine can't have one
        monkeypatch.delenv("CLO_KAFKA_BOOTSTRAP", raising=False)
    assert len(calm["redemptions"]) > CUSTOMERS
    assert _state_after_all("--bus", bus, "--chaos", "7") == calm


def _state_after_all(*options: str) -> dict[str, Any]:
    with running("--simulated-from", CLOCK, *options) as client:
        return _live(client, Scene(client, "same"))


def _live(client: Client, scene: Scene) -> dict[str, Any]:
    """A campaign whose events tread on each other's heels; only opt-outs keep their place: after the launch, before the holds end."""
    campaign_id = scene.campaign()
    customers = scene.customers(CUSTOMERS)
    segment_id = client.post("/v1/segments", {"name": "All", "kind": "list", "customers": customers})["segment_id"]
    purchases = [scene.purchase(customer, amount=700 + 100 * turn) for turn in range(ROUNDS) for customer in customers]
    cumulative = {"qualification": {"kind": "cumulative_spend", "threshold": 2500}, "reward": {"kind": "percent", "basis_points": 500}}
    offers = {
        "launched": scene.offer(campaign_id, audience={"segments_in": [segment_id]}, repeat=True),
        "given": scene.offer(campaign_id, **cumulative, activation="required", hold_days=2),  # paid when all has arrived
        "held": scene.offer(campaign_id, hold_days=3),
    }
    scene.buy(*purchases[: CUSTOMERS // 2])
    for turn in range(ROUNDS):
        grants = scene.grant(offers["given"], customers[turn::ROUNDS])
        scene.grant(offers["held"], customers[turn::ROUNDS])
        scene.buy(*purchases[turn * CUSTOMERS : (turn + 1) * CUSTOMERS], key=f"round {turn}")
        for customer, grant_id in list(grants.items())[::2]:
            client.post(f"/v1/customers/{customer}/offers/{grant_id}/activate", {"at": "2026-03-05T00:00:00Z"})
        _show(client, offers, customers, turn)
    client.wait_until_idle()  # who leaves before the launch is over gets no grant
    leaving = [{"customer_id": one, "consent": False, "consent_at": "2026-03-08T00:00:00Z"} for one in customers[:20]]
    client.post("/v1/customers", {"customers": leaving}, who=BANK)
    client.wait_until_idle()  # who leaves after a hold is over has been paid
    client.post("/local/clock", {"now": "2026-03-14T12:00:00Z"})
    client.wait_until_idle()
    client.post(f"/v1/campaigns/{campaign_id}/pause", WHY)
    return _state(client, scene, campaign_id, offers)


def _show(client: Client, offers: dict[str, str], customers: list[str], turn: int) -> None:
    shown = [
        {"impression_id": f"{turn}-{name}-{one}", "kind": "served", "customer_id": one, "offer_id": offer_id, "channel": "in_app"}
        | {"placement": "top", "at": "2026-03-10T12:00:00Z"}
        for name, offer_id in offers.items()
        for one in customers[turn::3]
    ]
    assert client.post("/v1/impressions", {"impressions": shown}, who=BANK)["accepted"] == len(shown)


def _state(client: Client, scene: Scene, campaign_id: str, offers: dict[str, str]) -> dict[str, Any]:
    """All that a stranger can see of it, without the ids and moments that differ from run to run."""
    name_of = {offer_id: name for name, offer_id in offers.items()}
    redemptions = scene.redemptions(campaign_id=campaign_id)
    paid = Counter(
        {
            credit["credit_id"]: credit["amount_minor"]
            for event in client.topic("clo.statement-credits")
            for credit in event["data"]["credits"]
        }
    )
    report = client.get(f"/v1/campaigns/{campaign_id}/report")
    assert client.platform.clo("ledger", "verify").returncode == 0
    assert paid.total() == report["budget"]["paid_minor"] == sum(r["paid_minor"] for r in redemptions)
    return {
        "redemptions": sorted(
            (r["customer_id"], name_of[r["offer_id"]], r["completion"], r["transaction_id"], r["state"], r["reward_minor"], r["paid_minor"])
            for r in redemptions
            if r["wanted_minor"]
        ),
        "spent": scene.spent(campaign_id),
        "paid": paid.total(),
        "funnels": sorted(json.dumps(offer | {"offer_id": name_of[offer["offer_id"]]}) for offer in report["offers"]),
        "channels": report["channels"],
        "rollouts": sorted(event["data"]["channel"] for event in client.topic("clo.rollouts")),
    }
