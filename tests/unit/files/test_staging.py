"""What is staged of a chunk is what was accepted of it, in the same batches."""

import pyarrow as pa
import pytest

from shared.files.parsing import parse
from shared.files.staging import staged, unstaged
from tests.unit.files.files import USUAL, csv_file, fixed_line, jsonl_file, way

LINES = {
    "clo-transactions-csv": csv_file(USUAL | {"transaction_id": f"t{n}", "tip": "" if n % 2 else "5"} for n in range(20_000)),
    "clo-transactions-jsonl": jsonl_file([USUAL | {"amount": 1, "items": [{"product": "p", "amount": 5}]}, USUAL | {"amount": 2}]),
    "clo-transactions-fixed": fixed_line(USUAL, way("clo-transactions-fixed").layout).encode() + b"\n",
}


@pytest.mark.parametrize("name", LINES)
def test_what_was_accepted_is_read_as_it_was_staged(name: str) -> None:
    accepted = parse(LINES[name], way(name)).accepted
    assert accepted
    assert unstaged(staged(accepted)) == accepted


def test_of_a_batch_that_is_a_part_of_another_only_that_part_is_staged() -> None:
    whole = pa.record_batch({"id": [f"t{n}" for n in range(10_000)]})
    part = whole.slice(5_000, 10)
    assert unstaged(staged([part])) == [part]
    assert len(staged([part])) < len(staged([whole])) / 10


def test_nothing_accepted_is_staged_as_nothing() -> None:
    assert staged([]) == b""
    assert unstaged(b"") == []
