"""The examples of files in the pages for senders are taken, whole."""

import csv
import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from events.payloads import PayoutsDue
from shared.audiences import service as audiences
from shared.audiences.api import NewSegment
from shared.cli.artefacts import ROOT
from shared.kernel.shards import shard_of
from shared.redemptions import payout
from tests.conftest import NOW, SHARDS, MakeCall
from tests.integration.audiences.builders import put_all
from tests.integration.files.place import Place
from tests.world import World, purchase

BLOCK = re.compile(r"^```csv\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = BLOCK.findall((ROOT / "docs/howto/kinds.md").read_text(encoding="utf-8"))
KNOWN = UUID("01890000000070008000000000000001")
"""The segment, the campaign and the offer of which the examples are."""
CREDITS = {"c-1001": UUID("01890000000070008000000000000001"), "c-1002": UUID("01890000000070008000000000000002")}


def kind_of(example: str) -> str:
    return example.split(",", 2)[1].split("_", maxsplit=1)[0]


@pytest.fixture
def world(call: MakeCall, monkeypatch: pytest.MonkeyPatch) -> World:
    """What the examples speak of."""
    world = World(call)
    audiences.create_segment(call("maya"), NewSegment(segment_id=KNOWN, name="Gold", kind="list", customers=["c-1002"]))
    put_all(call, "c-1001", "c-1002")
    world.grant(world.offer(world.campaign(campaign_id=KNOWN), offer_id=KNOWN), *CREDITS)
    world.post(*(purchase(f"t-{who}", who, at=NOW - timedelta(days=6)) for who in CREDITS))
    monkeypatch.setattr(payout, "id_of", lambda _what, owed, _turn: CREDITS[owed.customer_id])
    for row in world.redemptions():
        due = PayoutsDue(shard=shard_of(row["customer_id"], SHARDS), redemption_ids=[row["redemption_id"]])
        payout.pay_due(call("pay_cashback"), due)
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
