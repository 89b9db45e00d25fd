"""What is worked out once per version: the version in force, the coarse range of time, the largest reward."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.eligibility.bounds import least_reward_minor
from shared.eligibility.compile import compile_offer
from shared.eligibility.model import Version
from shared.kernel.errors import Broken
from tests.unit.eligibility.builders import FIRST_MOMENT, compiled, offer, purchase, terms

PERCENT = {"kind": "percent", "basis_points": 1000}
CUMULATIVE = {"kind": "cumulative_spend", "threshold": 5000}
LATER = FIRST_MOMENT + timedelta(days=30)


def test_version_in_force_is_the_latest_begun_and_before_all_the_first() -> None:
    versions = (Version(number=2, in_force_from=LATER, terms=terms()), Version(number=1, in_force_from=FIRST_MOMENT, terms=terms()))
    made = compile_offer(offer(*versions))
    moments = (FIRST_MOMENT - timedelta(days=1), FIRST_MOMENT, LATER - timedelta(microseconds=1), LATER)
    assert [made.version_at(at).number for at in moments] == [1, 1, 1, 2]


def test_offer_without_a_version_is_not_compiled() -> None:
    with pytest.raises(Broken):
        compile_offer(offer())


def test_fixed_zone_has_an_exact_range() -> None:
    made = compiled()
    assert made.earliest == datetime(2017, 3, 1, 5, tzinfo=UTC)
    assert made.latest == datetime(2017, 4, 1, 4, tzinfo=UTC)


@pytest.mark.parametrize("policy", ["merchant", "customer"])
def test_zone_of_others_widens_the_range_to_every_zone(policy: str) -> None:
    made = compiled(window={"zone_policy": policy})
    assert made.earliest <= datetime.fromisoformat("2017-03-01T00:00:00+14:00")
    assert made.latest >= datetime.fromisoformat("2017-04-01T00:00:00-12:00")


def test_an_offer_may_hold_what_is_in_its_range_and_in_scope_of_the_version_in_force() -> None:
    another = terms(scope={"include": {"merchants": ["m2"]}})
    made = compile_offer(
        offer(Version(number=1, in_force_from=FIRST_MOMENT, terms=terms()), Version(number=2, in_force_from=LATER, terms=another))
    )
    tick = timedelta(microseconds=1)
    assert made.earliest < LATER < made.latest
    asked = [(made.earliest - tick, "m1"), (made.earliest, "m1"), (made.earliest, "m2"), (LATER - tick, "m1"), (LATER, "m1"), (LATER, "m2")]
    asked += [(made.latest - tick, "m2"), (made.latest, "m2")]
    held = [made.may_hold(purchase(at=at, merchant_id=merchant)) for at, merchant in asked]
    assert held == [False, True, False, True, False, True, True, False]


def test_range_is_the_union_of_the_versions() -> None:
    made = compile_offer(offer(terms(), terms(window={"start": "2017-02-10", "end": "2017-03-10"})))
    assert made.earliest == datetime(2017, 2, 10, 5, tzinfo=UTC)
    assert made.latest == datetime(2017, 4, 1, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({}, 500),
        ({"limits": {"reward_per_customer": 700}}, 500),
        ({"reward": PERCENT}, None),
        ({"reward": PERCENT | {"cap": "3.00"}}, 300),
        ({"reward": PERCENT, "limits": {"reward_per_customer": 200}}, 200),
        ({"reward": PERCENT, "qualification": CUMULATIVE}, None),
        ({"reward": PERCENT, "qualification": CUMULATIVE, "repeat": True}, 500),
    ],
)
def test_largest_single_reward(overrides: dict[str, Any], expected: int | None) -> None:
    assert compiled(**overrides).max_reward_minor == expected


def test_largest_single_reward_is_unbounded_when_one_version_is() -> None:
    assert compile_offer(offer(terms(), terms(reward=PERCENT))).max_reward_minor is None
    assert compile_offer(offer(terms(), terms(reward=PERCENT | {"cap": 900}))).max_reward_minor == 900


def test_largest_single_reward_is_that_of_any_variant() -> None:
    gold = {"name": "gold", "segments": [f"seg_{1:032x}"], "reward": {"kind": "fixed", "amount": 900}}
    assert compiled(variants=[gold]).max_reward_minor == 900
    assert compiled(variants=[gold | {"reward": {"kind": "fixed", "amount": 1}}]).max_reward_minor == 500
    assert compiled(variants=[gold | {"reward": PERCENT}]).max_reward_minor is None


def test_version_is_for_a_variant_that_it_knows_and_else_for_everybody() -> None:
    version = compiled(variants=[{"name": "gold", "segments": [f"seg_{1:032x}"], "threshold": 1}]).versions[0]
    assert [version.for_variant(name).threshold_minor for name in ("gold", "gone", None)] == [1, 2000, 2000]
    assert version.for_variant("gold").scope is version.scope


def test_versions_and_offers_share_their_codes() -> None:
    listed = [f"product-{n}" for n in range(100)]
    scoped = {"scope": {"include": {"products": listed}}}
    first, second = compile_offer(offer(terms(**scoped), terms(**scoped, repeat=True))).versions
    assert first.scope is second.scope
    other = compiled(scope={"include": {"products": listed[:50]}}).versions[0].scope.products.include or frozenset()
    mine = {id(code) for code in first.scope.products.include or ()}
    assert {id(code) for code in other} <= mine


@pytest.mark.parametrize(
    ("asked", "least"),
    [
        ({}, 500),
        ({"reward": PERCENT, "qualification": {"kind": "single_purchase", "threshold": 2000}}, 200),
        ({"reward": PERCENT, "qualification": {"kind": "visits", "threshold": 2000, "visits": 3}}, 600),
        ({"reward": PERCENT, "qualification": CUMULATIVE, "repeat": True}, 500),
        ({"reward": PERCENT, "qualification": {"kind": "single_purchase", "threshold": 0}}, 1),
    ],
)
def test_least_reward_is_that_of_the_smallest_amount_that_completes(asked: dict[str, Any], least: int) -> None:
    assert least_reward_minor(compiled(**asked).versions[0]) == least


def test_a_variant_has_a_least_reward_of_its_own() -> None:
    gold = {"name": "gold", "segments": ["seg_018f3c2e8a407d319c556f0e2b7a4d90"], "reward": {"kind": "fixed", "amount": 900}}
    version = compiled(variants=[gold]).versions[0]
    assert (least_reward_minor(version), least_reward_minor(version.for_variant("gold"))) == (500, 900)
