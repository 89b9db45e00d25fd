"""Another company's loyalty programme run through Clo over HTTP, held row by row against what truly came of it."""

import random
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import pytest

from tests.e2e.loyalty import OFFERS, Completed, Offer, Programme, Received, make_programme, truth
from tests.e2e.scene import MOST, WHY, Scene

SEED: Final = 20_180_726
PERSONS: Final = 300
FEWER: Final = 80
MORE_THAN: Final = {True: ">", False: ">="}


Requests = list[Callable[[], None]]


class Loyalty:
    """The programme as a campaign of Clo: persons are customers, receipts are grants."""

    def __init__(self, scene: Scene, programme: Programme, start: datetime, *, more_than: bool = False, end_counts: bool = True) -> None:
        """Set up customers, the campaign around `start` and its offers."""
        self.scene, self.programme, self.start = scene, programme, start
        self.customers = scene.customers(1 + max(receipt.person for receipt in programme.received))
        window = {"start": _date(start, -1), "end": _date(start, 60), "zone": "UTC"}
        self.campaign_id = scene.draft(window=window)
        scene.fund(self.campaign_id, "1000000.00")
        self._window = window | {"end_inclusive": end_counts}
        self._operator = MORE_THAN[more_than]
        self.offers = {offer.name: scene.offer(self.campaign_id, **self._terms(offer)) for offer in OFFERS}
        scene.client.post(f"/v1/campaigns/{self.campaign_id}/schedule", WHY)
        self.grants: dict[str, Received] = {}

    def work(self) -> tuple[Requests, Requests]:
        """The requests that give the offers, and those that post the purchases, in order of time."""
        receipts = defaultdict(list)
        for receipt in self.programme.received:
            receipts[receipt.hour, receipt.offer].append(receipt)
        purchases = [self._purchase(number) for number in range(len(self.programme.bought))]
        purchases.sort(key=lambda purchase: purchase["at"])
        batches = [purchases[start : start + MOST // 5] for start in range(0, len(purchases), MOST // 5)]
        gifts: Requests = [partial(self._give, receipts[at]) for at in sorted(receipts)]
        return gifts, [partial(self.scene.buy, *batch) for batch in batches]

    def came_true(self) -> set[Completed]:
        """What stands on record; nothing may stand twice."""
        rows = [
            Completed(self.grants[r["grant_id"]], self._hour(r["earned_at"]), r["reward_minor"])
            for r in self.scene.redemptions(campaign_id=self.campaign_id)
            if r["state"] != "reversed" and self._is_consistent(r)
        ]
        assert len(rows) == len(set(rows))
        return set(rows)

    def _give(self, group: list[Received]) -> None:
        persons = {self.customers[receipt.person]: receipt for receipt in group}
        assert len(persons) == len(group)
        made = self.scene.grant(self.offers[group[0].offer], list(persons), self._moment(group[0].hour))
        self.grants |= {grant_id: persons[customer_id] for customer_id, grant_id in made.items()}

    def _purchase(self, number: int) -> dict[str, Any]:
        bought = self.programme.bought[number]
        amount = bought.amount if number % 2 else f"{bought.amount // 100}.{bought.amount % 100:02}"
        return self.scene.purchase(self.customers[bought.person], at=self._moment(bought.hour).isoformat(), amount=amount)

    def _terms(self, offer: Offer) -> dict[str, Any]:
        kind = {"bogo": "single_purchase", "discount": "cumulative_spend"}[offer.kind]
        return {
            "reward": {"kind": "fixed", "amount": offer.reward},
            "qualification": {"kind": kind, "threshold": offer.difficulty, "operator": self._operator},
            "window": self._window | {"life_after_grant": f"P{offer.days}D"},
        }

    def _is_consistent(self, redemption: dict[str, Any]) -> bool:
        """Whoever holds the grant has the redemption, of the grant's offer, and its credit is on its way."""
        receipt = self.grants[redemption["grant_id"]]
        said = [redemption[name] for name in ("customer_id", "offer_id", "state", "paid_minor")]
        expected = [self.customers[receipt.person], self.offers[receipt.offer], "payable", redemption["reward_minor"]]
        assert said == expected
        return True

    def _moment(self, hour: int) -> datetime:
        return self.start + timedelta(hours=hour)

    def _hour(self, moment: str) -> int:
        hours, rest = divmod(datetime.fromisoformat(moment) - self.start, timedelta(hours=1))
        assert not rest
        return hours


def test_ends_as_it_truly_ended_when_it_just_happened(scene: Scene) -> None:
    programme = make_programme(SEED, PERSONS)
    loyalty = Loyalty(scene, programme, scene.now.replace(minute=0, second=0, microsecond=0) - timedelta(days=36))
    gifts, batches = loyalty.work()
    for request in (*gifts, *batches):
        request()
    _agrees(loyalty, truth(programme))


def test_ends_as_it_truly_ended_when_told_long_after_and_in_no_order(scene: Scene) -> None:
    programme = make_programme(SEED + 1, PERSONS)
    chance = random.Random(SEED)
    chance.shuffle(programme.bought)
    loyalty = Loyalty(scene, programme, datetime(2018, 7, 26, tzinfo=UTC))
    gifts, batches = loyalty.work()
    requests = [*gifts, *batches]
    chance.shuffle(requests)
    for request in requests:
        request()
    _agrees(loyalty, truth(programme))


@pytest.mark.parametrize("rules", [{"more_than": True}, {"end_counts": False}])
def test_the_operator_and_the_end_make_the_difference_that_they_should(scene: Scene, rules: dict[str, bool]) -> None:
    programme = make_programme(SEED, FEWER)
    loyalty = Loyalty(scene, programme, datetime(2018, 7, 26, tzinfo=UTC), **rules)
    gifts, batches = loyalty.work()
    for request in (*batches, *gifts):
        request()
    true = truth(programme, **rules)
    assert len(truth(programme) - true) > FEWER // 20
    _agrees(loyalty, true)


def _agrees(loyalty: Loyalty, true: set[Completed]) -> None:
    found = loyalty.came_true()
    assert sorted(found - true) == []
    assert sorted(true - found) == []
    assert len(true) > len(loyalty.customers)
    assert loyalty.scene.spent(loyalty.campaign_id) == sum(completed.reward for completed in true)


def _date(start: datetime, days: int) -> str:
    return (start + timedelta(days=days)).date().isoformat()
