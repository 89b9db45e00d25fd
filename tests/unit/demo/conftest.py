"""The real data, read once."""

import pytest

from demo import made_up
from demo.journey import Journey, read_journey
from demo.made_up import Shown


@pytest.fixture(scope="package")
def journey() -> Journey:
    """The Complete Journey."""
    return read_journey()


@pytest.fixture(scope="package")
def shown(journey: Journey) -> list[Shown]:
    """What is made up to have been shown."""
    return made_up.impressions(journey)
