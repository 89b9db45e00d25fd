"""Customers with grants of an offer that pays for every purchase, and the processes at work, on either bus."""

from collections.abc import Iterator

import pytest

from tests.e2e.kills.scene import BUDGET, RECORDS, Scene, hashed
from tests.e2e.kills.site import BUSES, at_work
from tests.world import World

CHUNK_BYTES = 800


@pytest.fixture(scope="package", params=BUSES)
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    with at_work(request.param, _customers, chunk_bytes=CHUNK_BYTES) as site:
        yield Scene(site=site)


@pytest.fixture(scope="package")
def undisturbed(scene: Scene) -> str:
    """What a file comes to when nothing happens."""
    word = scene.drop()
    scene.wait(word)
    state = hashed(scene.state(word))
    scene.require_whole(word, state)
    return state


def _customers(world: World) -> None:
    world.grant(world.offer(world.campaign(budget=BUDGET), repeat=True), *(f"cust-{number}" for number in range(RECORDS)))
