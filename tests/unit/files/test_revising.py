"""What an earlier revision of a file told and a later one tells no more: by message, whatever else was told of it."""

from collections.abc import Iterable, Iterator

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from shared.files.revising import KEY, told_no_more

MESSAGES = st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["purchase", "clearing"]), st.integers(0, 2)), max_size=12)


def part(messages: Iterable[tuple[str, str, int]], **other: str) -> pa.Table:
    """Records of these messages, as a chunk is staged."""
    return pa.Table.from_pylist([dict(zip(KEY, one, strict=True)) | {"customer_id": "c"} | other for one in messages])


@given(MESSAGES, st.lists(MESSAGES.filter(bool), max_size=4))
def test_it_is_what_no_part_holds(before: list[tuple[str, str, int]], parts: list[list[tuple[str, str, int]]]) -> None:
    gone = told_no_more(part(before), (part(messages, customer_id="other") for messages in parts))
    left = sorted(set(before) - {message for messages in parts for message in messages})
    assert sorted({tuple(row[name] for name in KEY) for row in gone.to_pylist()}) == left
    assert {row["customer_id"] for row in gone.to_pylist()} <= {"c"}


def test_what_a_layout_does_not_say_is_what_is_meant() -> None:
    before = pa.table({"transaction_id": ["a", "b"], "card_token": ["k", "k"]})
    gone = told_no_more(before, [part([("a", "purchase", 0), ("b", "clearing", 0)])])
    assert gone.to_pylist() == [{"transaction_id": "b", "kind": "purchase", "sequence": 0, "customer_id": None, "card_token": "k"}]


def test_no_more_parts_are_read_than_are_needed() -> None:
    def parts() -> Iterator[pa.Table]:
        yield part([("a", "purchase", 0)])
        raise AssertionError

    assert told_no_more(part([("a", "purchase", 0)]), parts()).num_rows == 0
