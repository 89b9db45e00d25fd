"""A writer that is killed at each point of its work: the object is there whole or not at all, and can be written or removed again."""

import signal
import subprocess
import sys
from typing import Final

import pytest

from shared.cli.artefacts import ROOT
from shared.files.stores.protocol import Exists
from shared.files.stores.streams import BLOCK
from shared.kernel.clock import SystemClock
from shared.kernel.errors import NotFound
from shared.platform.failpoints import Point, watched
from tests.contract.files.places import Place
from tests.contract.files.test_writers import DAY

DYING: Final = """
import os, signal, sys
from shared.files.stores.opening import open_store
from shared.platform.failpoints import Point, watched

url, where, size = sys.argv[1:]

def die_there(point):
    if point is Point[where]:
        os.kill(os.getpid(), signal.SIGKILL)

store = open_store(url)
with watched(die_there):
    stored = store.create("a/name", [b"x" * int(size)])
    store.delete(stored.name, stored.generation)
"""
THERE: Final = {Point.OBJECT_DUE: False, Point.OBJECT_STORED: True, Point.REMOVAL_DUE: True, Point.REMOVED: False}
SMALL, LARGE = 7, BLOCK + 7  # in one piece, and in parts


def test_says_each_point_of_its_work_in_order(place: Place) -> None:
    came: list[Point] = []
    with watched(came.append):
        stored = place.store.create("name", [b"content"])
        place.store.delete(stored.name, stored.generation)
    assert came == list(THERE)


@pytest.mark.parametrize(
    ("point", "size"),
    [
        (Point.OBJECT_DUE, SMALL),
        (Point.OBJECT_DUE, LARGE),
        (Point.OBJECT_STORED, LARGE),
        (Point.REMOVAL_DUE, SMALL),
        (Point.REMOVED, SMALL),
    ],
)
def test_a_writer_that_dies_leaves_an_object_whole_or_none(place: Place, point: Point, size: int) -> None:
    dying = [sys.executable, "-c", DYING, place.store.url, point.name, str(size)]
    assert subprocess.run(dying, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    if THERE[point]:
        stored = place.store.stat("a/name")
        assert place.store.read("a/name", stored.generation) == b"x" * size
        with pytest.raises(Exists):
            place.store.create("a/name", [b"again"])
        place.store.delete("a/name", stored.generation)
    with pytest.raises(NotFound):
        place.store.stat("a/name")
    place.store.sweep(SystemClock().now() + DAY)
    assert place.store.sweep(SystemClock().now() + DAY) == 0
    assert place.store.create("a/name", [b"again"]).size == len(b"again")
