"""Every kind of store, as one fixture."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.files.places import Place, S3Server, folder_place, gcs_place, running, s3_place
from tests.fakes.gcs_server import GcsServer


@pytest.fixture(scope="session")
def started() -> Iterator[tuple[S3Server, GcsServer]]:
    """The two servers, and an environment that leads to them."""
    with running() as made:
        yield made


@pytest.fixture
def servers(started: tuple[S3Server, GcsServer]) -> Iterator[tuple[S3Server, GcsServer]]:
    """The two servers; what a test leaves there, in memory, goes when it ends."""
    yield started
    for server in started:
        server.empty()


@pytest.fixture(params=["folder", "s3", "gs"])
def place(request: pytest.FixtureRequest, tmp_path: Path, servers: tuple[S3Server, GcsServer]) -> Place:
    """An empty store."""
    s3, gcs = servers
    if request.param == "folder":
        return folder_place(tmp_path)
    return s3_place(s3) if request.param == "s3" else gcs_place(gcs)
