"""A platform that the tests share: each uses ids of its own."""

import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.process import Client, running
from tests.e2e.scene import Scene

_numbers: Final = count(1)


@pytest.fixture(scope="session")
def client() -> Iterator[Client]:
    """A client of a platform on the machine's clock."""
    with running() as client:
        yield client


@pytest.fixture
def folder() -> Iterator[Path]:
    """A place for a platform. Those that pytest makes are closed to PostgreSQL's own user as soon as another pytest starts."""
    with tempfile.TemporaryDirectory(prefix="clo-e2e-") as name:
        yield Path(name)


@pytest.fixture
def scene(client: Client) -> Scene:
    """Makes campaigns, offers and customers with ids that no other test uses."""
    return Scene(client, f"t{next(_numbers)}")
