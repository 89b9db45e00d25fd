"""A tick: what is due happens, once, and all of it in one transaction."""

import os
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from events.payloads import ScheduleTicked
from shared.campaigns import service as campaigns
from shared.files.stores.folder import DRAFTS
from shared.kernel.clock import SimulatedClock, SystemClock
from shared.platform.call import FilePlaces, Replayed
from shared.redemptions import payout
from shared.schedule.service import MOST_ROUNDS, run_schedule
from tests.conftest import NOW, MakeCall
from tests.world import World, purchase


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


def tick(call: MakeCall, clock: SimulatedClock, key: str | None = None) -> None:
    run_schedule(call("run_schedule", key=key), ScheduleTicked(at=clock.now()))


def states(world: World) -> dict[str, str]:
    return {row["name"]: row["state"] for row in world.rows("SELECT name, state FROM campaigns")}


def emitted(world: World) -> Counter[str]:
    return Counter(row["type"] for row in world.rows("SELECT type FROM outbox"))


def test_campaigns_start_and_end_by_the_clock(call: MakeCall, world: World, clock: SimulatedClock) -> None:
    world.campaign(name="Running", start="2026-01-01", end="2026-01-31")
    world.campaign(name="Later", start="2026-02-01", end="2026-02-28")
    assert states(world) == {"Running": "live", "Later": "scheduled"}

    clock.advance(datetime(2026, 2, 1, 4, 59, tzinfo=UTC))
    tick(call, clock)
    assert states(world) == {"Running": "live", "Later": "scheduled"}

    clock.advance(datetime(2026, 2, 1, 5, 0, tzinfo=UTC))
    tick(call, clock)
    assert states(world) == {"Running": "ended", "Later": "live"}


def test_moves_more_campaigns_than_go_in_one_round(
    call: MakeCall, world: World, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaigns, "MOST_DUE", 2)
    for number in range(5):
        world.campaign(name=f"Campaign {number}")

    clock.advance(NOW + timedelta(days=60))
    tick(call, clock)

    assert set(states(world).values()) == {"ended"}


def test_rounds_are_bounded(monkeypatch: pytest.MonkeyPatch, call: MakeCall, clock: SimulatedClock) -> None:
    rounds = iter(range(1, 1_000))
    monkeypatch.setattr(campaigns, "move_due_campaigns", lambda tx: next(rounds))

    tick(call, clock)

    assert next(rounds) == MOST_ROUNDS + 1


def test_payouts_go_out_when_the_hold_is_over(call: MakeCall, world: World, clock: SimulatedClock) -> None:
    campaign_id = world.campaign()
    world.grant(world.offer(campaign_id, hold_days=3), "a")
    world.post(purchase("t1", "a"))

    tick(call, clock)
    assert emitted(world)["clo.payouts.due.v1"] == 0

    clock.advance(NOW + timedelta(days=4))
    tick(call, clock)
    tick(call, clock)
    assert emitted(world)["clo.payouts.due.v1"] == 1


def test_offers_go_live_when_their_window_opens(call: MakeCall, world: World, clock: SimulatedClock) -> None:
    window = {"start": "2026-01-20", "end": "2026-01-31", "zone": "America/New_York"}
    world.offer(world.campaign(), window=window)

    tick(call, clock)
    assert emitted(world)["clo.offer.went_live.v1"] == 0

    clock.advance(NOW + timedelta(days=6))
    tick(call, clock)
    tick(call, clock)
    assert emitted(world)["clo.offer.went_live.v1"] == 1


def test_tick_that_comes_twice_is_taken_once(call: MakeCall, clock: SimulatedClock) -> None:
    tick(call, clock, key="tick-1")

    with pytest.raises(Replayed):
        tick(call, clock, key="tick-1")


def test_nothing_is_done_when_a_part_fails(call: MakeCall, world: World, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    world.campaign(name="Running")
    clock.advance(NOW + timedelta(days=60))

    def fail(*_: object) -> int:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(payout, "emit_due", fail)
        with pytest.raises(RuntimeError):
            tick(call, clock, key="tick-1")
    assert states(world) == {"Running": "live"}

    tick(call, clock, key="tick-1")
    assert states(world) == {"Running": "ended"}


STORES = ("drops", "exports", "lake")


def test_what_writers_that_died_have_left_for_a_day_is_swept_from_all_stores(call: MakeCall, tmp_path: Path) -> None:
    for folder in STORES:
        for name, hours in {"old": 25, "new": 23}.items():
            draft = tmp_path / folder / DRAFTS / name
            draft.parent.mkdir(parents=True, exist_ok=True)
            draft.touch()
            at = (SystemClock().now() - timedelta(hours=hours)).timestamp()
            os.utime(draft, (at, at))
    places = FilePlaces(**{folder: str(tmp_path / folder) for folder in STORES})
    run_schedule(replace(call("run_schedule"), file_places=places), ScheduleTicked(at=NOW))
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == [tmp_path / folder / DRAFTS / "new" for folder in STORES]
