"""Lists that change: members added and removed, or a whole list in place of another."""

import json
from typing import Any
from uuid import UUID

import pytest

from shared.audiences import desk, members
from shared.kernel.ids import SEGMENT, derived_id
from shared.platform.batches import BatchAnswer
from shared.platform.call import Replayed
from tests.conftest import MakeCall
from tests.integration.audiences.builders import listed, put_all, ruled

UPLOAD = derived_id("upload")


def said(segment_id: UUID, customer_id: str, **other: Any) -> dict[str, Any]:
    return {"segment_id": SEGMENT.render(segment_id), "customer_id": customer_id} | other


def body(*sent: dict[str, Any]) -> bytes:
    return json.dumps({"members": sent}).encode()


def tell(call: MakeCall, *sent: dict[str, Any]) -> BatchAnswer:
    return desk.put_members(call(), body(*sent))


def of(call: MakeCall, segment_id: UUID) -> list[str]:
    with call().reading() as tx:
        found = tx.connection.execute("SELECT customer_id FROM segment_members WHERE segment_id = %s ORDER BY 1", (segment_id,)).fetchall()
    return [row["customer_id"] for row in found]


def told(answer: BatchAnswer) -> list[tuple[int, str, str]]:
    return [(item.index, item.problems[0].path.rsplit("/", 1)[-1], item.problems[0].message) for item in answer.rejected]


def test_members_are_added_and_removed(call: MakeCall) -> None:
    one, other = listed(call, "c1", "c2"), listed(call, "c1")
    answer = tell(call, said(one, "c3"), said(one, "c1", action="remove"), said(other, "c3"), said(other, "c9", action="remove"))
    assert (answer.accepted, answer.rejected) == (4, [])
    assert (of(call, one), of(call, other)) == (["c2", "c3"], ["c1", "c3"])
    assert tell(call, said(one, "c3")).accepted == 1
    assert of(call, one) == ["c2", "c3"]


def test_members_who_can_not_be_taken_are_named(call: MakeCall) -> None:
    put_all(call, "gone")
    desk.erase_customer(call(), "gone")
    one, rule = listed(call, "c1"), ruled(call, {"attribute": "size", "op": "exists"})
    answer = tell(
        call, said(derived_id("none"), "c1"), said(rule, "c1"), said(one, "gone"), said(one, "c2"), said(one, "c2", action="remove")
    )
    assert told(answer) == [
        (0, "segment_id", "is no known segment"),
        (1, "segment_id", "is no list: its rule says who belongs"),
        (2, "customer_id", "was erased; a person who returns needs another id"),
        (4, "customer_id", "is in the batch twice for this segment"),
    ]
    assert of(call, one) == ["c1", "c2"]


def test_whole_list_takes_the_place_of_the_old_one_when_all_of_it_is_there(call: MakeCall) -> None:
    one, other, third = listed(call, "c1", "c2"), listed(call, "c1"), listed(call, "c5")
    members.stage_members(call(), UPLOAD, body(said(one, "c2"), said(other, "c4")))
    members.stage_members(call(), UPLOAD, body(said(one, "c3")))
    assert (of(call, one), of(call, other)) == (["c1", "c2"], ["c1"])
    members.replace_lists(call(), UPLOAD)
    assert (of(call, one), of(call, other), of(call, third)) == (["c2", "c3"], ["c4"], ["c5"])
    members.replace_lists(call(), UPLOAD)
    assert of(call, one) == ["c2", "c3"]


def test_whole_list_removes_nobody_by_name(call: MakeCall) -> None:
    one = listed(call, "c1")
    answer = members.stage_members(call(), UPLOAD, body(said(one, "c1", action="remove"), said(one, "c2")))
    assert (answer.accepted, told(answer)) == (1, [(0, "action", "a whole list only names its members")])
    members.replace_lists(call(), UPLOAD)
    assert of(call, one) == ["c2"]


def test_who_is_erased_while_a_list_is_on_its_way_is_not_in_it(call: MakeCall) -> None:
    put_all(call, "c1", "c2")
    one = listed(call, "c9")
    members.stage_members(call(), UPLOAD, body(said(one, "c1"), said(one, "c2")))
    desk.erase_customer(call(), "c1")
    members.replace_lists(call(), UPLOAD)
    assert of(call, one) == ["c2"]
    with call().reading() as tx:
        assert tx.connection.execute("SELECT * FROM segment_uploads").fetchall() == []


def test_same_request_again_gets_its_first_answer(call: MakeCall) -> None:
    one = listed(call, "c1")
    desk.put_members(call(key="k"), body(said(one, "c2")))
    with pytest.raises(Replayed):
        desk.put_members(call(key="k"), body(said(one, "c2")))
