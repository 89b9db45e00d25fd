"""Processes are killed at moments that chance chooses: nothing is lost, nothing doubled, nothing left.

`CLO_KILLS=200` makes it a long run.
"""

import os
import random
import time
from typing import Final

import pytest

from tests.e2e.kills.scene import Scene

MOMENTS: Final = range(int(os.environ.get("CLO_KILLS", "5")))
LONGEST_SECONDS: Final = 0.9
MOST_KILLED: Final = 3


@pytest.mark.parametrize("seed", MOMENTS)
def test_process_killed_at_any_moment_changes_nothing_in_the_end(scene: Scene, undisturbed: str, seed: int) -> None:
    chance = random.Random(seed)
    scene.running.killed.clear()
    killed = chance.choices(scene.running.place.programs, k=chance.randint(1, MOST_KILLED))
    word = scene.drop()
    for program in killed:
        time.sleep(chance.uniform(0, LONGEST_SECONDS / MOST_KILLED))
        scene.running.kill(program)
    scene.wait(word)
    assert sorted(scene.running.killed) == sorted(killed)
    scene.require_whole(word, undisturbed)
    scene.site.sweep_a_day_later()
    assert scene.site.unfinished() == 0
