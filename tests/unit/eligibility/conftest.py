"""How much was held against the slow reference: counted while the tests run, told when they are done."""

from collections.abc import Callable

import pytest

from tests.conftest import COMPARED


@pytest.fixture
def compared(record_property: Callable[[str, object], None]) -> dict[str, int]:
    """How many histories, decisions about a purchase and a grant, and among these completions, were found to be the same."""
    counts = {"histories": 0, "decisions about a purchase and a grant": 0, "of them completions": 0}
    record_property(COMPARED, counts)
    return counts
