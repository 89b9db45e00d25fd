"""The demo as a whole: prepare, live through the year, settle, check, tell."""

from dataclasses import dataclass
from typing import Final

from rich.console import Console

from demo import checks, preparation, year
from demo.api import Api, Platform
from demo.figures import Figures, digest, posted_minor, read_figures
from demo.journey import Journey, read_journey
from demo.judging import judge
from demo.made_up import Shown, impressions
from demo.report import Story
from demo.steps import Steps

EVERY: Final = 32
"""One basket in so many is posted once more under another key."""
AGAIN: Final = " again"


@dataclass(frozen=True, kw_only=True)
class Input:
    """What the demo runs on: the data, and what is made up beside it."""

    journey: Journey
    impressions: list[Shown]


def read_input() -> Input:
    """Read the data and make up the rest; takes some seconds."""
    journey = read_journey()
    return Input(journey=journey, impressions=impressions(journey))


def run(given: Input, platform: Platform, console: Console) -> Story:
    """Drive the platform through the whole year and check what it says. Raises Gone or Unexpected where it does not play along."""
    api = Api(platform=platform)
    with Steps(console) as steps:
        _prepare(api, given.journey, steps)
        year.live(api, given.journey, given.impressions, steps)
        year.finish(api, given.journey, steps)
        main_job = steps.seconds
        figures, posted = _read(api, given.journey, steps)
        with steps.only("Judge real redemptions", len(given.journey.coupon_uses)) as step:
            judged = judge(api, given.journey, step.advance)
        after = _run_again(api, given, steps)
    api.close()
    found = [
        *checks.check_all(figures, given.journey, given.impressions, posted, judged),
        checks.unchanged(digest(figures), digest(after)),
    ]
    checking = {name: seconds for name, seconds in steps.seconds.items() if name not in main_job}
    recall = checks.recall(judged, given.journey)
    return Story(journey=given.journey, figures=figures, checks=found, recall=recall, main_job=main_job, checking=checking)


def _prepare(api: Api, journey: Journey, steps: Steps, *, again: str = "") -> None:
    with steps.only(f"Register shops and households{again}", 2) as step:
        preparation.register(api, journey, step.advance)
    with steps.only(f"Prepare and fund campaigns{again}", len(journey.campaigns)) as step:
        preparation.prepare_campaigns(api, journey, step.advance)
    with steps.only(f"Design and approve offers{again}", len(journey.coupons)) as step:
        preparation.prepare_offers(api, journey, step.advance)


def _read(api: Api, journey: Journey, steps: Steps) -> tuple[Figures, dict[int, int]]:
    with steps.only("Read figures", 2) as step:
        figures = read_figures(api, journey)
        step.advance()
        posted = posted_minor(api, journey)
        step.advance()
    return figures, posted


def _run_again(api: Api, given: Input, steps: Steps) -> Figures:
    """Send everything once more, some of it under other keys as well, and read the figures anew."""
    _prepare(api, given.journey, steps, again=AGAIN)
    year.live(api, given.journey, given.impressions, steps, again=AGAIN)
    with steps.only("Compare figures", 2) as step:
        year.post_again(api, given.journey.baskets[::EVERY], "demo purchases once more")
        year.settle(api)
        step.advance()
        figures = read_figures(api, given.journey)
        step.advance()
    return figures
