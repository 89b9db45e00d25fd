"""The examples of files in the page for senders are taken, whole."""

import csv
import re
from typing import Any

import pytest

from shared.cli.artefacts import ROOT
from tests.integration.files.place import Place

BLOCK = re.compile(r"^```csv\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = BLOCK.findall((ROOT / "docs/howto/files.md").read_text(encoding="utf-8"))


def kind_of(example: str) -> str:
    return example.split(",", 2)[1].split("_", maxsplit=1)[0]


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
