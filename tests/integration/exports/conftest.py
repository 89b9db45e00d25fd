"""An office for each test."""

from pathlib import Path

import pytest

from tests.conftest import MakeCall
from tests.integration.exports.office import Office


@pytest.fixture
def office(tmp_path: Path, call: MakeCall) -> Office:
    """Empty stores, two partners, and an emptied database."""
    return Office(folder=tmp_path, make=call)
