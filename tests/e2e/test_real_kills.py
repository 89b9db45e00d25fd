"""Real kills in the middle of purchases: the platform's process, and PostgreSQL's, without a word of warning.

The same input is worked through twice on one platform, by two campaigns: undisturbed, then with kills. Both must come to the same.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import pytest

from tests.e2e.process import Client, PlatformProcess, running, wait_until
from tests.e2e.scene import Scene

SEED: Final = 9
CUSTOMERS: Final = 40
BATCHES: Final = 36
BATCH: Final = 25
CLIENTS: Final = 4
KILLS: Final = 3
LATEST_SECONDS: Final = 0.05
BACK_SECONDS: Final = 180.0


@pytest.fixture(scope="module")
def own() -> Iterator[Client]:
    """A platform that may be killed."""
    with running() as client:
        yield client


@pytest.fixture(scope="module")
def undisturbed(own: Client) -> dict[str, Any]:
    """What the input comes to when nothing happens."""
    work = Work(Scene(own, "calm"))
    work.run()
    return work.state()


@dataclass
class Work:
    """Purchases and impressions of one campaign, posted in batches by several clients side by side, each until it is answered."""

    scene: Scene
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.campaign_id = self.scene.campaign(budget="100000.00")
        self.customers = self.scene.customers(CUSTOMERS)
        cumulative = {
            "qualification": {"kind": "cumulative_spend", "threshold": "40.00"},
            "reward": {"kind": "percent", "basis_points": 333},
        }
        self.offers = [self.scene.offer(self.campaign_id, repeat=True, **terms) for terms in ({}, cumulative)]
        for offer_id in self.offers:
            self.scene.grant(offer_id, self.customers)
        self.scene.client.wait_until_idle()
        chance = random.Random(SEED)
        self.amounts = [[(chance.randrange(CUSTOMERS), chance.randrange(500, 2500)) for _ in range(BATCH)] for _ in range(BATCHES)]

    def run(self, *, disturb: Callable[[], None] = lambda: None) -> None:
        """Post everything; disturb it some times on the way."""
        chance = random.Random(SEED)
        moments = sorted(chance.sample(range(BATCHES // 10, BATCHES * 9 // 10), KILLS))
        pool = ThreadPoolExecutor(CLIENTS)
        try:
            posted = [pool.submit(self._post, number) for number in range(BATCHES)]
            for moment in moments:
                wait_until(partial(self._has_posted, moment), seconds=BACK_SECONDS, what="batches posted")
                time.sleep(chance.uniform(0, LATEST_SECONDS))
                disturb()
            for batch in posted:
                batch.result()
        finally:
            pool.shutdown(cancel_futures=True)

    def state(self) -> dict[str, Any]:
        """All that it came to, without names."""
        redemptions = self.scene.redemptions(campaign_id=self.campaign_id)
        client = self.scene.client
        verified = client.platform.clo("ledger", "verify")
        assert verified.returncode == 0, verified.stderr
        credited = Counter(
            credit["redemption_id"]
            for event in client.topic("clo.statement-credits")
            for credit in event["data"]["credits"]
            for _ in range(credit["amount_minor"])
        )
        assert {r["redemption_id"]: r["paid_minor"] for r in redemptions} == {
            r["redemption_id"]: credited[r["redemption_id"]] for r in redemptions
        }
        report = client.get(f"/v1/campaigns/{self.campaign_id}/report")
        return {
            "redemptions": sorted(self._plain(r) for r in redemptions),
            "spent": self.scene.spent(self.campaign_id),
            "channels": report["channels"],
            "refused": [r["count"] for r in report["refusals"] if r["reason"] == "amount_below_threshold"],
        }

    def _has_posted(self, batches: int) -> bool:
        return self.done["batches"] >= batches

    def _post(self, number: int) -> None:
        """One batch of purchases and what was shown before them."""
        name = f"{self.scene.name}-{number}"
        at = self.scene.now.replace(microsecond=0).isoformat()
        offer_id = self.offers[number % len(self.offers)]
        impressions = [
            {"impression_id": f"{name}-{place}", "kind": "viewed", "customer_id": self.customers[customer], "offer_id": offer_id}
            | {"channel": "web", "placement": "top", "at": at}
            for place, (customer, _) in enumerate(self.amounts[number])
        ]
        purchases = [
            self.scene.purchase(self.customers[customer], transaction_id=f"{name}-{place}", amount=amount)
            for place, (customer, amount) in enumerate(self.amounts[number])
        ]
        client = self.scene.client
        assert client.post_stubbornly("/v1/impressions", {"impressions": impressions}, key=f"shown {name}")["accepted"] == BATCH
        assert client.post_stubbornly("/v1/transactions", {"transactions": purchases}, key=f"bought {name}")["accepted"] == BATCH
        self.done["batches"] += 1

    def _plain(self, redemption: dict[str, Any]) -> tuple[Any, ...]:
        names = ("state", "wanted_minor", "reward_minor", "paid_minor", "reason")
        return (
            self.customers.index(redemption["customer_id"]),
            self.offers.index(redemption["offer_id"]),
            *(redemption[name].removeprefix(self.scene.name) for name in ("transaction_id", "completion")),
            *(redemption[name] for name in names),
        )


def test_a_killed_platform_loses_and_doubles_nothing(own: Client, undisturbed: dict[str, Any]) -> None:
    def kill_and_start() -> None:
        own.platform.kill()
        own.platform.start()

    work = Work(Scene(own, "platform"))
    work.run(disturb=kill_and_start)
    assert len(undisturbed["redemptions"]) > BATCHES * BATCH // 2
    assert work.state() == undisturbed


def test_a_killed_postgresql_comes_back_by_itself_and_nothing_is_lost_or_doubled(own: Client, undisturbed: dict[str, Any]) -> None:
    work = Work(Scene(own, "postgres"))
    work.run(disturb=lambda: _kill_postgres(own.platform))
    assert work.state() == undisturbed


def test_both_killed_at_once_come_back_with_everything(own: Client, undisturbed: dict[str, Any]) -> None:
    def kill_all_and_start() -> None:
        own.platform.kill_postgres()
        own.platform.kill()
        own.platform.start()

    work = Work(Scene(own, "both"))
    work.run(disturb=kill_all_and_start)
    assert work.state() == undisturbed


def _kill_postgres(platform: PlatformProcess) -> None:
    before = platform.postmaster()
    platform.kill_postgres()
    wait_until(lambda: platform.postmaster() not in (before, 0), seconds=BACK_SECONDS, what=f"PostgreSQL runs again\n{platform.log()}")
