from collections import Counter
from dataclasses import replace

import pytest

from demo import checks, judging
from demo.figures import digest
from demo.reckoning import Expected
from tests.unit.demo.builders import (
    NOTHING,
    UNSEEN,
    a_basket,
    a_journey,
    a_redemption,
    a_report,
    a_showing,
    fails,
    some_figures,
)

ALL_JUDGED = Counter({judging.BASKET: 1, judging.TARGETED: 1, judging.IN_WINDOW: 1, judging.IN_SCOPE: 1})
REFUSED = a_redemption(reason="budget_exhausted", reward_minor=0, customer_id="household-2", transaction_id="basket-2")


def test_grants_hold_when_each_household_has_each_offer() -> None:
    assert checks.grants(some_figures(), a_journey()).ok


def test_grants_fail_when_one_is_missing() -> None:
    reports = {13: a_report(13, funnel={"granted": 1}), 14: a_report(14)}
    assert fails(checks.grants(some_figures(reports=reports), a_journey()))


def test_balance_holds() -> None:
    assert checks.balances(some_figures()).ok


@pytest.mark.parametrize(
    "balance",
    [
        {"balanced": True, "currencies": []},
        {"balanced": False, "currencies": [{"currency": "USD", "balanced": False, "debit_minor": 9, "credit_minor": 9}]},
        {"balanced": True, "currencies": [{"currency": "USD", "balanced": True, "debit_minor": 9, "credit_minor": 8}]},
    ],
    ids=["empty", "accounts disagree", "debits differ from credits"],
)
def test_balance_fails(balance: dict[str, object]) -> None:
    assert fails(checks.balances(some_figures(balance=balance)))


def test_spent_holds_when_all_three_agree() -> None:
    assert checks.spent_is_posted(some_figures(), {13: 50, 14: 0}).ok


def test_spent_fails_when_a_posting_is_missing() -> None:
    check = checks.spent_is_posted(some_figures(), {13: 49, 14: 0})
    assert fails(check)
    assert check.actual == "wrong for 13"


def test_spent_fails_when_a_redemption_is_missing() -> None:
    assert fails(checks.spent_is_posted(some_figures(redemptions=[]), {13: 50, 14: 0}))


def test_budget_fails_when_one_cent_is_overspent() -> None:
    reports = {13: a_report(13, budget={"approved_minor": 50, "reserved_minor": 1})}
    assert checks.within_budget(some_figures()).ok
    assert fails(checks.within_budget(some_figures(reports=reports)))


def test_reckoning_holds_when_redemptions_and_amounts_agree() -> None:
    assert checks.as_reckoned(some_figures(), {13: Expected(redemptions=1, reward_minor=50), 14: Expected()}).ok


@pytest.mark.parametrize("expected", [Expected(redemptions=2, reward_minor=50), Expected(redemptions=1, reward_minor=51)])
def test_reckoning_fails_when_they_differ(expected: Expected) -> None:
    assert fails(checks.as_reckoned(some_figures(), {13: expected, 14: Expected()}))


def test_ran_dry_holds_when_one_request_holds_an_admitted_and_a_refused_reward() -> None:
    figures = some_figures(redemptions=[a_redemption(), REFUSED])
    assert checks.ran_dry(figures, {"basket-1": 0, "basket-2": 0}).ok


def test_ran_dry_fails_when_the_budget_ended_between_requests() -> None:
    figures = some_figures(redemptions=[a_redemption(), REFUSED])
    assert fails(checks.ran_dry(figures, {"basket-1": 0, "basket-2": 1}))


def test_ran_dry_fails_when_no_budget_did() -> None:
    assert fails(checks.ran_dry(some_figures(), {"basket-1": 0}))


def test_ran_dry_fails_when_every_budget_did() -> None:
    figures = some_figures(reports={13: a_report(13)}, redemptions=[a_redemption(), REFUSED])
    assert fails(checks.ran_dry(figures, {"basket-1": 0, "basket-2": 0}))


def test_limits_fail_when_a_customer_had_an_offer_twice() -> None:
    assert checks.within_limits(some_figures()).ok
    assert fails(checks.within_limits(some_figures(redemptions=[a_redemption(), a_redemption(transaction_id="basket-2")])))


def test_limits_leave_out_what_was_refused() -> None:
    assert checks.within_limits(some_figures(redemptions=[a_redemption(), a_redemption(reward_minor=0)])).ok


def test_impressions_reported_twice_count_once() -> None:
    assert checks.counted_once(some_figures(), [a_showing(1), a_showing(1)]).ok


def test_impressions_counted_twice_fail() -> None:
    reports = {13: a_report(13, funnel={"served": 2}), 14: a_report(14, funnel=UNSEEN)}
    assert fails(checks.counted_once(some_figures(reports=reports), [a_showing(1), a_showing(1)]))


def test_paid_holds_when_credits_add_up() -> None:
    assert checks.paid(some_figures()).ok


def test_paid_fails_when_a_credit_is_missing_or_instructed_twice() -> None:
    credit = {"credit_id": "crd_1", "amount_minor": 50}
    assert fails(checks.paid(some_figures(credits=[])))
    assert fails(checks.paid(some_figures(credits=[credit, credit])))


def test_paid_fails_when_something_earned_is_not_paid() -> None:
    reports = {13: a_report(13, budget={"spent_minor": 60}), 14: a_report(14, budget=NOTHING)}
    assert fails(checks.paid(some_figures(reports=reports)))


def test_dead_letters_fail() -> None:
    assert checks.nothing_lost(some_figures()).ok
    assert fails(checks.nothing_lost(some_figures(dead_letters=1)))


def test_coupons_fail_one_by_one() -> None:
    assert all(check.ok for check in checks.coupons(ALL_JUDGED, a_journey()))
    judged = ALL_JUDGED - Counter({judging.IN_WINDOW: 1})
    assert [check.ok for check in checks.coupons(judged, a_journey())] == [True, True, False]


def test_recall_is_a_share() -> None:
    assert checks.recall(ALL_JUDGED, a_journey()) == 1.0
    assert checks.recall(Counter(), a_journey()) == 0.0


def test_digest_tells_any_change() -> None:
    figures = some_figures()
    assert digest(figures) == digest(some_figures())
    assert digest(figures) != digest(replace(figures, dead_letters=1))
    assert digest(figures) != digest(replace(figures, redemptions=[a_redemption(reward_minor=51)]))
    assert fails(checks.unchanged(digest(figures), digest(replace(figures, credits=[]))))


def test_baskets_are_found_in_their_requests() -> None:
    journey = a_journey(baskets=(a_basket(1), a_basket(2)))
    assert checks.request_of_basket(journey, []) == {"basket-1": 0, "basket-2": 0}
