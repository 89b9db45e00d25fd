"""What is kept in the lake: a part for each day, small ones together, each with its day's records in the order in which they came."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.files import lake
from shared.files.clock_columns import UTC_MOMENT
from shared.files.drops import LakePart
from shared.files.places import read_whole
from shared.files.spans import Placed
from shared.files.stores.folder import FolderStore

FIRST = datetime(2026, 1, 15, 23, tzinfo=UTC)
MOST = 4


def told(days: Sequence[int | None]) -> pa.Table:
    """A record for each day, None for one that tells no moment; `number` is which it is."""
    moments = pa.array([None if day is None else FIRST + timedelta(days=day) for day in days], UTC_MOMENT)
    return pa.table({"at": moments, "number": pa.array(range(len(days)))})


def kept(store: FolderStore, table: pa.Table, at: str | None = "at") -> list[LakePart]:
    return lake.keep_days(store, "transactions", "event-1", table, at, from_file=False)


def numbers(store: FolderStore, part: LakePart) -> list[int]:
    placed = Placed(
        name=part.name, day=part.day, from_file=False, object=part.object, first_row=part.first_row, records=part.records
    )  # fmt: skip
    found: list[int] = lake.read_parts(store, [placed], ["number"])["number"].to_pylist()
    return found


@given(days=st.lists(st.one_of(st.none(), st.integers(0, 5)), min_size=1, max_size=20))
def test_each_part_holds_the_records_of_its_day_in_their_order(days: list[int | None]) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(lake, "TOGETHER", MOST)
        store = FolderStore(Path(folder))
        parts = kept(store, told(days))
        assert kept(store, told(days)) == parts
        expected = {
            f"{FIRST + timedelta(days=day):%Y-%m-%d}" if day is not None else lake.NO_DAY: [n for n, one in enumerate(days) if one == day]
            for day in sorted(set(days), key=lambda day: 99 if day is None else day)
        }
        assert [(part.day, numbers(store, part)) for part in parts] == list(expected.items())
        lying: dict[str, list[LakePart]] = {}
        for part in parts:
            assert part.name == f"kind=transactions/day={part.day}/event-1.parquet"
            lying.setdefault(part.object, []).append(part)
        assert {stored.name: stored.size for stored in store.list()} == {part.object: part.bytes for part in parts}
        assert all(len(some) == 1 or sum(part.records for part in some) <= MOST for some in lying.values())


@pytest.mark.parametrize(
    ("counts", "objects"),
    [
        ((MOST + 1,), ["2026-01-15"]),
        ((1, 1, 1), ["2026-01-15_2026-01-17"]),
        ((2, 2, 1), ["2026-01-15_2026-01-16", "2026-01-17"]),
        ((1, MOST), ["2026-01-15", "2026-01-16"]),
    ],
    ids=["one large", "few", "as many as fit", "a large one by itself"],
)
def test_days_of_few_records_lie_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counts: Sequence[int], objects: list[str]
) -> None:
    monkeypatch.setattr(lake, "TOGETHER", MOST)
    store = FolderStore(tmp_path)
    kept(store, told([day for day, count in enumerate(counts) for _ in range(count)]))
    assert [stored.name for stored in store.list()] == [f"kind=transactions/day={days}/event-1.parquet" for days in objects]


@pytest.mark.parametrize("at", [None, "when"])
def test_records_that_tell_no_moment_lie_under_no_day(tmp_path: Path, at: str | None) -> None:
    [part] = kept(FolderStore(tmp_path), told([0, 1]), at)
    assert (part.name, part.day, part.records) == (part.object, lake.NO_DAY, 2)


def test_a_column_is_kept_where_any_record_says_something(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    said = told([0, 0, None]).append_column("city", [[None, "Paris", None]]).append_column("tip", pa.nulls(3, pa.int64()))
    [part, _] = kept(store, said)
    found = lake.of_parquet(read_whole(store, part.object), said.column_names)
    assert found.to_pylist() == [{name: row[name] for name in ("at", "number", "city")} for row in said.to_pylist()]
