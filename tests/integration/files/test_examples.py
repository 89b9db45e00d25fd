"""The examples of files in the pages for senders are taken, whole."""

import csv
import re
from typing import Any
from uuid import UUID

import pytest

from shared.audiences import service as audiences
from shared.audiences.api import NewSegment
from shared.cli.artefacts import ROOT
from tests.conftest import MakeCall
from tests.integration.audiences.builders import put_all
from tests.integration.files.place import Place
from tests.world import World

BLOCK = re.compile(r"^```csv\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = BLOCK.findall((ROOT / "docs/howto/kinds.md").read_text(encoding="utf-8"))
KNOWN = UUID("01890000000070008000000000000001")
"""The segment and the offer of which the examples are."""


def kind_of(example: str) -> str:
    return example.split(",", 2)[1].split("_", maxsplit=1)[0]


@pytest.fixture
def world(call: MakeCall) -> World:
    """What the examples speak of."""
    world = World(call)
    audiences.create_segment(call("maya"), NewSegment(segment_id=KNOWN, name="Gold", kind="list", customers=["c-1002"]))
    put_all(call, "c-1001", "c-1002")
    world.offer(world.campaign(), offer_id=KNOWN)
    return world


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("example", EXAMPLES, ids=kind_of)
def test_example_is_taken(place: Place, example: str) -> None:
    (_, file_id), *_, (_, count, entry_hash, *sums) = csv.reader(example.splitlines())
    told: dict[str, Any] = {
        "record_count": int(count),
        "entry_hash": entry_hash,
        "sums": dict(one.split(":") for one in "".join(sums).split()),
    }
    place.receive(place.drop(example.encode(), name=f"{file_id}_delta_r1.csv", **told))
    assert (place.file().outcome, place.file().problems) == ("accepted", [])
