import json
from typing import Any

import pytest

from shared.kernel.errors import Invalid, Malformed
from shared.kernel.wire import ExternalId, Moment, Wire
from shared.platform.batches import BatchAnswer, Rejected, read_batch

MOST = 5


class Thing(Wire):
    thing_id: ExternalId
    at: Moment
    size: int


def thing(thing_id: object = "t", **overrides: Any) -> dict[str, Any]:
    return {"thing_id": thing_id, "at": "2026-01-15T12:00:00Z", "size": 1, **overrides}


def body(*things: object) -> bytes:
    return json.dumps({"things": things}).encode()


def test_keeps_the_order_and_the_index_of_good_items() -> None:
    batch = read_batch(body(thing("a"), thing("b")), "things", Thing, MOST)
    assert [(index, item.thing_id) for index, item in batch.accepted] == [(0, "a"), (1, "b")]
    assert batch.rejected == []


def test_names_bad_items_with_index_id_and_every_problem() -> None:
    batch = read_batch(body(thing("a"), thing("b", size="1", at="x"), 7, thing("d")), "things", Thing, MOST, id_field="thing_id")
    assert [(index, item.thing_id) for index, item in batch.accepted] == [(0, "a"), (3, "d")]
    found = [(item.index, item.id, [problem.path for problem in item.problems]) for item in batch.rejected]
    assert found == [(1, "b", ["/things/1/at", "/things/1/size"]), (2, None, ["/things/2"])]


def test_an_id_that_is_none_is_not_repeated() -> None:
    batch = read_batch(body(thing("x" * 65), thing(thing_id=7)), "things", Thing, MOST, id_field="thing_id")
    assert [item.id for item in batch.rejected] == [None, None]


def test_a_batch_of_bad_items_alone_is_no_error() -> None:
    batch = read_batch(body({}, {}), "things", Thing, MOST)
    assert (batch.accepted, [item.index for item in batch.rejected]) == ([], [0, 1])


@pytest.mark.parametrize("raw", [b"", b"{", b'{"things": [', b"\xff", body(thing())[:-1], b'{"things": "\\ud800"}'])
def test_refuses_what_is_no_json(raw: bytes) -> None:
    with pytest.raises(Malformed):
        read_batch(raw, "things", Thing, MOST)


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ([], ""),
        ({}, "/things"),
        ({"things": []}, "/things"),
        ({"things": {}}, "/things"),
        ({"things": [thing()] * (MOST + 1)}, "/things"),
        ({"things": [thing()], "more": 1}, "/more"),
        ({"things": [{}], "more": 1}, "/more"),
    ],
)
def test_refuses_a_batch_that_is_wrong_as_a_whole(document: object, path: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_batch(json.dumps(document).encode(), "things", Thing, MOST)
    assert [problem.path for problem in refused.value.problems] == [path]


def test_an_answer_lists_what_was_not_taken_in_the_order_of_the_batch() -> None:
    later, earlier = (Rejected.because(index, "x", f"/things/{index}", "is bad") for index in (4, 1))
    answer = BatchAnswer.of(3, [later, earlier])
    assert (answer.accepted, [item.index for item in answer.rejected]) == (3, [1, 4])
