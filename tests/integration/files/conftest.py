"""A drop place for each test."""

from pathlib import Path

import pytest

from tests.conftest import MakeCall
from tests.integration.files.place import Place


@pytest.fixture
def place(tmp_path: Path, call: MakeCall) -> Place:
    """Empty folders of drops and lake, and an emptied database."""
    for folder in ("drops", "lake"):
        (tmp_path / folder).mkdir()
    return Place(folder=tmp_path, make=call)
