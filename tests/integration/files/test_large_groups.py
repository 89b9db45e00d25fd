"""Files of Parquet as most programs write them, with row groups larger than a chunk: they are cut anew while they are taken in."""

import io
from dataclasses import asdict
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from pyarrow import parquet

from shared.files import probe, receiving, row_groups
from shared.files.layout import Layout
from shared.files.library import load
from shared.files.names import read_name
from shared.files.row_groups import Group, NotParquet, groups_of, slices
from shared.files.stores.protocol import Stored
from tests.integration.files.place import FILE, Place, bought, manifest_of

NAME = f"{FILE}_delta_r1.parquet"
LAYOUT = load().find(read_name(NAME), "1")
CHUNK = 10


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups are large with few records, and what reads them apart does so in this process, which knows that."""
    for module in (row_groups, probe):
        monkeypatch.setattr(module, "MOST_RECORDS", CHUNK)
    monkeypatch.setattr(row_groups, "BATCH_ROWS", 4)
    monkeypatch.setattr(receiving, "probed", _probed_here)


def _probed_here(url: str, stored: Stored, layout: Layout, drop_id: UUID) -> list[Group]:
    question = {"url": url, "layout": layout.model_dump(mode="json"), "stored": asdict(stored), "drop_id": str(drop_id)}
    return probe._heard(probe._answer(question), stored.name)


def file_of(rows: list[dict[str, Any]], **how: Any) -> bytes:
    made = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows), made, **how)
    return made.getvalue()


def test_records_of_a_large_group_are_taken_a_chunk_at_a_time(place: Place) -> None:
    rows = [bought(number) for number in range(25)]
    place.receive(place.drop(file_of(rows), name=NAME, **manifest_of(rows)))
    view = place.file()
    assert (view.outcome, view.accepted, view.chunks) == ("accepted", 25, 3)
    assert place.left() == []


def test_rejects_of_a_large_group_are_named_by_their_number_in_the_file(place: Place) -> None:
    rows = [bought(number) for number in range(25)]
    rows[17] |= {"currency": "usd"}
    place.receive(
        place.drop(file_of(rows), name=NAME, **manifest_of([row for row in rows if row["currency"] != "usd"]) | {"record_count": 25})
    )
    assert (place.file().outcome, place.file().accepted) == ("partial", 24)
    assert [(told["line"], told["field"]) for told in place.rejects(NAME)] == [(18, "currency")]


def test_groups_of_all_sizes_are_cut_one_by_one(place: Place) -> None:
    rows = [bought(number) for number in range(40)]
    data = file_of(rows, row_group_size=17)
    groups = groups_of(io.BytesIO(data), len(data), LAYOUT)
    found = [(first, sum(batch.num_rows for batch in batches)) for first, batches in slices(io.BytesIO(data), len(data), groups, LAYOUT)]
    assert found == [(1, 8), (9, 9), (18, 8), (26, 9), (35, 6)]
    place.receive(place.drop(data, name=NAME, **manifest_of(rows)))
    assert place.file().accepted == 40


def test_file_that_is_cut_again_leaves_the_same_chunks(place: Place) -> None:
    rows = [bought(number) for number in range(25)]
    receiving.receive_file(place.call(key="one", consumer="receive_file"), place.drop(file_of(rows), name=NAME, **manifest_of(rows)))
    drops = place.drops
    work = {stored.name: stored.generation for stored in drops.list("work/")}
    groups = _probed_here(drops.url, drops.stat(f"inbox/{NAME}"), LAYOUT, place.drop_id())
    assert {stored.name: stored.generation for stored in drops.list("work/")} == work
    assert [group.object for group in groups] == sorted(work)
    assert [(group.first_row, group.rows) for group in groups] == [(1, 8), (9, 8), (17, 9)]


def test_group_beyond_what_is_taken_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_groups, "MOST_OF_A_GROUP", 20)
    assert problems(file_of([bought(number) for number in range(21)])) == ["/groups/0 must have at most 20 records, has 21"]


def test_large_group_may_be_as_much_larger_as_it_has_records(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [bought(number) for number in range(25)]
    size = parquet.ParquetFile(io.BytesIO(file_of(rows, use_dictionary=False))).metadata.row_group(0).total_byte_size
    monkeypatch.setattr(row_groups, "MOST_BYTES", size // 2)
    told = f"as a file of Parquet, the largest pages of its columns have more than {size // 2:,} bytes together"
    assert problems(file_of(rows, use_dictionary=False)) == [told]
    monkeypatch.setattr(row_groups, "MOST_BYTES", size // 4)
    assert "/groups/0 must have at most" in problems(file_of(rows, use_dictionary=False))[0]


def test_text_of_a_dictionary_may_not_be_long_where_all_values_stand_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_groups, "MOST_TEXT_BYTES", 400)
    rows = [bought(number) | {"descriptor": "x"} for number in range(25)]
    assert problems(file_of(rows)) == []
    rows[20]["descriptor"] = "x" * 101
    assert problems(file_of(rows)) == ["/columns/descriptor holds values that are too long together"]


def test_categories_of_a_large_group_all_stand_in_its_dictionary() -> None:
    table = pa.Table.from_pylist([bought(number) for number in range(25)])
    coded = table.append_column("descriptor", pa.array([f"AB{number}" for number in range(25)]).dictionary_encode())

    def made(**how: Any) -> bytes:
        file = io.BytesIO()
        parquet.write_table(coded, file, **how)
        return file.getvalue()

    assert problems(made()) == []
    assert problems(made(use_dictionary=False)) == ["/columns/descriptor has more different values than its dictionary: write it as text"]


def problems(data: bytes) -> list[str]:
    """What is wrong with a file, read whole."""
    try:
        for _ in slices(io.BytesIO(data), len(data), groups_of(io.BytesIO(data), len(data), LAYOUT), LAYOUT):
            pass
    except NotParquet as error:
        return [" ".join(filter(None, (problem.path, problem.message))) for problem in error.problems]
    return []
