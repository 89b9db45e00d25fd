"""Partitions are shared out anew while a file is on its way, in order and by a kill: nothing is lost, nothing doubled."""

import random
import time
from contextlib import closing
from typing import Final

import pytest
from kafka import KafkaAdminClient

from shared.platform.kafka.source import group_of
from tests.e2e.kills.programs import CONTEXT, more_sources
from tests.e2e.kills.scene import Scene
from tests.e2e.process import wait_until

FILES: Final = 4
SEED: Final = 5
SECONDS: Final = 180.0


def test_sources_that_come_and_are_killed_in_the_middle_of_files_change_nothing_in_the_end(scene: Scene, undisturbed: str) -> None:
    bootstrap = scene.running.place.bootstrap
    if bootstrap is None:
        pytest.skip("The embedded bus has no partitions.")
    chance = random.Random(SEED)
    before = [scene.drop() for _ in range(FILES)]
    more = CONTEXT.Process(target=more_sources, args=(scene.running.place,), daemon=True)
    more.start()
    wait_until(lambda: _members(bootstrap) > 1, seconds=SECONDS, what="the sources have joined")
    during = [scene.drop() for _ in range(FILES)]
    time.sleep(chance.uniform(0, 0.5))
    more.kill()
    more.join()
    after = scene.drop()
    for word in (*before, *during, after):
        scene.wait(word)
        scene.require_whole(word, undisturbed)


def _members(bootstrap: str) -> int:
    """The sources that take chunks."""
    group = group_of("process_chunk")
    with closing(KafkaAdminClient(bootstrap_servers=bootstrap)) as admin:
        return len(admin.describe_groups([group])[group]["members"])
