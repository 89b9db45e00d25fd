"""What is left of files on their way when they are closed."""

from uuid import uuid4

import pytest

from shared.files import chunks, receiving
from shared.files.places import WORK, work_name
from shared.files.sweeping import sweep_left_behind
from tests.integration.files.place import Place, bought


def test_what_a_late_chunk_leaves_of_a_closed_file_is_swept(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "CHUNK_BYTES", 300)
    monkeypatch.setattr(receiving, "LONGEST_RECORD", 300)
    place.receive(place.rows(*map(bought, range(8)), sums={"USD": "1"}))
    late = [place.drops.create(work_name(place.drop_id(), part, 3), [b"late"]) for part in (chunks.PARTS, "rejects")]
    assert sweep_left_behind(place.call()) == len(late)
    assert place.left() == []
    assert sweep_left_behind(place.call()) == 0


def test_what_is_made_of_a_file_on_its_way_stays(place: Place) -> None:
    receiving.receive_file(place.call(key="1", consumer="receive_file"), place.packed(bought(1), bought(2)))
    before = place.left()
    assert before
    assert sweep_left_behind(place.call()) == 0
    assert place.left() == before
    place.receive()
    assert place.file().outcome == "accepted"


def test_what_nobody_knows_stays(place: Place) -> None:
    strangers = [f"{WORK}/{uuid4().hex}/parts/000001", f"{WORK}/notes/a", f"{WORK}/z.csv"]
    for name in strangers:
        place.drops.create(name, [b"whatever"])
    assert sweep_left_behind(place.call()) == 0
    assert place.left() == sorted(strangers)
