import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from pydantic import ValidationError

from shared.audiences import service
from shared.audiences.api import AudienceAsked, NewSegment, Page
from shared.audiences.rules import to_jsonpath
from shared.kernel.clock import SimulatedClock
from shared.kernel.errors import Conflict, Invalid, NotFound
from shared.kernel.ids import derived_id
from shared.platform.database import Database
from tests.conftest import NOW, MakeCall
from tests.integration.audiences.builders import customer, launched, listed, put, put_all, ruled, went_live
from tests.unit.audiences.builders import Attributes, attributes, holds, read, rules

OFFER, CAMPAIGN = derived_id("offer"), derived_id("campaign")
YOUNG = {"attribute": "age", "op": "eq", "value": "18-24"}


def size(call: MakeCall, segment_id: UUID) -> tuple[int, int]:
    view = service.get_segment(call(), segment_id)
    return view.customers, view.unknown


def estimate(call: MakeCall, *segments_in: UUID, **asked: Any) -> tuple[int, int, int, int]:
    found = service.estimate_audience(call(), AudienceAsked(segments_in=list(segments_in), **asked))
    return found.customers, found.without_consent, found.held_out, found.grants


@given(rule=rules, of=attributes)
@example(rule={"attribute": "age", "op": "eq", "value": '") || (1 == 1'}, of={"age": "x"})
@example(rule={"attribute": "age", "op": "ne", "value": "x"}, of={})
@example(rule={"not": {"attribute": "age", "op": "gt", "value": 1}}, of={"age": "x"})
@example(rule={"attribute": "age", "op": "lt", "value": "\U0001f600"}, of={"age": "\uffff"})
@hypothesis_settings(max_examples=400)
def test_a_rule_means_in_the_database_what_it_means_in_plain_python(pool: Database, rule: dict[str, Any], of: Attributes) -> None:
    with pool.connection() as connection:
        row = connection.execute(
            "SELECT %(of)s::jsonb @@ %(rule)s::jsonpath AS belongs", {"of": json.dumps(of), "rule": to_jsonpath(read(rule))}
        ).fetchone()
    assert row
    assert row["belongs"] is holds(rule, of)


def test_a_rule_of_the_largest_size_can_be_evaluated(pool: Database) -> None:
    rule = {"any": [{"attribute": "age", "op": "in", "value": [f"v{n}" for n in range(999)]}]}
    with pool.connection() as connection:
        row = connection.execute('SELECT \'{"age": "v998"}\'::jsonb @@ %s::jsonpath AS belongs', (to_jsonpath(read(rule)),)).fetchone()
    assert row
    assert row["belongs"] is True


def test_a_list_keeps_customers_who_are_not_known_yet(call: MakeCall) -> None:
    put_all(call, "c1")
    segment_id = listed(call, "c1", "c2", "c2")
    assert size(call, segment_id) == (1, 1)
    put_all(call, "c2")
    assert size(call, segment_id) == (2, 0)


def test_a_rule_takes_customers_as_they_are_now(call: MakeCall) -> None:
    put(call, customer("c1", attributes={"age": "18-24"}), customer("c2", attributes={"age": "25-34"}))
    segment_id = ruled(call, YOUNG)
    assert size(call, segment_id) == (1, 0)
    put(call, customer("c2", attributes={"age": "18-24"}))
    assert size(call, segment_id) == (2, 0)
    assert service.get_segment(call(), segment_id).rule == YOUNG


def test_an_id_is_taken_once(call: MakeCall) -> None:
    body = NewSegment(segment_id=derived_id("s"), name="A", kind="list", customers=["c1"])
    service.create_segment(call(), body)
    with pytest.raises(Conflict):
        service.create_segment(call(), body)


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "list"},
        {"kind": "rule"},
        {"kind": "list", "customers": ["c1"], "rule": YOUNG},
        {"kind": "rule", "customers": ["c1"]},
        {"kind": "list", "customers": []},
    ],
)
def test_a_segment_has_what_its_kind_needs(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NewSegment.model_validate_json(json.dumps({"name": "A"} | body))


def test_segments_are_listed_newest_first(call: MakeCall, clock: SimulatedClock) -> None:
    listed(call, "c1", name="first")
    clock.advance(NOW + timedelta(hours=1))
    ruled(call, YOUNG, name="second")
    assert [s.name for s in service.list_segments(call(), Page()).segments] == ["second", "first"]
    assert [s.name for s in service.list_segments(call(), Page(limit=1, offset=1)).segments] == ["first"]


def test_an_unknown_segment_is_not_found(call: MakeCall) -> None:
    with pytest.raises(NotFound):
        service.get_segment(call(), derived_id("none"))


def test_other_areas_learn_which_segments_exist(call: MakeCall) -> None:
    segment_id = listed(call, "c1")
    with call().reading() as tx:
        assert service.known_segments(tx, [segment_id, derived_id("none")]) == {segment_id}


def test_an_estimate_joins_segments_and_takes_others_out(call: MakeCall) -> None:
    put(call, *(customer(f"c{n}", attributes={"age": "18-24" if n < 4 else "65+", "size": n}, consent=n != 3) for n in range(10)))
    young, some = ruled(call, YOUNG), listed(call, "c3", "c4", "c5", "nobody")
    large, few = ruled(call, {"attribute": "size", "op": "gte", "value": 5}), listed(call, "c0")
    assert estimate(call, young) == (4, 1, 0, 3)
    assert estimate(call, young, some) == (6, 1, 0, 5)
    assert estimate(call, young, large) == (9, 1, 0, 8)
    assert estimate(call, young, some, segments_out=[large]) == (5, 1, 0, 4)
    assert estimate(call, young, some, segments_out=[large, few]) == (4, 1, 0, 3)
    assert estimate(call) == (0, 0, 0, 0)


def test_an_estimate_counts_those_drawn_before_and_expects_the_share_of_the_rest(call: MakeCall) -> None:
    put_all(call, *(f"c{n}" for n in range(10)))
    drawn, everyone = listed(call, *(f"c{n}" for n in range(4))), listed(call, *(f"c{n}" for n in range(10)))
    assert estimate(call, everyone, holdout=5_000) == (10, 0, 5, 5)
    launched(call, went_live(OFFER, CAMPAIGN, segments_in=[drawn], holdout=10_000))
    assert estimate(call, everyone, holdout=5_000, campaign_id=CAMPAIGN) == (10, 0, 4 + 3, 3)
    assert estimate(call, everyone, campaign_id=CAMPAIGN) == (10, 0, 4, 6)


def test_an_estimate_names_every_segment_that_does_not_exist(call: MakeCall) -> None:
    with pytest.raises(Invalid) as refused:
        estimate(call, listed(call, "c1"), derived_id("a"), segments_out=[derived_id("b")])
    assert [problem.path for problem in refused.value.problems] == ["/segments_in/1", "/segments_out/0"]
