"""Generated files go the whole way: dropped, taken in, answered."""

from pathlib import Path

import pytest

from events.files import FileDropped
from shared.files import receiving
from shared.generator.files import Made
from tests.integration.files.place import Place
from tests.unit.files.files import LAYOUTS
from tests.unit.generator.made import bad_lines, made


def dropped(place: Place, file: Made) -> FileDropped:
    """The file and then its manifest, in the drop place."""
    place.drops.create(f"inbox/{file.path.name}", [file.path.read_bytes()])
    stored = place.drops.create(f"inbox/{file.manifest.name}", [file.manifest.read_bytes()])
    return FileDropped(name=stored.name, generation=stored.generation)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("kind", ["merchants", "customers", "cards", "transactions"])
def test_bad_lines_are_answered_by_line_and_code_and_the_others_taken(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, *, packed: bool
) -> None:
    monkeypatch.setattr(receiving, "CHUNK_BYTES", 1 << 14)
    monkeypatch.setattr(receiving, "LONGEST_RECORD", 1 << 13)
    (file,) = made(tmp_path / "made", LAYOUTS[f"clo-{kind}-csv"], rows=500, bad=0.1, packed=packed)
    place.receive(dropped(place, file))
    view = place.file()
    assert (view.outcome, view.problems, view.records, view.rejected) == ("partial", [], file.records, file.bad)
    assert sorted((told["line"], told["field"], told["code"]) for told in place.rejects(file.path.name)) == bad_lines(file)
    assert len(place.posted()) == (file.records - file.bad if kind == "transactions" else 0)


def test_files_of_a_bank_and_of_two_of_its_days_are_taken_whole(place: Place, tmp_path: Path) -> None:
    layouts = [LAYOUTS[name] for name in ("clo-merchants-jsonl", "clo-customers-jsonl", "clo-cards-csv", "clo-transactions-fixed")]
    place.receive(*(dropped(place, file) for file in made(tmp_path / "made", *layouts, rows=300, days=2)))
    assert [view.outcome for view in place.files()] == ["accepted"] * 5
    assert place.query("SELECT count(*) FROM dead_letters") == [{"count": 0}]
    assert place.query("SELECT count(*) FROM customers") == [{"count": 500}]
