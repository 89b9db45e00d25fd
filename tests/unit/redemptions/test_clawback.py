"""What becomes of money when a reward shrinks, ends or comes anew: given back, withdrawn, written off or carried forward."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.eligibility.model import Decision, Evaluation, Outcome
from shared.kernel.ids import derived_id
from shared.kernel.reasons import Reason
from shared.ledger.model import Step
from shared.redemptions.admission import Admission
from shared.redemptions.model import Change, Owner, Redemption, State, difference
from tests.conftest import NOW
from tests.unit.redemptions.builders import CAMPAIGN, OTHER_CAMPAIGN, Record, outcome, owner, record, redemption

G1 = (derived_id("g1"), "1")


def folded(who: Owner, *outcomes: Outcome) -> list[tuple[Owner, Evaluation]]:
    return [(who, Evaluation(outcomes=outcomes, decisions=(), progress=()))]


def after(before: Redemption, *outcomes: Outcome, who: Owner | None = None) -> Redemption:
    """How what is on record stands once these outcomes are all that there is, if all is admitted."""
    (change,) = difference(folded(who or owner(), *outcomes), [before], now=NOW + timedelta(days=9))
    return change.after


def steps(admission: Admission) -> list[tuple[Step, int]]:
    return [(move.step, move.amount_minor) for move in admission.movements]


@pytest.mark.parametrize(
    ("budget", "moved", "left"),
    [("give_back", [(Step.REVERSE, 40)], 940), ("withdraw", [(Step.REVERSE, 40), (Step.SHRINK, 40)], 900)],
)
def test_what_was_earned_and_is_taken_back_goes_to_the_budget_or_leaves_it(budget: str, moved: list[tuple[Step, int]], left: int) -> None:
    books, who = record(1_000), owner(budget=budget)
    books.fold((who, outcome(reward=100)))
    assert steps(books.fold((who, outcome(reward=60)))) == moved
    assert books.pots.available_minor[CAMPAIGN] == left


def test_a_budget_does_not_shrink_by_what_grows_or_was_promised_only() -> None:
    books, who = record(1_000), owner(budget="withdraw")
    books.fold((who, outcome(reward=100, earned=0)))
    assert steps(books.fold((who, outcome(reward=60, earned=0)))) == [(Step.VOID, 40)]
    assert steps(books.fold((who, outcome(reward=70)))) == [(Step.RESERVE, 10), (Step.POST, 70)]
    assert books.pots.available_minor[CAMPAIGN] == 930


@pytest.mark.parametrize(("reason", "step"), [(Reason.AUTHORIZATION_EXPIRED, Step.EXPIRE), (Reason.DECLINED, Step.VOID)])
def test_a_promise_whose_authorisation_expired_expires_and_any_other_is_void(reason: Reason, step: Step) -> None:
    books = record()
    books.fold((owner(), outcome(reward=100, earned=0)))
    books.decisions = (Decision("t1", derived_id("g1"), reason),)
    assert steps(books.fold()) == [(step, 100)]


def test_a_single_minor_unit_is_moved_too() -> None:
    assert steps(record().fold((owner(), outcome(reward=1)))) == [(Step.RESERVE, 1), (Step.POST, 1)]


def test_postings_say_corrected_only_where_the_correction_changed() -> None:
    books = record()
    for reward, corrected, told in ((150, 50, "corrected"), (120, 50, "revised"), (80, 0, "corrected")):
        admission = books.fold((owner(), outcome(reward=reward)._replace(corrected_minor=corrected)))
        assert {move.reason for move in admission.movements} == {told}


@pytest.mark.parametrize(
    ("asked", "written_off"),
    [({}, 0), ({"negative_balance": "write_off"}, 40), ({"write_off": 40}, 40), ({"write_off": 39}, 0)],
    ids=["carried forward", "written off", "up to the floor", "above the floor"],
)
def test_what_was_paid_and_is_earned_no_more_is_written_off_or_carried_forward(asked: dict[str, Any], written_off: int) -> None:
    shrunk = after(redemption(paid_minor=100), outcome(reward=60), who=owner(**asked))
    assert (shrunk.written_off_minor, shrunk.cost_minor, shrunk.owed_minor) == (written_off, 60 + written_off, written_off - 40)


def test_nothing_is_written_off_where_nothing_too_much_was_paid() -> None:
    for paid in (0, 60, 59):
        assert after(redemption(paid_minor=paid), outcome(reward=60), who=owner(write_off=50)).written_off_minor == 0


@pytest.mark.parametrize(
    ("earned", "paid", "state"),
    [(60, 60, State.PENDING), (60, 59, State.PAYABLE), (100, 60, State.PAYABLE), (100, 100, State.PAID), (60, 80, State.PENDING)],
)
def test_what_is_promised_is_pending_until_all_of_it_is_earned_and_paid(earned: int, paid: int, state: State) -> None:
    before = redemption(earned_minor=0, paid_minor=paid)
    assert after(before, outcome(reward=100, earned=earned)._replace(transaction_id="t2")).state is state


def test_nothing_to_give_is_refused_by_no_pot() -> None:
    books = record(0, limit=0)
    books.fold((owner(), outcome(reward=0)))
    assert (books.one().state, books.one().reason) == (State.REVERSED, Reason.REFUNDED)


def test_one_minor_unit_waits_its_turn_and_is_refused_where_nothing_is_left() -> None:
    books = record(100)
    books.fold((owner(), outcome("late", 1, minutes=1)), (owner(), outcome("early", 100)))
    assert (books.one("early").reward_minor, books.one("late").reason) == (100, Reason.BUDGET_EXHAUSTED)


def anew(books: Record, *outcomes: Outcome) -> list[Change]:
    return difference(folded(owner(), *outcomes), list(books.redemptions.values()), now=NOW, anew=frozenset({G1}))


def test_a_refused_completion_is_admitted_anew_where_that_is_asked_for() -> None:
    books = record(0)
    books.fold((owner(), outcome("g1")), (owner(), outcome("g2")))
    (change,) = anew(books, outcome("g1"), outcome("g2"))
    assert (change.after.grant_id, change.after.reward_minor, change.after.earned_minor, change.after.reason) == (G1[0], 100, 100, None)


def test_what_an_increase_was_refused_is_asked_for_anew_where_that_is_asked_for() -> None:
    books = record(100)
    books.fold((owner(), outcome(reward=100)))
    books.fold((owner(), outcome(reward=130)))
    assert books.changes([(owner(), outcome(reward=130))]) == []
    (change,) = anew(books, outcome(reward=130))
    assert (change.before, change.after.reward_minor) == (books.one(), 130)


def test_what_was_admitted_whole_is_not_admitted_anew() -> None:
    books = record()
    books.fold((owner(), outcome()))
    assert anew(books, outcome()) == []


def test_what_came_back_after_it_was_written_off_is_owed_once() -> None:
    who = owner(negative_balance="write_off")
    gone = after(redemption(paid_minor=100), who=who)
    assert (gone.state, gone.written_off_minor, gone.owed_minor) == (State.REVERSED, 100, 0)
    back = after(replace(gone, paid_minor=100), outcome(), who=who)
    assert (back.state, back.written_off_minor, back.owed_minor) == (State.PAID, 0, 0)


@pytest.mark.parametrize(("corrected", "reason"), [(-100, Reason.CORRECTED), (0, Reason.REFUNDED)])
def test_what_comes_to_nothing_was_corrected_or_else_refunded(corrected: int, reason: Reason) -> None:
    gone = after(redemption(), outcome(reward=0)._replace(corrected_minor=corrected))
    assert (gone.state, gone.reason) == (State.REVERSED, reason)
    assert after(redemption(), outcome(reward=1)).reason is None


def test_a_redemption_is_known_by_its_grant_and_completion_and_keeps_its_id() -> None:
    assert redemption().redemption_id == derived_id(*G1)
    kept = derived_id("kept")
    assert after(redemption(redemption_id=kept), outcome(reward=1)).redemption_id == kept


@pytest.mark.parametrize(
    ("stands", "bears"),
    [
        ({"state": State.REJECTED, "reward_minor": 0, "earned_minor": 0}, CAMPAIGN),
        ({"state": State.REVERSED, "reward_minor": 0, "earned_minor": 0, "paid_minor": 100}, OTHER_CAMPAIGN),
        ({}, OTHER_CAMPAIGN),
    ],
    ids=["nothing was borne", "it was paid", "it stands"],
)
def test_a_redemption_stays_with_the_budget_that_bears_it_and_else_falls_to_the_offers_own(stands: dict[str, Any], bears: UUID) -> None:
    assert after(redemption(campaign_id=OTHER_CAMPAIGN, **stands), outcome(reward=50)).campaign_id == bears
