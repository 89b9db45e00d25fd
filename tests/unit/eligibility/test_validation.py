"""What is wrong with terms is found when they are saved, all at once, where it is, with how to mend it."""

from typing import Any

import pytest

from shared.eligibility.compile import compile_offer
from shared.eligibility.fold import evaluate
from shared.eligibility.terms import Terms
from shared.eligibility.validation import problems
from tests.unit.eligibility.builders import history, offer, purchase, terms

SEGMENT = f"seg_{1:032x}"
CUMULATIVE = {"kind": "cumulative_spend", "threshold": 5000}
PERCENT = {"kind": "percent", "basis_points": 500}
ONE_A_DAY = {"redemptions": 1, "per": "P1D", "kind": "calendar"}
WORDS = {"channel": "email", "language": "en", "title": "Five off", "text": "At our shops"}


def tiers(*listed: dict[str, Any], on: str = "whole") -> dict[str, Any]:
    return {"kind": "tiers", "on": on, "tiers": list(listed)}


@pytest.mark.parametrize(
    ("overrides", "path"),
    [
        ({"window": {"zone": "America/Gotham"}}, "/window/zone"),
        ({"window": {"zone": "../etc/passwd"}}, "/window/zone"),
        ({"window": {"end": "2017-02-28"}}, "/window/end"),
        ({"window": {"end": "2017-03-01", "end_inclusive": False}}, "/window/end"),
        ({"window": {"start": "2017-03-01T10:00", "end": "2017-03-01T10:00"}}, "/window/end"),
        ({"window": {"start": "2017-03-01T10:00", "end": "2017-03-01", "end_inclusive": False}}, "/window/end"),
        ({"window": {"end": "9999-12-31"}}, "/window/end"),
        ({"window": {"start": "0001-01-01"}}, "/window/start"),
        ({"window": {"life_after_grant": "P32D"}}, "/window/life_after_grant"),
        ({"reward": {"kind": "fixed", "amount": "5.001"}}, "/reward/amount"),
        ({"reward": {"kind": "fixed", "amount": 0}}, "/reward/amount"),
        ({"reward": PERCENT | {"cap": "1.234"}}, "/reward/cap"),
        ({"reward": PERCENT | {"cap": 0}}, "/reward/cap"),
        ({"reward": PERCENT | {"cap": "0.00"}}, "/reward/cap"),
        ({"currency": "JPY", "qualification": {"threshold": "20.5"}}, "/qualification/threshold"),
        ({"currency": "BHD", "qualification": {"threshold": "9999999999999.999"}}, "/qualification/threshold"),
        ({"limits": {"reward_per_customer": "7.001"}}, "/limits/reward_per_customer"),
        ({"limits": {"reward_per_customer": 0}}, "/limits/reward_per_customer"),
        ({"limits": {"reward_per_customer": 499}}, "/limits/reward_per_customer"),
        ({"reward": PERCENT | {"minimum": 0}}, "/reward/minimum"),
        ({"reward": PERCENT | {"minimum": "0.001"}}, "/reward/minimum"),
        ({"reward": PERCENT | {"minimum": 200, "cap": 100}}, "/reward/cap"),
        ({"reward": PERCENT | {"minimum": 200}, "limits": {"reward_per_customer": 199}}, "/limits/reward_per_customer"),
        ({"reward": tiers({"reached": 0})}, "/reward/tiers/0"),
        ({"reward": tiers({"reached": 0, "basis_points": 1, "amount": 1})}, "/reward/tiers/0"),
        ({"reward": tiers({"reached": 0, "amount": 100}, on="marginal")}, "/reward/tiers/0"),
        ({"reward": tiers({"reached": 0, "amount": 0})}, "/reward/tiers/0/amount"),
        ({"reward": tiers({"reached": "1.001", "amount": 5})}, "/reward/tiers/0/reached"),
        ({"reward": tiers({"reached": 5, "amount": 5}, {"reached": 5, "amount": 6})}, "/reward/tiers/1/reached"),
        ({"reward": tiers({"reached": 3000, "amount": 5}), "qualification": {"maximum": 2999}}, "/reward/tiers"),
        ({"reward": tiers({"reached": 6000, "amount": 5}), "repeat": True, "qualification": CUMULATIVE}, "/reward/tiers"),
        ({"reward": {"kind": "percent", "basis_points": 1}, "qualification": {"threshold": 0, "maximum": 49}}, "/reward/basis_points"),
        ({"qualification": {"maximum": 1999}}, "/qualification/maximum"),
        ({"qualification": {"maximum": 2000, "operator": ">"}}, "/qualification/maximum"),
        ({"qualification": {"threshold": 0, "maximum": 0}}, "/qualification/maximum"),
        ({"qualification": {"kind": "visits", "visits": 2, "maximum": 1999}}, "/qualification/maximum"),
        ({"qualification": {"kind": "visits"}}, "/qualification/visits"),
        ({"qualification": {"visits": 2}}, "/qualification/visits"),
        ({"limits": {"per_period": [ONE_A_DAY | {"per": "P2D"}]}}, "/limits/per_period/0/per"),
        ({"limits": {"per_period": [ONE_A_DAY, ONE_A_DAY | {"redemptions": 2}]}}, "/limits/per_period/1"),
        ({"repeat": True, "limits": {"redemptions_per_customer": 1}}, "/limits/redemptions_per_customer"),
        ({"repeat": True, "qualification": CUMULATIVE | {"threshold": 0}}, "/qualification/threshold"),
        ({"repeat": True, "reward": PERCENT, "qualification": CUMULATIVE | {"threshold": 9}}, "/reward/basis_points"),
        ({"scope": {"include": {"merchants": ["m1"]}, "exclude": {"merchants": ["m1", "m2"]}}}, "/scope/exclude/merchants"),
        ({"scope": {"include": {"products": ["p1", "p2"]}, "exclude": {"products": ["p2", "p1"]}}}, "/scope/exclude/products"),
        ({"scope": {"include": {"mccs": ["5411"]}, "exclude": {"mccs": ["5411"]}}}, "/scope/exclude/mccs"),
        ({"scope": {"include": {"locations": ["l1"]}, "exclude": {"locations": ["l1"]}}}, "/scope/exclude/locations"),
        ({"audience": {"segments_in": [SEGMENT], "segments_out": [SEGMENT]}}, "/audience/segments_out"),
        ({"audience": {"holdout": 10_000}}, "/audience/holdout"),
        ({"content": [WORDS, WORDS | {"title": "Again"}]}, "/content/1"),
    ],
)
def test_tells_what_is_wrong_and_where(overrides: dict[str, Any], path: str) -> None:
    (problem,) = problems(terms(**overrides))
    assert problem.path == path
    assert ":" in problem.message
    assert problem.message.endswith(".")


@pytest.mark.parametrize(
    "overrides",
    [
        {},
        {"window": {"end": "2017-03-01"}},
        {"window": {"start": "2017-03-01T10:00", "end": "2017-03-01T10:00:01"}},
        {"window": {"life_after_grant": "P31D"}},
        {"reward": PERCENT | {"cap": 1}},
        {"qualification": {"threshold": 0, "operator": ">"}},
        {"limits": {"reward_per_customer": 500, "redemptions_per_customer": 1}},
        {"repeat": True, "limits": {"redemptions_per_customer": 2}},
        {"repeat": True, "reward": PERCENT, "qualification": CUMULATIVE | {"threshold": 10}},
        {"qualification": CUMULATIVE | {"threshold": 0}},
        {"qualification": {"threshold": 2000, "maximum": 2000}},
        {"qualification": {"threshold": 2000, "maximum": 2001, "operator": ">"}},
        {"qualification": {"threshold": 0, "maximum": 1}},
        {"qualification": CUMULATIVE | {"maximum": 1}},
        {"qualification": {"kind": "visits", "visits": 2, "maximum": 2000}, "reward": tiers({"reached": 3000, "amount": 5})},
        {"reward": PERCENT | {"minimum": 100, "cap": 100}},
        {"reward": tiers({"reached": 2000, "amount": 5}), "qualification": {"maximum": 2000}},
        {"reward": tiers({"reached": 0, "basis_points": 1}, {"reached": 1, "basis_points": 2}, on="marginal")},
        {"limits": {"per_period": [ONE_A_DAY, ONE_A_DAY | {"kind": "rolling"}, ONE_A_DAY | {"per": "P1M"}]}},
        {"scope": {"include": {"merchants": ["m1", "m2"]}, "exclude": {"merchants": ["m1"]}}},
        {"audience": {"segments_in": [SEGMENT], "segments_out": [f"seg_{2:032x}"], "holdout": 9_999}},
        {"content": [WORDS, WORDS | {"language": "es"}, WORDS | {"channel": "web"}]},
    ],
)
def test_lets_right_terms_pass(overrides: dict[str, Any]) -> None:
    assert problems(terms(**overrides)) == ()


def test_tells_all_problems_at_once() -> None:
    wrong = terms(
        reward={"kind": "fixed", "amount": "5.001"},
        window={"zone": "America/Gotham", "end": "2017-02-01"},
        repeat=True,
        limits={"redemptions_per_customer": 1},
    )
    assert {problem.path for problem in problems(wrong)} == {
        "/reward/amount",
        "/window/zone",
        "/window/end",
        "/limits/redemptions_per_customer",
    }


@pytest.mark.parametrize("year", ["1970-01-01", "2199-12-31"])
def test_terms_at_the_ends_of_the_calendar_can_be_used(year: str) -> None:
    edge: Terms = terms(window={"start": year, "end": year, "zone": "Pacific/Kiritimati", "zone_policy": "merchant"})
    assert problems(edge) == ()
    assert evaluate(compile_offer(offer(edge)), history(purchase(zone="Pacific/Pago_Pago"))).outcomes == ()
