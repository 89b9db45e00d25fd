"""The explanation: every rule with what was asked and found, for a purchase made or not yet made."""

from dataclasses import replace
from datetime import timedelta

from shared.eligibility.compile import compile_offer
from shared.eligibility.explain import explain
from shared.eligibility.fold import evaluate
from shared.eligibility.model import Before, Interval, Item, Refusal, RuleResult, Verdict
from shared.eligibility.rules import COMPLETES, OF_PURCHASE
from shared.kernel.reasons import Reason
from tests.unit.eligibility.builders import PURCHASED_AT, compiled, grant, history, offer, purchase, terms

REFUSED = Refusal(grant_id=grant().grant_id, completion="t1", reason=Reason.BUDGET_EXHAUSTED)
FIRST = replace(REFUSED, completion="1")


def rule(verdict: Verdict, name: str) -> RuleResult:
    return next(result for result in verdict.rules if result.rule == name)


def test_names_every_rule_once_in_order() -> None:
    (verdict,) = explain(compiled(), history(), purchase())
    assert [result.rule for result in verdict.rules] == [r.name for table in (OF_PURCHASE, COMPLETES) for r in table]
    assert len({result.rule for result in verdict.rules}) == len(verdict.rules)
    assert all(result.expected and result.actual for result in verdict.rules)


def test_purchase_not_yet_made_earns_at_its_place_in_time() -> None:
    (verdict,) = explain(compiled(), history(), purchase())
    assert (verdict.eligible, verdict.reward_minor, verdict.version, verdict.reasons) == (True, 500, 1, ())


def test_purchase_before_one_that_completed_takes_its_place() -> None:
    made = history(purchase("t2"))
    (early,) = explain(compiled(), made, purchase("t1", at=PURCHASED_AT - timedelta(days=1)))
    (late,) = explain(compiled(), made, purchase("t3", at=PURCHASED_AT + timedelta(days=1)))
    assert (early.eligible, early.reward_minor) == (True, 500)
    assert (late.eligible, late.reasons) == (False, (Reason.ALREADY_COMPLETED,))


def test_purchase_in_the_history_is_not_counted_twice() -> None:
    bought = purchase(amount_minor=3000)
    cumulative = compiled(qualification={"kind": "cumulative_spend", "threshold": 5000})
    (verdict,) = explain(cumulative, history(bought), bought)
    assert verdict.reasons == (Reason.PROGRESS_BELOW_THRESHOLD,)
    assert rule(verdict, "running sum").actual == "30.00 USD"
    assert rule(verdict, "running sum").expected == ">= 50.00 USD"


def test_other_content_under_a_known_id_is_a_what_if() -> None:
    (verdict,) = explain(compiled(), history(purchase(amount_minor=1)), purchase(amount_minor=2000))
    assert verdict.eligible


def test_all_failing_reasons_are_named_in_order() -> None:
    wrong = purchase(merchant_id="m2", amount_minor=1999, currency="CAD", at=PURCHASED_AT + timedelta(days=60))
    (verdict,) = explain(compiled(activation="required"), history(), wrong)
    assert verdict.reasons == (
        Reason.NOT_ACTIVATED,
        Reason.OUTSIDE_WINDOW,
        Reason.CURRENCY_MISMATCH,
        Reason.MERCHANT_NOT_IN_SCOPE,
        Reason.AMOUNT_BELOW_THRESHOLD,
    )
    assert rule(verdict, "merchant").expected == "one of m1"
    assert rule(verdict, "merchant").actual == "m2"
    assert rule(verdict, "in the window").expected == "2017-03-01 to 2017-03-31 (inclusive) in America/New_York"
    assert rule(verdict, "in the window").actual == "2017-05-14T12:00:00-04:00 in America/New_York"


def test_long_lists_are_counted_not_listed() -> None:
    scope = {"include": {"products": [f"p{n}" for n in range(1234)]}, "exclude": {"products": ["x"]}}
    (verdict,) = explain(compiled(scope=scope), history(), purchase(items=(Item("y", 1),)))
    assert rule(verdict, "products").expected == "one of 1,234 products, none of x"
    assert rule(verdict, "products").actual == "y"


def test_one_verdict_per_grant_in_order_each_with_what_was_left_for_it() -> None:
    grants = (grant("g2", granted_at=PURCHASED_AT), grant("g1"))
    limited = compiled(limits={"reward_per_customer": 700, "redemptions_per_customer": 2})
    first, second = explain(limited, history(grants=grants), purchase())
    assert [(v.grant_id, v.reward_minor) for v in (first, second)] == [(grant("g1").grant_id, 500), (grant("g2").grant_id, 200)]
    assert [rule(v, "customer's reward").actual for v in (first, second)] == ["0.00 USD before", "5.00 USD before"]
    assert [rule(v, "customer's redemptions").actual for v in (first, second)] == ["0 before", "1 before"]


def test_tells_where_grant_and_customer_stood_before() -> None:
    carrying = compiled(repeat=True, activation="required", qualification={"kind": "cumulative_spend", "threshold": 5000})
    activated_at = PURCHASED_AT - timedelta(days=5)
    made = [purchase(f"t{day}", at=PURCHASED_AT - timedelta(days=4 - day), amount_minor=4000) for day in (1, 2, 3)]
    opted_out = (Interval(start=PURCHASED_AT),)
    held = history(*made, grants=(grant(activated_at=activated_at),), consent_withdrawn=opted_out, refusals=(FIRST,))
    (verdict,) = explain(carrying, held, purchase("t9"))
    assert verdict.before == Before(
        spend_minor=2000, visits=3, completions=2, redemptions=1, rewarded_minor=500, activated_at=activated_at, consent=False
    )


def test_where_nothing_was_before_there_are_zeros() -> None:
    (verdict,) = explain(compiled(), history(grants=()), purchase())
    assert verdict.before == Before(
        spend_minor=0, visits=0, completions=0, redemptions=0, rewarded_minor=0, activated_at=None, consent=True
    )


def test_grant_of_a_variant_is_explained_by_its_terms() -> None:
    gold = {"name": "gold", "segments": [f"seg_{1:032x}"], "reward": {"kind": "fixed", "amount": 900}, "threshold": 1500}
    grants = (grant("g1", variant="gold"), grant("g2", variant="gone"))
    verdicts = explain(compiled(variants=[gold]), history(grants=grants), purchase(amount_minor=1600))
    assert [(v.variant, v.reward_minor, rule(v, "amount").expected) for v in sorted(verdicts, key=lambda v: v.reward_minor)] == [
        (None, 0, ">= 20.00 USD"),
        ("gold", 900, ">= 15.00 USD"),
    ]


def test_without_a_grant_there_is_one_verdict_without_one() -> None:
    (verdict,) = explain(compiled(), history(grants=()), purchase())
    assert (verdict.grant_id, verdict.eligible, verdict.reasons) == (None, False, (Reason.NOT_TARGETED,))


def test_held_out_customer_gets_one_verdict() -> None:
    (verdict,) = explain(compiled(), history(held_out=True), purchase())
    assert (verdict.grant_id, verdict.reasons) == (None, (Reason.HELD_OUT, Reason.NOT_TARGETED))


def test_refused_completion_is_not_earned_and_tells_why() -> None:
    (verdict,) = explain(compiled(), history(refusals=(REFUSED,)), purchase())
    assert (verdict.eligible, verdict.reward_minor, verdict.reasons) == (False, 0, (Reason.BUDGET_EXHAUSTED,))
    assert rule(verdict, "admitted").expected == "redemption 1 admitted"


def test_one_purchase_that_completes_several_times_earns_the_sum_of_what_was_admitted() -> None:
    carrying = compiled(repeat=True, qualification={"kind": "cumulative_spend", "threshold": 5000})
    (verdict,) = explain(carrying, history(refusals=(FIRST,)), purchase(amount_minor=16_000))
    assert (verdict.eligible, verdict.reward_minor) == (True, 1000)


def test_names_the_version_in_force_at_the_purchase() -> None:
    first, second = (replace(offer(terms()).versions[0], number=n, in_force_from=PURCHASED_AT + timedelta(days=n)) for n in (0, 1))
    made = compile_offer(offer(first, second))
    later = purchase(at=PURCHASED_AT + timedelta(days=1))
    assert [explain(made, history(), bought)[0].version for bought in (purchase(), later)] == [0, 1]
    assert [outcome.version for outcome in evaluate(made, history(later)).outcomes] == [1]


def test_scope_is_told_as_it_is_written_and_what_is_not_known_as_unknown() -> None:
    scope = {"include": {"mccs": ["5411-5499", "5812"], "channels": ["app"]}, "exclude": {"mccs": ["5450"], "brands": ["Corner"]}}
    (verdict,) = explain(compiled(scope=scope), history(), purchase(mcc="5450"))
    category, channel, brand = (rule(verdict, name) for name in ("merchant category", "channel", "brand"))
    assert (category.expected, category.actual, category.passed) == ("one of 5411-5499, 5812, none of 5450", "5450", False)
    assert (channel.expected, channel.actual, channel.passed) == ("one of app", "unknown", False)
    assert (brand.expected, brand.actual, brand.passed) == ("any, none of Corner", "unknown", True)
    assert verdict.reasons == (Reason.MCC_NOT_IN_SCOPE, Reason.CHANNEL_NOT_IN_SCOPE)


def test_days_times_and_dates_are_told_on_the_clock_of_the_window() -> None:
    window = {"days_of_week": ["sunday"], "times_of_day": ["22:00-02:00"], "excluded_dates": ["2017-03-15"], "tail": "P10D"}
    (verdict,) = explain(compiled(window=window), history(), purchase())
    told = {name: rule(verdict, name) for name in ("date not excluded", "day of the week", "time of day", "arrived in time")}
    assert [result.expected for result in told.values()] == [
        "none of 2017-03-15",
        "one of sunday",
        "one of 22:00-02:00",
        "recorded before 2017-04-11T04:00:00+00:00",
    ]
    assert {result.actual for result in told.values()} == {
        "wednesday, 2017-03-15T12:00:00-04:00 in America/New_York",
        "not recorded yet",
    }
    assert [result.passed for result in told.values()] == [False, False, False, True]
