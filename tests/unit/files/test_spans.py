"""Rows of an object: where parts lie, as text, and read."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.files.lake import as_parquet
from shared.files.spans import Placed, Rows, opened, read_rows, rows_of

OBJECT = "kind=transactions/day=2026-01-15/0.parquet"


def placed(first_row: int, records: int, name: str = OBJECT) -> Placed:
    return Placed(name=f"{name}/{first_row}", day="2026-01-15", from_file=True, object=name, first_row=first_row, records=records)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([], []),
        ([placed(0, 3)], [((0, 3),)]),
        ([placed(0, 3), placed(3, 1), placed(5, 2)], [((0, 4), (5, 7))]),
        ([placed(0, 3), placed(0, 3, "other"), placed(3, 3, "other")], [((0, 3),), ((0, 6),)]),
    ],
    ids=["none", "one", "some follow each other", "two objects"],
)
def test_parts_that_follow_each_other_are_one_span(parts: list[Placed], expected: list[object]) -> None:
    found = rows_of(parts)
    assert [rows.spans for rows in found] == expected
    assert sum(rows.count for rows in found) == sum(part.records for part in parts)


@pytest.mark.parametrize("rows", [Rows(object=OBJECT), Rows(object=OBJECT, spans=((0, 3), (5, 7)))], ids=["all", "some"])
def test_rows_are_read_as_they_are_kept(rows: Rows) -> None:
    assert Rows.of(str(rows)) == rows


def test_rows_as_text_name_the_object_first() -> None:
    assert str(Rows(object=OBJECT, spans=((0, 3), (5, 7)))) == f"{OBJECT}#0-3;5-7"
    assert str(Rows(object=OBJECT)) == OBJECT


MADE = pa.table({"id": list(range(40)), "other": [str(number) for number in range(40)]})


@given(st.lists(st.booleans(), min_size=40, max_size=40), st.integers(1, 50), st.integers(1, 50))
def test_exactly_the_rows_that_are_meant_are_read(wanted: list[bool], size: int, group: int) -> None:
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(MADE, sink, row_group_size=group)
    rows = rows_of(placed(number, 1) for number in range(40) if wanted[number])
    found = [batch for one in rows for batch in read_rows(opened(sink.getvalue().to_pybytes()), one, ["id", "none"], size)]
    assert [value for batch in found for value in batch.column("id").to_pylist()] == [number for number in range(40) if wanted[number]]
    assert all(0 < batch.num_rows <= size and batch.schema.names == ["id"] for batch in found)


def test_fields_that_an_object_does_not_have_are_passed_over() -> None:
    fields = ["other", "none"]
    [batch] = read_rows(opened(as_parquet(MADE), fields), Rows(object=OBJECT, spans=((0, 40),)), fields, 50)
    assert batch.schema.names == ["other"]
    assert batch.column("other").dictionary_decode().to_pylist() == MADE["other"].to_pylist()


def test_without_spans_all_rows_and_fields_are_read() -> None:
    found = list(read_rows(opened(as_parquet(MADE)), Rows(object=OBJECT), None, 15))
    assert pa.Table.from_batches(found) == MADE
