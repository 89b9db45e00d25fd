"""The real data, read once."""

import pytest

from demo.journey import Journey, read_journey


@pytest.fixture(scope="session")
def journey() -> Journey:
    """The Complete Journey."""
    return read_journey()
