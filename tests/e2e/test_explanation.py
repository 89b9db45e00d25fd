"""Why, at every moment of a purchase's life: asked over HTTP, by its id and by its facts, as known now and as known then."""

import re
from datetime import timedelta
from typing import Any

import httpx

from tests.e2e.process import Client
from tests.e2e.scene import Scene


def test_each_moment_of_a_purchase_is_explained_as_it_was(client: Client, scene: Scene) -> None:
    offer_id, customer, bought = prepared(scene)
    purchase = scene.purchase(customer)
    scene.buy(purchase)
    refused = asked(client, purchase)
    assert told(refused) == (False, ["not_activated"], [])
    assert (refused["on_record"], refused["record"]["differs"]) == (True, False)
    assert refused["record"]["summary"].endswith("the decision is the same.")

    activated_at = (scene.now - timedelta(days=2)).isoformat()
    client.post(f"/v1/customers/{customer}/offers/{bought}/activate", {"at": activated_at})
    earned = asked(client, purchase)
    assert told(earned) == (True, [], ["earned", "instructed"])
    decided = [verdict for verdict in earned["record"]["decided"] if verdict["grant_id"]]  # other offers may be about the shop as well
    assert [verdict["reasons"][0]["code"] for verdict in decided] == ["not_activated"]
    assert [known["what"] for known in earned["record"]["known_since"]] == ["activation"]
    assert earned["record"]["differs"]
    assert re.search(r"earned nothing \([a-z_, ]*not_activated", earned["record"]["summary"])

    back = {"kind": "refund", "transaction_id": scene.fresh("back"), "original_transaction_id": purchase["transaction_id"]}
    scene.buy(scene.purchase(customer, **back))
    refunded = asked(client, purchase)
    assert told(refunded) == (False, ["refunded", "amount_below_threshold", "nothing_to_reward"], ["earned", "instructed", "reversed"])
    assert [known["what"] for known in refunded["record"]["known_since"]] == ["activation", "refund"]
    by_refund = asked(client, back)
    assert by_refund["record"]["events"] == refunded["record"]["events"]

    for before in (refused, earned, refunded):
        assert asked(client, purchase, as_of=before["as_of"]) == before
    thought_of = {name: value for name, value in purchase.items() if name != "customer_id"} | {"transaction_id": "another"}
    by_facts = {"customer_id": customer, "offer_id": offer_id, "purchase": thought_of}
    then = client.post("/v1/eligibility", by_facts | {"as_of": refused["as_of"]})
    assert (told(then), then["on_record"]) == ((False, ["not_activated"], []), False)
    assert told(client.post("/v1/eligibility", by_facts)) == (True, [], [])


def test_messages_that_have_not_come_are_judged_as_if_they_had(client: Client, scene: Scene) -> None:
    _, customer, grant_id = prepared(scene)
    client.post(f"/v1/customers/{customer}/offers/{grant_id}/activate", {"at": (scene.now - timedelta(days=2)).isoformat()})
    purchase = scene.purchase(customer, kind="authorization")
    less = purchase | {"kind": "clearing", "amount": 900}
    assert told(client.post("/v1/eligibility", {"messages": [purchase, less]}))[:2] == (False, ["amount_below_threshold"])
    scene.buy(purchase)
    client.wait_until_idle()
    refund = purchase | {"kind": "refund", "transaction_id": scene.fresh("back"), "original_transaction_id": purchase["transaction_id"]}
    assert told(client.post("/v1/eligibility", {"messages": [refund | {"amount": 100}]}))[:2] == (True, [])
    gone = client.post("/v1/eligibility", {"messages": [refund]})
    assert told(gone)[:2] == (False, ["refunded", "amount_below_threshold", "nothing_to_reward"])
    assert [r["reward_minor"] for r in scene.redemptions(customer_id=customer)] == [200]


def test_what_is_not_on_record_is_said_to_be(client: Client, scene: Scene) -> None:
    prepared(scene)
    (nobody,) = scene.customers(1)
    elsewhere = scene.purchase(nobody, amount=1)
    client.wait_until_idle()
    assert refused_with(client, {"transaction_id": elsewhere["transaction_id"]}) == httpx.codes.NOT_FOUND
    both = {"transaction_id": "t", "purchase": {"at": elsewhere["at"], "currency": "USD", "amount": 1, "merchant_id": "m"}}
    assert refused_with(client, both) == httpx.codes.UNPROCESSABLE_ENTITY
    tomorrow = (scene.now + timedelta(days=1)).isoformat()
    assert refused_with(client, {"transaction_id": "t", "as_of": tomorrow}) == httpx.codes.UNPROCESSABLE_ENTITY
    answer = client.post("/v1/eligibility", {"customer_id": nobody, "purchase": both["purchase"]})
    assert not answer["on_record"]


def test_command_tells_what_became_of_a_purchase(client: Client, scene: Scene) -> None:
    _, customer, _ = prepared(scene)
    purchase = scene.purchase(customer)
    scene.buy(purchase)
    client.wait_until_idle()
    result = client.platform.clo("explain", "--transaction", purchase["transaction_id"], "--url", client.platform.base_url)
    assert result.returncode == 0, result.stderr
    assert "not_activated" in result.stdout
    assert "is on record" in result.stderr


def prepared(scene: Scene) -> tuple[str, str, str]:
    """An offer that asks for an activation, a customer who holds it, and the grant."""
    offer_id = scene.offer(scene.campaign(), activation="required")
    (customer,) = scene.customers(1)
    return offer_id, customer, scene.grant(offer_id, [customer])[customer]


def asked(client: Client, purchase: dict[str, Any], **more: str) -> dict[str, Any]:
    """What is told of a purchase by its id, once all events are delivered."""
    client.wait_until_idle()
    return dict(client.post("/v1/eligibility", {"transaction_id": purchase["transaction_id"], **more}))


def told(answer: dict[str, Any]) -> tuple[bool, list[str], list[str]]:
    """Whether it pays, why not, and what was decided and done of it, of the grant's one verdict."""
    reasons = [reason["code"] for verdict in answer["verdicts"] if verdict["grant_id"] for reason in verdict["reasons"]]
    events = [event["what"] for event in (answer["record"] or {"events": []})["events"]]
    return answer["eligible"], reasons, events


def refused_with(client: Client, question: dict[str, Any]) -> int:
    return client.send("POST", "/v1/eligibility", json=question).status_code
