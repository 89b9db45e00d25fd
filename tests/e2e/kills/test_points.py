"""Each process is killed at each point at which it may leave something half done: nothing is lost, nothing doubled, nothing left.

A process reaches a point several times on the way of a file; here it dies at one of them. `CLO_KILL_TURNS=all` tries each.
"""

import os
import random
from collections.abc import Iterator
from typing import Final

import pytest

from shared.platform.failpoints import Point
from tests.e2e.kills.programs import PUBLISHER, RELAY, SOURCES
from tests.e2e.kills.scene import Scene

ALL_TURNS: Final = os.environ.get("CLO_KILL_TURNS") == "all"
SEED: Final = 3
WAY: Final = frozenset({"receive_file", "process_chunk", "close_file", "redeem_cashback", "pay_cashback"})
ON_KAFKA: Final = frozenset({Point.EVENTS_DUE, Point.EVENTS_SENT, Point.OFFSETS_DUE, Point.OFFSETS_COMMITTED})
Reached = dict[tuple[str, Point], int]


@pytest.fixture(scope="package")
def reached(scene: Scene, undisturbed: str) -> Reached:
    """How often each process reaches each point while a file goes its way."""
    before = scene.running.deaths.came()
    word = scene.drop()
    scene.wait(word)
    scene.require_whole(word, undisturbed)
    return {place: more for place, count in scene.running.deaths.came().items() if (more := count - before.get(place, 0))}


def test_every_point_is_reached_on_the_way_of_a_file(scene: Scene, reached: Reached) -> None:
    place = scene.running.place
    assert {point for _, point in reached} == set(Point) - (frozenset() if place.bootstrap else ON_KAFKA)
    assert {program for program, _ in reached} >= {*WAY, *({PUBLISHER, SOURCES} if place.bootstrap else {RELAY})}
    for program in {program for program, _ in reached} - {SOURCES}:
        assert {(program, Point.COMMIT_DUE), (program, Point.COMMITTED)} <= reached.keys()


def test_process_killed_at_any_point_changes_nothing_in_the_end(scene: Scene, undisturbed: str, reached: Reached) -> None:
    left = 0
    for program, point, turn in _deaths(reached):
        scene.running.killed.clear()
        scene.running.deaths.arm(program, point, turn)
        word = scene.drop()
        try:
            scene.wait_until(lambda: bool(scene.running.killed), word)
        except AssertionError as late:
            late.add_note(f"{program} at {point}, time {turn}")
            raise
        assert scene.running.killed == [program]
        scene.wait(word)
        left += scene.site.unfinished()
        scene.require_whole(word, undisturbed)
    assert left
    scene.site.sweep_a_day_later()
    assert scene.site.unfinished() == 0


def _deaths(reached: Reached) -> Iterator[tuple[str, Point, int]]:
    """Who dies where, and at which time of being there."""
    chance = random.Random(SEED)
    for (program, point), count in sorted(reached.items(), key=lambda item: (item[0][0], item[0][1].value)):
        most = count - count // 4 if program in {RELAY, PUBLISHER, SOURCES} else count  # how often these are there differs from run to run
        yield from ((program, point, turn) for turn in (range(1, most + 1) if ALL_TURNS else [chance.randint(1, most)]))
