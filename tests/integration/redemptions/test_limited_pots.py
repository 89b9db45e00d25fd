"""Limited pots of an offer over the database: what purchases, their corrections and refunds take of them, in turn and at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Barrier
from typing import Any, Final
from uuid import UUID

import pytest

from events.payloads import Transaction
from shared.kernel.shards import shard_of
from tests.conftest import NOW, SHARDS, MakeCall
from tests.world import World, purchase

TEN_PERCENT: Final = {"reward": {"kind": "percent", "basis_points": 1_000}, "repeat": True}
WINDOW: Final = {"start": "2025-11-02", "end": "2026-12-30", "zone": "America/New_York"}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PATIENCE_SECONDS: Final = 30
ROUNDS: Final = 10
ELSEWHERE: Final[dict[str, dict[str, Any]]] = {
    "budget_per_day": {"at": NOW - DAY},
    "budget_per_month": {"at": NOW - 15 * DAY},
    "budget_per_merchant": {"merchant_id": "shop-2"},
    "reward_per_account": {"card": "k2"},
}
"""For each limit, what puts a purchase into another pot."""
REASONS: Final = {
    "budget_per_day": "day_budget_exhausted",
    "budget_per_month": "month_budget_exhausted",
    "budget_per_merchant": "merchant_budget_exhausted",
    "reward_per_account": "account_limit_reached",
}
each_limit = pytest.mark.parametrize("limit", list(REASONS))


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


def give(world: World, *customers: str, limits: dict[str, int] | None = None, zone: str = "America/New_York") -> UUID:
    """Ten per cent of every purchase of ten dollars or more, all year, within limits."""
    campaign = world.campaign(start="2025-11-01", end="2026-12-31")
    offer = world.offer(campaign, **TEN_PERCENT, limits=limits or {}, window=WINDOW | {"zone": zone})
    world.grant(offer, *customers, at=datetime(2025, 11, 1, tzinfo=UTC))
    world.cards(
        *(
            {"card_token": f"{card}-{name}", "customer_id": name, "account_token": f"of-{card}"}
            for name in customers
            for card in ("k1", "k2")
        )
    )
    return offer


def bought(name: str, customer: str = "cust-1", *, card: str = "k1", **values: Any) -> Transaction:
    """A purchase with one of the customer's two cards; each is of an account that all customers share."""
    return purchase(name, customer, card_token=f"{card}-{customer}", **values)


def refund(of: str, amount: int, customer: str = "cust-1") -> Transaction:
    return purchase(f"r-{of}", customer, kind="refund", amount=amount, at=NOW + HOUR, original_transaction_id=of)


def outcome(world: World) -> dict[str, tuple[int, str | None]]:
    """Reward and reason of each purchase's redemption."""
    return {row["transaction_id"]: (row["reward_minor"], row["reason"]) for row in world.redemptions()}


@each_limit
def test_purchases_empty_a_pot_to_the_last_cent_and_no_further(world: World, limit: str) -> None:
    give(world, "cust-1", limits={limit: 500})
    world.post(bought("t1", amount=3_000))
    world.post(bought("t2", amount=2_010))
    world.post(bought("t3", amount=2_000))
    world.post(bought("t4", amount=5_000, **ELSEWHERE[limit]))
    assert outcome(world) == {"t1": (300, None), "t2": (0, REASONS[limit]), "t3": (200, None), "t4": (500, None)}
    world.verify()


@each_limit
def test_exhausted_in_the_middle_of_a_batch_it_admits_a_prefix_and_refuses_the_rest(world: World, limit: str) -> None:
    give(world, "cust-1", limits={limit: 500})
    world.post(*(bought(f"t{n}", amount=amount, at=NOW + n * HOUR) for n, amount in enumerate([2_000, 2_000, 2_000, 1_000])))
    assert [row[0] for row in outcome(world).values()] == [200, 200, 0, 0]
    assert [row[1] for row in outcome(world).values()] == [None, None, REASONS[limit], REASONS[limit]]
    world.verify()


@each_limit
def test_a_refund_gives_back_to_the_pot(world: World, limit: str) -> None:
    give(world, "cust-1", limits={limit: 500})
    world.post(bought("t1", amount=5_000))
    world.post(refund("t1", 2_000))
    world.post(bought("t2", amount=2_000))
    world.post(bought("t3", amount=1_000))
    assert outcome(world) == {"t1": (300, None), "t2": (200, None), "t3": (0, REASONS[limit])}
    world.verify()


@each_limit
def test_a_purchase_that_its_clearing_puts_elsewhere_is_held_to_the_pot_of_there(world: World, limit: str) -> None:
    give(world, "cust-1", limits={limit: 500})
    elsewhere = ELSEWHERE[limit]
    world.post(bought("t1", amount=3_000, **elsewhere))
    world.post(bought("t2", kind="authorization", amount=3_000), bought("t3", kind="authorization", amount=2_000))
    assert outcome(world) == {"t1": (300, None), "t2": (300, None), "t3": (200, None)}
    world.post(bought("t2", kind="clearing", amount=3_000, **elsewhere))
    assert outcome(world) == {"t1": (300, None), "t2": (0, REASONS[limit]), "t3": (200, None)}
    world.post(bought("t3", kind="clearing", amount=2_000, **elsewhere), bought("t4", amount=5_000))
    assert outcome(world) == {"t1": (300, None), "t2": (0, REASONS[limit]), "t3": (200, None), "t4": (500, None)}
    world.verify()


@each_limit
def test_a_limit_that_a_later_version_brings_counts_what_was_given_before(world: World, limit: str) -> None:
    offer = give(world, "cust-1")
    world.post(bought("t1", amount=3_000), bought("t2", amount=3_000, **ELSEWHERE[limit]))
    world.revise(offer, **TEN_PERCENT, limits={limit: 500}, window=WINDOW)
    world.post(bought("t3", amount=2_010))
    world.post(bought("t4", amount=2_000))
    assert outcome(world) == {"t1": (300, None), "t2": (300, None), "t3": (0, REASONS[limit]), "t4": (200, None)}
    world.verify()


@pytest.mark.parametrize(
    ("zone", "first", "second", "apart"),
    [
        ("UTC", "2026-01-10T23:59:59.999999+00:00", "2026-01-11T00:00:00+00:00", True),
        ("America/New_York", "2026-01-10T23:59:59.999999+00:00", "2026-01-11T00:00:00+00:00", False),
        ("America/New_York", "2026-01-11T04:59:59.999999+00:00", "2026-01-11T05:00:00+00:00", True),
        ("America/New_York", "2026-03-08T05:00:00+00:00", "2026-03-09T03:59:59.999999+00:00", False),  # a day of 23 hours
        ("America/New_York", "2026-03-08T05:00:00+00:00", "2026-03-09T04:00:00+00:00", True),
        ("America/New_York", "2026-11-01T04:00:00+00:00", "2026-11-02T04:59:59.999999+00:00", False),  # a day of 25 hours
        ("America/New_York", "2026-11-01T04:00:00+00:00", "2026-11-02T05:00:00+00:00", True),
    ],
)
def test_a_day_ends_at_midnight_on_the_windows_clock(world: World, zone: str, first: str, second: str, apart: bool) -> None:  # noqa: FBT001
    give(world, "cust-1", zone=zone, limits={"budget_per_day": 300})
    for name, at in (("t1", first), ("t2", second)):
        world.post(bought(name, amount=3_000, at=datetime.fromisoformat(at)))
    assert outcome(world)["t2"] == ((300, None) if apart else (0, "day_budget_exhausted"))


def test_days_are_read_on_the_clock_of_the_first_version_whatever_a_later_one_says(world: World) -> None:
    offer = give(world, "cust-1", limits={"budget_per_day": 500}, zone="UTC")
    night, noon = datetime(2026, 1, 10, 2, tzinfo=UTC), datetime(2026, 1, 9, 15, tzinfo=UTC)  # of one day in New York
    world.post(bought("t1", amount=3_000, at=night), bought("t2", amount=1_000, at=noon))
    world.revise(offer, **TEN_PERCENT, limits={"budget_per_day": 500}, window=WINDOW)
    world.post(refund("t1", 3_000))
    world.post(bought("t3", amount=5_000, at=night), bought("t4", amount=4_000, at=noon))
    assert outcome(world) == {"t1": (0, "refunded"), "t2": (100, None), "t3": (500, None), "t4": (400, None)}
    world.verify()


@each_limit
def test_two_batches_that_race_for_the_last_cent_never_overspend_it(world: World, limit: str) -> None:
    """Customers of different shards, so that nothing but the pot stands between them."""
    names = [next(f"c{n}" for n in range(1_000) if shard_of(f"c{n}", SHARDS) == shard) for shard in (0, 1)]
    for _ in range(ROUNDS):
        give(world, *names, limits={limit: 500})
    _at_once([partial(world.post, bought(f"t-{name}", name, amount=5_000), key=name) for name in names])
    by_offer: dict[UUID, list[int]] = {}
    for row in world.redemptions():
        by_offer.setdefault(row["offer_id"], []).append(row["reward_minor"])
    assert len(by_offer) == ROUNDS
    assert all(sorted(given) == [0, 500] for given in by_offer.values())
    world.verify()


def _at_once(works: list[Callable[[], object]]) -> None:
    together = Barrier(len(works), timeout=PATIENCE_SECONDS)

    def begin(work: Callable[[], object]) -> None:
        together.wait()
        work()

    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(begin, work) for work in works]:
            done.result(timeout=PATIENCE_SECONDS)
