"""The demo on a small part of the year: a tight budget that runs dry, one that lasts, and a platform that dies in the middle."""

import html
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from demo import year
from demo.api import Api, Gone, Platform
from demo.figures import digest
from demo.journey import Journey, read_journey
from demo.made_up import impressions
from demo.report import Story, print_summary, write_page
from demo.run import Input, run
from demo.timeline import Batch
from shared.cli.child import ChildPlatform
from shared.cli.main_job import SIMULATED_FROM
from shared.cli.options import Bus
from shared.cli.places import token_for

CAMPAIGNS = frozenset({11, 13})
HOUSEHOLDS = 60
COUPONS = 120
POSTED_BEFORE_KILL = 3_000


def part_of(journey: Journey) -> Journey:
    """Two campaigns, the first households of the larger one, and what those bought."""
    large = next(campaign for campaign in journey.campaigns if campaign.number == 13)
    chosen = frozenset(large.households[:HOUSEHOLDS])
    campaigns = [replace(c, households=tuple(h for h in c.households if h in chosen)) for c in journey.campaigns if c.number in CAMPAIGNS]
    coupons = sorted((c for c in journey.coupons if c.campaign in CAMPAIGNS), key=lambda c: len(c.products))[-COUPONS:]
    known = {(coupon.campaign, coupon.upc) for coupon in coupons}
    baskets = tuple(basket for basket in journey.baskets if basket.household_id in chosen)
    return Journey(
        households=tuple(h for h in journey.households if h.household_id in chosen),
        stores=tuple(sorted({basket.store_id for basket in baskets})),
        campaigns=tuple(campaigns),
        coupons=tuple(coupons),
        coupon_uses=tuple(u for u in journey.coupon_uses if u.household_id in chosen and (u.campaign, u.upc) in known),
        baskets=baskets,
    )


@pytest.fixture(scope="module")
def small() -> Input:
    """A part of the year that takes some seconds."""
    journey = part_of(read_journey())
    return Input(journey=journey, impressions=impressions(journey))


@pytest.fixture
def start(folder: Path) -> Callable[[], ChildPlatform]:
    """Starts a platform in one and the same folder."""
    return lambda: ChildPlatform(folder, port=0, simulated_from=SIMULATED_FROM)


@pytest.fixture
def drive(small: Input) -> Callable[[ChildPlatform], Story]:
    """Runs the demo against a platform."""

    return partial(_run, small)


def _run(given: Input, child: ChildPlatform) -> Story:
    platform = Platform(base_url=child.base_url, token=lambda who, scopes: token_for(child.data, who, scopes), alive=child.alive)
    return run(given, platform, Console(file=StringIO()))


def test_ends_in_the_same_state_on_kafka_hash_for_hash(small: Input, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who gets the last of a tight budget is decided in the order of processing: with one shard that is one order on any bus."""
    monkeypatch.setenv("CLO_SHARDS", "1")
    monkeypatch.delenv("CLO_KAFKA_BOOTSTRAP", raising=False)
    digests = {}
    for bus in Bus:
        with ChildPlatform(folder / bus.value, port=0, simulated_from=SIMULATED_FROM, bus=bus) as child:
            story = _run(small, child)
        assert failed(story) == []
        digests[bus] = digest(story.figures)
    assert digests[Bus.KAFKA] == digests[Bus.EMBEDDED]


def failed(story: Story) -> list[str]:
    return [f"{check.name}: expected {check.expected}, found {check.actual}" for check in story.checks if not check.ok]


def test_every_check_holds_and_is_told(start: Callable[[], ChildPlatform], drive: Callable[[ChildPlatform], Story]) -> None:
    with start() as child:
        story = drive(child)
    summary, page = StringIO(), html.unescape(write_page(story))
    print_summary(story, Console(file=summary, width=140))
    assert failed(story) == []
    assert "Made up" in summary.getvalue()
    assert all(check.name in page for check in story.checks)


def test_a_run_goes_on_after_the_platform_was_killed_among_purchases(
    start: Callable[[], ChildPlatform], drive: Callable[[ChildPlatform], Story], monkeypatch: pytest.MonkeyPatch
) -> None:
    posted = 0

    def post_and_kill(api: Api, batch: Batch, number: int) -> None:
        nonlocal posted
        post(api, batch, number)
        posted += len(batch.baskets)
        if posted > POSTED_BEFORE_KILL and child.alive():
            child.kill()

    post = year._post_purchases
    with start() as child, monkeypatch.context() as patched:
        patched.setattr(year, "_post_purchases", post_and_kill)
        with pytest.raises(Gone):
            drive(child)
    with start() as child:
        assert failed(drive(child)) == []
