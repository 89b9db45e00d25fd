"""Many clients at the same moment after the last of a budget."""

import threading
from collections import Counter
from typing import Final

import httpx

from tests.e2e.process import BANK, Client
from tests.e2e.scene import Scene

CLIENTS: Final = 50
REWARD: Final = 200
BUDGET: Final = 3_700


def test_fifty_clients_race_for_the_last_of_a_budget(client: Client, scene: Scene) -> None:
    campaign_id = scene.campaign(budget=BUDGET)
    offer_id = scene.offer(campaign_id)
    customers = scene.customers(CLIENTS)
    scene.grant(offer_id, customers)
    purchases = [scene.purchase(customer) for customer in customers]
    client.wait_until_idle()

    statuses = _all_at_once(client, purchases)

    assert statuses == [httpx.codes.MULTI_STATUS] * CLIENTS
    redemptions = scene.redemptions(campaign_id=campaign_id)
    states = Counter((r["state"], r["reason"], r["reward_minor"], r["wanted_minor"]) for r in redemptions)
    admitted = BUDGET // REWARD
    assert states == {("payable", None, REWARD, REWARD): admitted, ("rejected", "budget_exhausted", 0, REWARD): CLIENTS - admitted}
    assert {r["customer_id"] for r in redemptions} == set(customers)
    assert scene.spent(campaign_id) == admitted * REWARD
    report = client.get(f"/v1/campaigns/{campaign_id}/report")
    assert [(r["count"], r["refused_minor"]) for r in report["refusals"] if r["reason"] == "budget_exhausted"] == [
        (CLIENTS - admitted, (CLIENTS - admitted) * REWARD)
    ]
    verified = client.platform.clo("ledger", "verify")
    assert verified.returncode == 0, verified.stderr


def _all_at_once(client: Client, purchases: list[dict[str, object]]) -> list[int]:
    start, statuses = threading.Barrier(len(purchases)), [0] * len(purchases)

    def post(number: int) -> None:
        start.wait()
        body = {"transactions": [purchases[number]]}
        statuses[number] = client.send("POST", "/v1/transactions", who=BANK, key=f"race {number}", json=body).status_code

    threads = [threading.Thread(target=post, args=(number,)) for number in range(len(purchases))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses
