"""Corrections laid over what the terms give: one rule a test."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.eligibility.compile import compile_offer
from shared.eligibility.corrections import corrected
from shared.eligibility.explain import explain
from shared.eligibility.fold import evaluate
from shared.eligibility.model import Correction, History, Outcome
from shared.eligibility.stacking import Member, evaluate_together
from shared.kernel.ids import CORRECTION, derived_id
from shared.kernel.reasons import Reason
from tests.unit.eligibility.builders import PURCHASED_AT, compiled, grant, history, offer, purchase, terms

DAY = timedelta(days=1)


def correction(amount: int = 100, of: str = "t1", *, forces: bool = False, **overrides: Any) -> Correction:
    """An adjustment of what purchase t1 earned, or a redemption forced for it."""
    values: dict[str, Any] = {"grant_id": grant().grant_id, "completion": of, "at": PURCHASED_AT, "transaction_id": of, "merchant_id": "m1"}
    values |= {"correction_id": derived_id("correction", amount, of, forces), "forces": forces, "amount_minor": amount}
    return Correction(**values | overrides)


def outcomes(past: History, **asked: Any) -> tuple[Outcome, ...]:
    return evaluate(compiled(**{"repeat": True} | asked), past).outcomes


def rewards(past: History, **asked: Any) -> dict[str, tuple[int, int, int]]:
    """Reward, what of it is earned, and what of it is corrected, by completion."""
    return {o.completion: (o.reward_minor, o.earned_minor, o.corrected_minor) for o in outcomes(past, **asked)}


@pytest.mark.parametrize(
    ("told", "back", "given"),
    [(2_000, {}, 1), (2_000, {("t9", "USD"): 1_999}, 1), (2_000, {("t9", "USD"): 2_000}, 0), (2_000, {("t9", "EUR"): 2_000}, 1),
     (2_000, {("t8", "USD"): 2_000}, 1), (None, {("t9", "USD"): 2_000}, 1), (0, {}, 1)],
)  # fmt: skip
def test_what_is_forced_for_a_purchase_that_is_not_known_goes_when_all_that_was_told_is_given_back(
    told: int | None, back: dict[tuple[str, str], int], given: int
) -> None:
    forced = (correction(300, "t9", forces=True, purchase_minor=told), correction(50, "t9"))
    past = history(corrections=forced, given_back=back)
    assert rewards(past) == {"t9": (350, 350, 350) if given else (0, 0, 0)}


def test_what_was_forced_and_given_back_lifts_no_completion_that_other_purchases_reach() -> None:
    forced = correction(900, "1", forces=True, transaction_id="t9", purchase_minor=2_000)
    past = history(purchase(amount_minor=20_000), corrections=(forced,), given_back={("t9", "USD"): 2_000})
    cumulative = {"qualification": {"kind": "cumulative_spend", "threshold": 20_000}, "repeat": False}
    assert rewards(past, **cumulative) == {"1": (500, 500, 0)}
    assert rewards(replace(past, given_back={}), **cumulative) == {"1": (900, 900, 400)}


@pytest.mark.parametrize(("changes", "reward"), [((100,), 600), ((-200,), 300), ((100, -200, 50), 450), ((-500,), 0), ((-900, 100), 0)])
def test_adjustments_add_up_and_never_go_below_nothing(changes: tuple[int, ...], reward: int) -> None:
    past = history(purchase(), corrections=tuple(map(correction, changes)))
    assert rewards(past) == {"t1": (reward, reward, reward - 500)}


def test_an_adjustment_touches_its_own_completion_only() -> None:
    other = grant("g2")
    past = history(purchase(), purchase("t2"), grants=(grant(), other), corrections=(correction(100),))
    assert {(o.grant_id, o.completion): o.reward_minor for o in outcomes(past)} == {
        (grant().grant_id, "t1"): 600,
        (grant().grant_id, "t2"): 500,
        (other.grant_id, "t1"): 500,
        (other.grant_id, "t2"): 500,
    }


def test_an_adjustment_stands_beside_what_a_refund_leaves_and_falls_with_all_of_it() -> None:
    percent = {"reward": {"kind": "percent", "basis_points": 1_000}}
    for amount, reward in ((6_000, 650), (3_000, 350)):
        assert rewards(history(purchase(amount_minor=amount), corrections=(correction(50),)), **percent) == {"t1": (reward, reward, 50)}
    gone = purchase(amount_minor=0, ended=Reason.REFUNDED)
    assert rewards(history(gone, corrections=(correction(50),)), **percent) == {}


def test_an_adjustment_gives_nothing_for_a_completion_that_refunds_took_back() -> None:
    (outcome,) = outcomes(history(purchase()))
    taken_back = outcome._replace(reward_minor=0, earned_minor=0)
    assert corrected(compiled(), history(purchase(), corrections=(correction(50),)), [taken_back]) == (taken_back,)


@pytest.mark.parametrize(
    ("cleared", "change", "reward", "earned"),
    [
        (0, 50, 350, 0),
        (2_000, 50, 350, 200),
        (3_000, 50, 350, 350),
        (0, -50, 250, 0),
        (2_000, -50, 250, 150),
        (2_000, -250, 50, 0),
        (3_000, -50, 250, 250),
    ],
)
def test_what_is_raised_is_earned_when_all_has_cleared_and_what_is_lowered_is_taken_off_at_once(
    cleared: int, change: int, reward: int, earned: int
) -> None:
    percent = {"reward": {"kind": "percent", "basis_points": 1_000}}
    authorised = purchase(amount_minor=3_000, cleared=purchase(amount_minor=cleared))
    assert rewards(history(authorised, corrections=(correction(change),)), **percent) == {"t1": (reward, earned, change)}


@pytest.mark.parametrize(("forced", "reward", "earned"), [(200, 350, 200), (300, 350, 350), (400, 450, 450)])
def test_what_is_raised_is_earned_at_once_where_all_of_it_was_forced(forced: int, reward: int, earned: int) -> None:
    percent = {"reward": {"kind": "percent", "basis_points": 1_000}}
    authorised = purchase(amount_minor=3_000, cleared=purchase(amount_minor=0))
    past = history(authorised, corrections=(correction(forced, forces=True), correction(50)))
    assert rewards(past, **percent) == {"t1": (reward, earned, reward - 300)}


def test_a_forced_completion_gives_what_the_terms_do_not() -> None:
    past = history(purchase(amount_minor=100), corrections=(correction(300, forces=True),))
    (outcome,) = outcomes(past)
    assert (outcome.reward_minor, outcome.earned_minor, outcome.corrected_minor, outcome.qualifying_minor) == (300, 300, 300, 0)
    assert (outcome.at, outcome.held_from, outcome.transaction_id) == (PURCHASED_AT, PURCHASED_AT, "t1")
    assert (outcome.merchant_id, outcome.account_token, outcome.version, outcome.ordinal) == ("m1", None, 1, 0)


@pytest.mark.parametrize(("forced", "reward"), [(300, 500), (700, 700)])
def test_a_forced_completion_that_is_reached_after_all_is_given_once_at_the_higher_reward(forced: int, reward: int) -> None:
    assert rewards(history(purchase(), corrections=(correction(forced, forces=True),))) == {"t1": (reward, reward, reward - 500)}


@pytest.mark.parametrize("spent", [2_000, 4_000, 8_000])
def test_a_forced_number_is_the_completion_that_the_sum_reaches_later(spent: int) -> None:
    sums = {"qualification": {"kind": "cumulative_spend", "threshold": 4_000}, "repeat": False}
    forced = correction(300, "elsewhere", forces=True, completion="1")
    past = history(purchase(amount_minor=spent), corrections=(forced,))
    reward = 500 if spent >= 4_000 else 300
    assert rewards(past, **sums) == {"1": (reward, reward, reward - 500 if spent >= 4_000 else 300)}


def test_what_is_forced_can_be_adjusted() -> None:
    past = history(corrections=(correction(300, forces=True), correction(-100)))
    assert rewards(past) == {"t1": (200, 200, 200)}


def test_an_adjustment_alone_gives_nothing() -> None:
    assert rewards(history(corrections=(correction(300),))) == {}


@pytest.mark.parametrize("reason", [Reason.REFUNDED, Reason.REVERSED, Reason.DECLINED, Reason.AUTHORIZATION_EXPIRED])
def test_nothing_is_forced_for_a_purchase_of_which_nothing_stands(reason: Reason) -> None:
    past = history(purchase(amount_minor=0, ended=reason), corrections=(correction(300, forces=True),))
    assert outcomes(past) == ()


def test_nothing_is_forced_for_a_grant_that_is_not_there() -> None:
    assert outcomes(history(corrections=(correction(300, forces=True, grant_id=grant("g9").grant_id),))) == ()


def test_corrections_use_up_none_of_the_limits() -> None:
    limits = {"limits": {"redemptions_per_customer": 1, "reward_per_customer": 500}}
    forced = correction(300, "t0", forces=True, at=PURCHASED_AT - DAY)
    past = history(purchase(), corrections=(forced, correction(100)))
    assert rewards(past, **limits) == {"t1": (600, 600, 100), "t0": (300, 300, 300)}
    reached = history(purchase("t0", at=PURCHASED_AT - DAY), purchase(), corrections=(forced,))
    assert rewards(reached, **limits) == {"t0": (500, 500, 0), "t1": (500, 500, 0)}


def test_the_order_of_corrections_does_not_matter() -> None:
    made = (
        correction(300, "t0", forces=True),
        correction(-100, "t0"),
        correction(40),
        correction(200, "t9", forces=True, at=PURCHASED_AT - DAY),
    )
    past = history(purchase(), corrections=made)
    assert outcomes(past) == outcomes(replace(past, corrections=made[::-1]))
    assert [o.completion for o in outcomes(past)] == ["t1", "t9", "t0"]


def test_without_corrections_outcomes_are_what_they_were() -> None:
    before = outcomes(history(purchase()))
    assert corrected(compiled(repeat=True), history(purchase()), before) == before


@pytest.mark.parametrize(("forces", "amount", "told"), [(False, 100, "600, adjusted"), (True, 700, "700, forced")])
def test_an_explanation_names_the_correction(*, forces: bool, amount: int, told: str) -> None:
    made = correction(amount, forces=forces)
    (verdict,) = explain(compiled(), history(purchase(), corrections=(made,)), purchase())
    (rule,) = [rule for rule in verdict.rules if rule.rule == "corrected"]
    assert (rule.passed, rule.expected, rule.reason) == (True, "500 by the terms", None)
    assert rule.actual == f"{told} by correction {CORRECTION.render(made.correction_id)}"
    assert (verdict.eligible, verdict.reward_minor) == (True, 500 + (amount if not forces else 200))


def test_an_explanation_of_what_was_forced_still_tells_why_the_terms_give_nothing() -> None:
    small = purchase(amount_minor=100)
    (verdict,) = explain(compiled(), history(small, corrections=(correction(300, forces=True),)), small)
    assert (verdict.eligible, verdict.reward_minor, verdict.reasons) == (True, 300, (Reason.AMOUNT_BELOW_THRESHOLD,))
    (other,) = explain(compiled(), history(small, corrections=(correction(300, forces=True),)), purchase("t2", amount_minor=100))
    assert (other.eligible, other.reward_minor) == (False, 0)


@pytest.mark.parametrize(("priority", "mine", "theirs"), [(0, (300, 300, 300), 500), (9, (500, 500, 0), 0)])
def test_corrections_decide_nothing_between_offers_that_do_not_stack(priority: int, mine: tuple[int, int, int], theirs: int) -> None:
    group: dict[str, Any] = {"group": "coffee", "priority": priority}
    stacked = compile_offer(offer(terms(stacking=group), offer_id=derived_id("mine")))
    rival = compile_offer(offer(terms(stacking=group | {"priority": 1}), offer_id=derived_id("rival")))
    forced, other = correction(300, forces=True), grant("g2")
    members = [Member(stacked, history(purchase(), corrections=(forced,))), Member(rival, history(purchase(), grants=(other,)))]
    one, another = evaluate_together(members)
    assert [(o.reward_minor, o.earned_minor, o.corrected_minor) for o in one.outcomes] == [mine]
    assert sum(o.reward_minor for o in another.outcomes) == theirs
