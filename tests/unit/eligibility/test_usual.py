"""What is quick says what the table of rules and the fold say: of the usual terms, and of histories of one grant and one purchase."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.eligibility.alone import evaluate_alone
from shared.eligibility.compile import CompiledOffer, CompiledVersion, compile_offer
from shared.eligibility.fold import evaluate
from shared.eligibility.model import History, Interval, Offer, Refusal
from shared.eligibility.rule import Case, first_failing
from shared.eligibility.rules import COUNTS
from shared.eligibility.terms import Limits, Qualification, Terms, Window
from shared.eligibility.usual import KNOWN
from shared.eligibility.weighing import weigh
from shared.kernel.reasons import Reason
from shared.kernel.wire import Wire
from tests.unit.eligibility.builders import GRANTED_AT, PURCHASED_AT, compiled, grant, history, offer, purchase, terms
from tests.unit.eligibility.strategies import ZONES, histories, offers, rarely

many = settings(max_examples=150, deadline=None)
ended: Final = rarely(st.sampled_from([Reason.DECLINED, Reason.REFUNDED]))

IN_ONE_PASS: Final = {
    "not held out",
    "targeted",
    "grant not revoked",
    "consent",
    "activated",
    "activated in time",
    "in the window",
    "currency",
    "purchase stands",
    "not completed before",
    "amount",
    "maximum amount",
}
LEFT_TO_THE_TABLE: Final[dict[str, dict[str, Any]]] = {
    "grant alive": {"window": {"life_after_grant": "P10D"}},
    "date not excluded": {"window": {"excluded_dates": ["2017-03-15"]}},
    "day of the week": {"window": {"days_of_week": ["monday"]}},
    "time of day": {"window": {"times_of_day": ["09:00-12:00"]}},
    "arrived in time": {"window": {"tail": "P10D"}},
    "new customer": {"recency": {"customers": "new", "within": "P30D"}},
    "lapsed customer": {"recency": {"customers": "lapsed", "within": "P30D"}},
}
STOPS: Final[dict[str, dict[str, Any]]] = {
    "not withdrawn": {"withdrawn_at": PURCHASED_AT},
    "not paused": {"pauses": (Interval(start=PURCHASED_AT),)},
    "not cancelled": {"cancelled_at": PURCHASED_AT},
}


@many
@given(offers(), histories(), st.integers(0, 1), ended)
def test_usual_rules_in_one_pass_say_what_the_table_says(drawn: Offer, known: History, completions: int, end: Reason | None) -> None:
    made = compile_offer(drawn)
    for bought in known.purchases:
        in_force = made.version_at(bought.at)
        judged, weight = weigh(in_force, replace(bought, ended=end))
        for given_one in known.grants:
            version = in_force.for_variant(given_one.variant)
            case = Case(drawn, version, known, given_one, judged, completions, weight.judged_minor)
            if version.why_not and not known.held_out:
                in_one_pass = version.why_not(known, given_one, judged, completions, weight.judged_minor)
                assert in_one_pass == first_failing(COUNTS, case)


@many
@given(offers(), histories(), st.booleans(), ended)
def test_what_is_quick_comes_to_what_the_table_makes_of_it(drawn: Offer, known: History, alone: bool, end: Reason | None) -> None:  # noqa: FBT001
    bought = tuple(replace(one, ended=end) for one in known.purchases)
    few = replace(known, grants=known.grants[:1], purchases=bought[:1]) if alone else replace(known, purchases=bought)
    made = compile_offer(drawn)
    assert evaluate(made, few) == evaluate(by_the_table(made), few)


def by_the_table(made: CompiledOffer) -> CompiledOffer:
    return replace(made, versions=tuple(map(_without_one_pass, made.versions)))


def _without_one_pass(version: CompiledVersion) -> CompiledVersion:
    variants = {name: _without_one_pass(variant) for name, variant in version.variants.items()}
    return replace(version, why_not=None, earned=None, variants=variants)


TICK: Final = timedelta(microseconds=1)
AT_THE_EDGES: Final = [
    *({"grants": (grant(granted_at=PURCHASED_AT + by),)} for by in (-TICK, 0 * TICK, TICK)),
    *({"grants": (grant(revoked_at=PURCHASED_AT + by),)} for by in (-TICK, 0 * TICK, TICK)),
    *({"grants": (grant(activated_at=at),)} for at in (None, PURCHASED_AT - TICK, PURCHASED_AT, PURCHASED_AT + TICK)),
    *({"consent_withdrawn": (Interval(start=PURCHASED_AT + by),)} for by in (-TICK, 0 * TICK, TICK)),
    *({"consent_withdrawn": (Interval(start=GRANTED_AT, end=PURCHASED_AT + by),)} for by in (-TICK, 0 * TICK, TICK)),
    *({"purchases": (purchase(amount_minor=amount),)} for amount in (0, 1999, 2000, 2001, 3000, 3001)),
    {"purchases": (purchase(posted_at=PURCHASED_AT + timedelta(days=2)),)},
    {"purchases": (purchase(currency="CAD"),)},
    {"purchases": (purchase(merchant_id="m2"),)},
    {"purchases": (purchase(account_token="a1"),)},
    {"purchases": (purchase(at=PURCHASED_AT + timedelta(days=20)),)},
    {"refusals": (Refusal(grant_id=grant().grant_id, completion="t1", reason=Reason.BUDGET_EXHAUSTED),)},
]


@pytest.mark.parametrize("known", AT_THE_EDGES)
@pytest.mark.parametrize(
    "asked",
    [
        {"qualification": {"maximum": 3000}},
        {"qualification": {"operator": ">"}},
        {"activation": "required"},
        {"limits": {"reward_per_customer": 300}},
        {"reward": {"kind": "percent", "basis_points": 1}, "qualification": {"threshold": 0}},
    ],
    ids=["maximum", "more than", "activation", "limit", "nothing to reward"],
)
def test_edges_are_the_same(asked: dict[str, Any], known: dict[str, Any]) -> None:
    made, one = compiled(**asked), history(**{"purchases": (purchase(),), **known})
    alone = evaluate_alone(made, one)
    assert alone is not None
    assert alone == evaluate(by_the_table(made), one)


def test_every_rule_is_either_in_the_one_pass_or_left_to_the_table() -> None:
    assert {rule.name for rule in COUNTS} == {*IN_ONE_PASS, *LEFT_TO_THE_TABLE, *STOPS}


@pytest.mark.parametrize("overrides", LEFT_TO_THE_TABLE.values(), ids=LEFT_TO_THE_TABLE)
def test_terms_that_ask_for_more_than_the_usual_are_left_to_the_table(overrides: dict[str, Any]) -> None:
    made = compiled(**overrides)
    assert made.versions[0].why_not is None
    assert made.versions[0].earned is None
    assert evaluate_alone(made, history(purchase())) is None


SET: Final[dict[type[Wire], dict[str, Any]]] = {
    Terms: {"repeat": True},
    Qualification: {"qualification": {"maximum": 3000}},
    Window: {"window": {"zone_policy": "customer"}},
    Limits: {"limits": {"redemptions_total": 5}},
}
"""Of each part of the terms a field that the one pass knows, set."""


@pytest.mark.parametrize("part", SET, ids=lambda part: part.__name__)
def test_a_field_that_the_one_pass_does_not_know_is_left_to_the_table_where_it_is_set(
    part: type[Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a new term is held by its rule at once."""
    asked = SET[part]
    (name,) = asked if part is Terms else next(iter(asked.values()))
    assert compiled(**asked).versions[0].why_not
    monkeypatch.setitem(KNOWN, part, KNOWN[part] - {name})
    made, plain = compiled(**asked).versions[0], compiled().versions[0]
    assert (made.why_not, made.earned) == (None, None)
    assert plain.why_not


@pytest.mark.parametrize("stopped", STOPS.values(), ids=STOPS)
def test_stopped_offers_are_left_to_the_table(stopped: dict[str, Any]) -> None:
    made = compile_offer(offer(terms(), **stopped))
    assert made.versions[0].why_not is None
    assert made.versions[0].earned is None
    assert evaluate_alone(made, history(purchase())) is None


@pytest.mark.parametrize(
    "known",
    [
        history(purchase(), held_out=True),
        history(purchase(cleared=purchase(amount_minor=100))),
        history(purchase(before_refunds=purchase(amount_minor=9000))),
    ],
    ids=["held out", "not all cleared", "refunded in part"],
)
def test_what_takes_more_than_one_pass_is_left_to_the_fold(known: History) -> None:
    assert evaluate_alone(compiled(), known) is None


@pytest.mark.parametrize("overrides", [{}, {"activation": "required"}, {"window": {"zone_policy": "customer"}}])
def test_usual_terms_need_no_table_nor_fold(overrides: dict[str, Any]) -> None:
    made, known = compiled(**overrides), history(purchase(), grants=(grant(activated_at=PURCHASED_AT),))
    alone = evaluate_alone(made, known)
    assert made.versions[0].why_not
    assert made.versions[0].earned
    assert alone
    assert [outcome.reward_minor for outcome in alone.outcomes] == [500]


@pytest.mark.parametrize("policy", ["fixed", "merchant", "customer"])
def test_a_moment_surely_in_the_window_is_in_it_in_every_zone(policy: str) -> None:
    window = compiled(window={"start": "2017-03-13", "end": "2017-03-17", "zone_policy": policy}).versions[0].window
    start, stop = window.surely()
    moments = [at for hours in range(-100, 100) if start <= (at := PURCHASED_AT + timedelta(hours=hours)) < stop]
    assert moments
    assert all(window.holds(at, zone, zone) for at in moments for zone in (*ZONES, "Etc/GMT-14", "Etc/GMT+12", None))


@pytest.mark.parametrize("code", ["purchase", "include_merchants", "None", "True"])
def test_a_code_that_reads_like_python_is_a_code_and_nothing_else(code: str) -> None:
    made = compiled(scope={"include": {"merchants": [code]}})
    asked = made.versions[0]
    assert asked.earned
    assert asked.in_scope(purchase(merchant_id=code))
    assert not asked.in_scope(purchase(merchant_id="m1"))
    assert asked.earned(history(purchase()), grant(), purchase(merchant_id=code)) == 500
    assert asked.earned(history(purchase()), grant(), purchase(merchant_id="m1")) is None


@pytest.mark.parametrize("policy", ["fixed", "merchant", "customer"])
@pytest.mark.parametrize("by", [-TICK, 0 * TICK, TICK])
@pytest.mark.parametrize("edge", ["start", "stop"])
def test_edges_of_the_window_are_the_same(policy: str, by: timedelta, edge: str) -> None:
    made = compiled(window={"zone_policy": policy})
    window = made.versions[0].window
    for span in (window.surely(), window.span(None, None)):
        one = history(purchase(at=getattr(span, edge) + by), grants=(grant(granted_at=span.start - timedelta(days=9)),))
        assert evaluate_alone(made, one) == evaluate(by_the_table(made), one)
