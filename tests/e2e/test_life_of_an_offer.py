"""An offer from a marketer's draft to cashback on a card, over HTTP only."""

from datetime import timedelta

import httpx

from tests.e2e.process import BANK, CHECKER, MARKETING, Client
from tests.e2e.scene import WHY, Scene

CONTENT = [{"channel": channel, "title": "Two dollars back", "text": "Spend ten dollars."} for channel in ("email", "social", "in_app")]


def test_an_offer_becomes_cashback_on_a_card(client: Client, scene: Scene) -> None:
    campaign_id = scene.campaign(budget="100.00")
    vip, other = scene.customers(1, attributes={"tier": f"gold {scene.name}"})[0], scene.customers(1)[0]
    rule = {"name": "Gold", "kind": "rule", "rule": {"attribute": "tier", "op": "eq", "value": f"gold {scene.name}"}}
    segment_id = client.post("/v1/segments", rule)["segment_id"]
    estimate = client.post("/v1/segments/estimate", {"segments_in": [segment_id]})
    assert (estimate["customers"], estimate["grants"]) == (1, 1)

    offer_id = scene.offer(campaign_id, audience={"segments_in": [segment_id]}, activation="required", content=CONTENT)
    client.wait_until_idle()
    assert client.get(f"/v1/campaigns/{campaign_id}")["state"] == "live"
    assert client.get(f"/v1/offers/{offer_id}")["state"] == "live"
    wallet = client.get(f"/v1/customers/{vip}/offers")["offers"]
    assert [(offer["offer_id"], offer["state"], offer["activation"]) for offer in wallet] == [(offer_id, "granted", "required")]
    assert client.get(f"/v1/customers/{other}/offers")["offers"] == []
    rollouts = [event["data"] for event in client.topic("clo.rollouts") if event["data"]["offer_id"] == offer_id]
    assert {(rollout["channel"], rollout["grants"]) for rollout in rollouts} == {("email", 1), ("social", 1), ("in_app", 1)}
    assert len(rollouts) == 3

    now = wallet[0]["granted_at"]
    shown = {"customer_id": vip, "offer_id": offer_id, "channel": "email", "placement": "top", "at": now}
    served = {"impressions": [{"impression_id": scene.fresh("imp"), "kind": kind, **shown} for kind in ("served", "viewed")]}
    for _ in range(2):
        assert client.post("/v1/impressions", served, who=BANK)["accepted"] == 2

    purchase = scene.purchase(vip, at=now)
    asked = {"customer_id": vip, "offer_id": offer_id, "purchase": {k: v for k, v in purchase.items() if k != "customer_id"}}
    before = client.post("/v1/eligibility", asked)["verdicts"][0]
    assert (before["eligible"], [reason["code"] for reason in before["reasons"]]) == (False, ["not_activated"])
    activated = client.post(f"/v1/customers/{vip}/offers/{wallet[0]['grant_id']}/activate", {"at": now})
    assert activated["grant_id"] == wallet[0]["grant_id"]
    after = client.post("/v1/eligibility", asked)["verdicts"][0]
    assert (after["eligible"], after["reward_minor"]) == (True, 200)
    assert [rule["rule"] for rule in after["rules"] if not rule["passed"]] == []

    scene.buy(purchase, scene.purchase(vip, at=now, amount="9.99"), scene.purchase(other, at=now))
    redemptions = scene.redemptions(campaign_id=campaign_id)
    assert [(r["transaction_id"], r["state"], r["reward_minor"], r["paid_minor"]) for r in redemptions] == [
        (purchase["transaction_id"], "payable", 200, 200)
    ]
    credited = [credit for event in client.topic("clo.statement-credits") for credit in event["data"]["credits"]]
    [credit] = [credit for credit in credited if credit["customer_id"] == vip]
    assert credit["amount_minor"] == 200
    result = {"credit_id": credit["credit_id"], "result": "paid", "at": now, "amount": 200, "currency": "USD"}
    assert client.post("/v1/payouts/results", {"results": [result]})["accepted"] == 1
    assert [r["state"] for r in scene.redemptions(campaign_id=campaign_id)] == ["paid"]
    assert scene.spent(campaign_id) == 200
    report = client.get(f"/v1/campaigns/{campaign_id}/report")
    funnel = {step: report["funnel"][step] for step in ("granted", "served", "viewed", "activated", "purchased", "redeemed", "paid")}
    assert funnel == dict.fromkeys(funnel, 1)
    assert report["budget"]["paid_minor"] == 200


def test_nobody_decides_on_what_they_asked_for_themselves(client: Client, scene: Scene) -> None:
    campaign_id = scene.draft()
    client.post(f"/v1/campaigns/{campaign_id}/budget-requests", {"amount": 5000, "reason": "Plan"})
    for action in ("approve", "reject"):
        assert _refused(client, f"/v1/campaigns/{campaign_id}/{action}") == "self_approval"
    assert client.get(f"/v1/campaigns/{campaign_id}")["state"] == "budget_requested"

    client.post(f"/v1/campaigns/{campaign_id}/approve", WHY, who=CHECKER)
    client.post(f"/v1/campaigns/{campaign_id}/budget-requests", {"amount": 5000, "reason": "More"}, who=CHECKER)
    assert _refused(client, f"/v1/campaigns/{campaign_id}/approve", who=CHECKER) == "self_approval"

    offer_id = client.post("/v1/offers", {"campaign_id": campaign_id, "name": "Mine", "terms": scene.terms()})["offer_id"]
    client.post(f"/v1/offers/{offer_id}/submit", WHY, who="sub.mitter")
    for who in (MARKETING, "sub.mitter"):
        for action in ("approve", "request-changes", "reject"):
            assert _refused(client, f"/v1/offers/{offer_id}/{action}", who=who) == "self_approval"
    assert client.get(f"/v1/offers/{offer_id}")["review"] == "in_review"


def test_who_rewrites_an_offer_may_not_approve_the_rewritten(client: Client, scene: Scene) -> None:
    offer_id = scene.offer(scene.campaign())
    version = client.post(f"/v1/offers/{offer_id}/versions", {"terms": scene.terms(repeat=True), "reason": "Mend"}, who=CHECKER)
    assert version["latest_version"] == 2
    client.post(f"/v1/offers/{offer_id}/submit", WHY, who=MARKETING)
    assert _refused(client, f"/v1/offers/{offer_id}/approve", who=CHECKER) == "self_approval"
    assert client.get(f"/v1/offers/{offer_id}")["version_in_force"] == 1
    client.post(f"/v1/offers/{offer_id}/approve", WHY, who="third.person")
    assert client.get(f"/v1/offers/{offer_id}")["version_in_force"] == 2
    assert [d["path"] for d in client.get(f"/v1/offers/{offer_id}/diff")["differences"]] == ["/repeat"]


def test_an_offer_in_review_is_locked(client: Client, scene: Scene) -> None:
    body = {"campaign_id": scene.campaign(), "name": "Locked", "terms": scene.terms()}
    offer_id = client.post("/v1/offers", body)["offer_id"]
    client.post(f"/v1/offers/{offer_id}/submit", WHY)
    response = client.send("POST", f"/v1/offers/{offer_id}/versions", json={"terms": scene.terms(repeat=True)})
    assert response.status_code == httpx.codes.CONFLICT
    client.post(f"/v1/offers/{offer_id}/request-changes", {"reason": "Too generous."}, who=CHECKER)
    client.post(f"/v1/offers/{offer_id}/versions", {"terms": scene.terms(repeat=True)})
    actions = [change["action"] for change in client.get(f"/v1/offers/{offer_id}/history")["history"]]
    assert actions == ["create", "submit", "request_changes", "revise"]


def test_the_same_command_under_its_key_is_carried_out_once(client: Client, scene: Scene) -> None:
    body = {"name": "Once", "objective": "o", "portfolio": scene.name, "currency": "USD", "window": scene.window()}
    answers = [client.send("POST", "/v1/campaigns", key=scene.fresh("key"), json=body) for _ in range(2)]
    assert answers[0].json()["campaign_id"] != answers[1].json()["campaign_id"]

    key = scene.fresh("key")
    first, second = (client.send("POST", "/v1/campaigns", key=key, json=body) for _ in range(2))
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    other = client.send("POST", "/v1/campaigns", key=key, json=body | {"name": "Another"})
    assert (other.status_code, other.json()["type"]) == (409, "urn:clo:problem:idempotency_key_reused")
    somebody_else = client.send("POST", "/v1/campaigns", key=key, json=body | {"name": "Another"}, who=CHECKER)
    assert somebody_else.status_code == httpx.codes.CREATED


def test_a_purchase_is_judged_by_the_pauses_of_its_campaign(client: Client, scene: Scene) -> None:
    campaign_id = scene.campaign()
    offer_id = scene.offer(campaign_id)
    early, late = scene.customers(2)
    scene.grant(offer_id, [early, late])
    client.post(f"/v1/campaigns/{campaign_id}/pause", WHY)
    paused_at = client.get(f"/v1/campaigns/{campaign_id}/history")["history"][-1]["at"]
    scene.buy(scene.purchase(early), scene.purchase(late, at=paused_at))
    assert [r["customer_id"] for r in scene.redemptions(campaign_id=campaign_id)] == [early]
    client.post(f"/v1/campaigns/{campaign_id}/cancel", WHY)
    assert client.get(f"/v1/customers/{late}/offers")["offers"] == []
    scene.buy(scene.purchase(late, at=(scene.now - timedelta(hours=2)).isoformat()))
    assert {r["customer_id"] for r in scene.redemptions(campaign_id=campaign_id)} == {early, late}


def _refused(client: Client, path: str, *, who: str = MARKETING) -> str:
    response = client.send("POST", path, who=who, json=WHY)
    assert response.status_code == httpx.codes.FORBIDDEN, response.text
    return str(response.json()["type"].rpartition(":")[2])


def test_a_card_that_is_told_late_brings_its_purchases_along(client: Client, scene: Scene) -> None:
    campaign_id = scene.campaign(budget="100.00")
    offer_id = scene.offer(campaign_id)
    client.wait_until_idle()
    (customer,) = scene.customers(1)
    scene.grant(offer_id, [customer])
    card, account = scene.fresh("card"), scene.fresh("account")
    purchase = {name: value for name, value in scene.purchase(customer).items() if name != "customer_id"} | {"card_token": card}
    scene.buy(purchase)
    assert scene.redemptions(campaign_id=campaign_id) == []
    waiting = {one["card_token"]: one["reason"] for one in client.pages("/v1/unknown-cards", "cards", limit=1000)}
    assert waiting[card] == "card_unknown"

    client.post("/v1/cards", {"cards": [{"card_token": card, "customer_id": customer, "account_token": account}]}, who=BANK)
    redemptions = scene.redemptions(campaign_id=campaign_id)
    assert [(r["customer_id"], r["state"], r["reward_minor"]) for r in redemptions] == [(customer, "payable", 200)]
    asked = {"offer_id": offer_id, "purchase": purchase}
    assert client.post("/v1/eligibility", asked)["customer_id"] == customer
    assert scene.spent(campaign_id) == 200
