"""The difference between outcomes and the record, and what the pots admit of it: one rule a test."""

from datetime import timedelta

import pytest

from shared.eligibility.model import Decision, Evaluation
from shared.kernel.ids import derived_id
from shared.kernel.reasons import Reason
from shared.ledger.model import Step
from shared.redemptions.model import State, difference
from tests.conftest import NOW
from tests.unit.redemptions.builders import (
    ABROAD,
    CAMPAIGN,
    LIMITED,
    OFFER,
    OTHER_CAMPAIGN,
    TOTAL_KEY,
    outcome,
    owner,
    posted,
    record,
    redemption,
)  # fmt: skip

BEFORE, LATER = NOW - timedelta(minutes=1), NOW + timedelta(days=1)


def test_a_completion_is_recorded_with_all_that_it_came_from() -> None:
    books = record()
    books.fold((owner(hold=3), outcome(reward=70, minutes=5, ordinal=2, transaction="t9", version=4)), now=NOW)
    redemption = books.one(ordinal=2)
    assert (redemption.wanted_minor, redemption.reward_minor, redemption.paid_minor, redemption.qualifying_minor) == (70, 70, 0, 700)
    assert (redemption.offer_id, redemption.campaign_id, redemption.customer_id, redemption.currency) == (OFFER, CAMPAIGN, "cust-1", "USD")
    assert (redemption.completion, redemption.transaction_id, redemption.version, redemption.revision) == ("2", "t9", 4, 1)
    assert redemption.payable_at - redemption.earned_at == timedelta(days=3)
    assert redemption.earned_at == NOW + timedelta(minutes=5)
    assert redemption.reason is None


def test_the_same_outcomes_again_change_nothing() -> None:
    books = record()
    books.fold((owner(), outcome()))
    again = books.fold((owner(), outcome()))
    assert (again.redemptions, again.movements, again.given) == ([], [], {})


@pytest.mark.parametrize(("now", "state"), [(BEFORE, State.HELD), (NOW, State.PAYABLE), (LATER, State.PAYABLE)])
def test_a_reward_is_held_until_its_moment_and_payable_from_then_on(now: object, state: State) -> None:
    books = record()
    books.fold((owner(), outcome()), now=now)  # type: ignore[arg-type]
    assert books.one().state is state


def test_a_new_reward_reserves_and_posts_as_of_the_purchase() -> None:
    admission = record().fold((owner(), outcome(reward=100)))
    assert [(m.step, m.amount_minor, m.reason) for m in admission.movements] == [(Step.RESERVE, 100, None), (Step.POST, 100, None)]
    assert {(m.reference, m.effective_at, m.campaign_id) for m in admission.movements} == {
        (admission.redemptions[0].redemption_id, NOW, CAMPAIGN)
    }


def test_a_reward_that_grows_posts_the_difference_only() -> None:
    books = record()
    books.fold((owner(), outcome(reward=100)))
    admission = books.fold((owner(), outcome(reward=130)), now=LATER)
    assert [(m.step, m.amount_minor, m.reason, m.effective_at) for m in admission.movements] == [
        (Step.RESERVE, 30, "revised", LATER),
        (Step.POST, 30, "revised", LATER),
    ]
    assert (books.one().reward_minor, books.one().revision) == (130, 2)
    assert books.pots.available_minor[CAMPAIGN] == 870


def test_a_reward_that_shrinks_is_reversed_by_the_difference() -> None:
    books = record()
    books.fold((owner(), outcome(reward=100)))
    admission = books.fold((owner(), outcome(reward=60)))
    assert [(m.step, m.amount_minor, m.reason) for m in admission.movements] == [(Step.REVERSE, 40, "revised")]
    assert books.pots.available_minor[CAMPAIGN] == 940


def test_circumstances_that_change_move_no_money() -> None:
    books = record()
    books.fold((owner(), outcome(transaction="t1")))
    admission = books.fold((owner(), outcome(transaction="t0", minutes=-5)))
    assert admission.movements == []
    assert (books.one().transaction_id, books.one().earned_at, books.one().revision) == ("t0", NOW - timedelta(minutes=5), 2)


def test_a_completion_that_vanished_is_reversed_whole_and_once() -> None:
    books = record()
    books.fold((owner(), outcome(reward=100)))
    gone = books.fold()
    assert [(m.step, m.amount_minor, m.reason) for m in gone.movements] == [(Step.REVERSE, 100, "revised")]
    redemption = books.one()
    assert (redemption.state, redemption.wanted_minor, redemption.reward_minor) == (State.REVERSED, 0, 0)
    assert redemption.reason is Reason.REVISED
    assert books.fold().redemptions == []


def test_a_completion_that_vanished_tells_why_its_own_purchase_counts_no_more() -> None:
    books = record()
    books.fold((owner(), outcome(reward=100)))
    others = [("g1", "t2", Reason.PAUSED), ("g2", "t1", Reason.DECLINED)]
    books.decisions = tuple(Decision(purchase, derived_id(of), reason) for of, purchase, reason in [*others, ("g1", "t1", Reason.REFUNDED)])
    books.fold()
    assert books.one().reason is Reason.REFUNDED


def test_nothing_of_a_correction_stays_when_its_completion_vanished() -> None:
    books = record()
    books.fold((owner(), outcome(reward=150)._replace(corrected_minor=50)))
    assert books.one().corrected_minor == 50
    books.fold()
    assert books.one().corrected_minor == 0


def test_what_was_paid_of_a_completion_that_vanished_is_written_off_where_the_terms_say_so() -> None:
    for terms_say, written_off in (("write_off", 100), ("carry_forward", 0)):
        who = owner(negative_balance=terms_say)
        paid = redemption(paid_minor=100)
        (gone,) = difference([(who, Evaluation(outcomes=(), decisions=(), progress=()))], [paid], now=NOW)
        assert (gone.after.written_off_minor, gone.after.owed_minor) == (written_off, written_off - 100)


def test_one_that_vanished_and_comes_back_is_admitted_anew() -> None:
    books = record()
    for outcomes in ([(owner(), outcome())], [], [(owner(), outcome())]):
        books.fold(*outcomes)
    redemption = books.one()
    assert (redemption.state, redemption.reward_minor, redemption.revision, redemption.reason) == (State.PAYABLE, 100, 3, None)
    assert len({move.posting_id for move in books.movements}) == len(books.movements) == 5


def test_what_the_pot_cannot_cover_is_rejected_with_the_reason() -> None:
    books = record(available=99)
    admission = books.fold((owner(), outcome(reward=100)))
    redemption = books.one()
    assert (redemption.state, redemption.wanted_minor, redemption.reward_minor) == (State.REJECTED, 100, 0)
    assert redemption.reason is Reason.BUDGET_EXHAUSTED
    assert admission.movements == []
    assert books.pots.available_minor[CAMPAIGN] == 99


def test_a_reward_of_all_that_is_left_is_admitted() -> None:
    books = record(available=100)
    books.fold((owner(), outcome(reward=100)))
    assert (books.one().state, books.pots.available_minor[CAMPAIGN]) == (State.PAYABLE, 0)


def test_what_the_pot_cannot_cover_is_borne_by_the_goodwill_campaign() -> None:
    books = record(available=99, other=150)
    admission = books.fold((owner(goodwill=OTHER_CAMPAIGN), outcome(reward=100)))
    redemption = books.one()
    assert (redemption.state, redemption.reward_minor, redemption.reason) == (State.PAYABLE, 100, None)
    assert {move.campaign_id for move in admission.movements} == {OTHER_CAMPAIGN}
    assert books.pots.available_minor == {CAMPAIGN: 99, OTHER_CAMPAIGN: 50}


def test_what_goodwill_cannot_cover_either_is_rejected() -> None:
    books = record(available=99, other=99)
    books.fold((owner(goodwill=OTHER_CAMPAIGN), outcome(reward=100)))
    assert (books.one().state, books.one().reason) == (State.REJECTED, Reason.BUDGET_EXHAUSTED)
    assert books.pots.available_minor == {CAMPAIGN: 99, OTHER_CAMPAIGN: 99}


def test_a_limit_of_the_offer_is_not_honoured_by_goodwill() -> None:
    books = record(limit=0)
    books.fold((owner(LIMITED, goodwill=OTHER_CAMPAIGN), outcome()))
    assert books.one().reason is Reason.OFFER_LIMIT_REACHED


def test_what_goodwill_bore_goes_back_to_it() -> None:
    books = record(available=99, other=150)
    honoured = owner(goodwill=OTHER_CAMPAIGN)
    books.fold((honoured, outcome(reward=100)))
    books.pots.available_minor[CAMPAIGN] = 1_000  # raised meanwhile
    books.fold((honoured, outcome(reward=60)))
    assert books.pots.available_minor == {CAMPAIGN: 1_000, OTHER_CAMPAIGN: 90}
    books.fold()
    assert books.pots.available_minor == {CAMPAIGN: 1_000, OTHER_CAMPAIGN: 150}


def test_what_a_campaign_bears_stays_with_it_when_it_grows() -> None:
    books = record(available=100, other=1_000)
    honoured = owner(goodwill=OTHER_CAMPAIGN)
    books.fold((honoured, outcome(reward=100)))
    books.fold((honoured, outcome(reward=150)))
    assert (books.one().reward_minor, books.one().reason) == (100, Reason.BUDGET_EXHAUSTED)
    assert books.pots.available_minor == {CAMPAIGN: 0, OTHER_CAMPAIGN: 1_000}


def test_what_was_paid_out_of_goodwill_stays_with_it_when_it_comes_back() -> None:
    books = record(available=99, other=150)
    honoured = owner(goodwill=OTHER_CAMPAIGN)
    books.fold((honoured, outcome(reward=100)))
    books.pay()
    books.fold()
    books.pots.available_minor[CAMPAIGN] = 1_000
    books.fold((honoured, outcome(reward=100)))
    assert (books.one().campaign_id, books.one().state) == (OTHER_CAMPAIGN, State.PAID)


def test_a_campaign_without_a_pot_gives_nothing() -> None:
    books = record()
    del books.pots.available_minor[CAMPAIGN]
    books.fold((owner(), outcome(reward=1)))
    assert books.one().reason is Reason.BUDGET_EXHAUSTED
    assert books.pots.available_minor[CAMPAIGN] == 0


def test_a_rejected_completion_stays_rejected_while_it_lasts() -> None:
    books = record(available=0)
    books.fold((owner(), outcome(reward=100)))
    books.pots.available_minor[CAMPAIGN] = 10_000
    assert books.changes([(owner(), outcome(reward=100))]) == []
    books.fold((owner(), outcome(reward=120, transaction="t0")))
    redemption = books.one()
    assert (redemption.state, redemption.wanted_minor, redemption.reward_minor, redemption.transaction_id) == (State.REJECTED, 120, 0, "t0")
    assert (redemption.reason, books.movements) == (Reason.BUDGET_EXHAUSTED, [])


def test_a_rejected_completion_that_vanished_and_comes_back_is_admitted_anew() -> None:
    books = record(available=0)
    books.fold((owner(), outcome()))
    assert books.fold().movements == []
    books.pots.available_minor[CAMPAIGN] = 10_000
    books.fold((owner(), outcome()))
    assert (books.one().state, books.one().reward_minor) == (State.PAYABLE, 100)


def test_an_increase_that_is_not_covered_leaves_the_reward_as_it_was_and_says_why() -> None:
    books = record(available=110)
    books.fold((owner(), outcome(reward=100)))
    admission = books.fold((owner(), outcome(reward=130)))
    redemption = books.one()
    assert (redemption.state, redemption.wanted_minor, redemption.reward_minor) == (State.PAYABLE, 130, 100)
    assert (redemption.reason, admission.movements) == (Reason.BUDGET_EXHAUSTED, [])
    assert books.pots.available_minor[CAMPAIGN] == 10


@pytest.mark.parametrize(("left", "wanted", "reward"), [(39, 140, 100), (40, 140, 140), (19, 120, 100), (20, 120, 120)])
def test_after_a_refused_increase_the_pot_is_asked_for_all_that_is_missing(left: int, wanted: int, reward: int) -> None:
    books = record(available=100)
    books.fold((owner(), outcome(reward=100)))
    books.fold((owner(), outcome(reward=130)))
    books.pots.available_minor[CAMPAIGN] = left
    books.fold((owner(), outcome(reward=wanted)))
    assert (books.one().reward_minor, books.pots.available_minor[CAMPAIGN]) == (reward, left + 100 - reward)


def test_an_increase_refused_once_is_given_up_when_it_is_wanted_no_more() -> None:
    books = record(available=110)
    books.fold((owner(), outcome(reward=100)))
    books.fold((owner(), outcome(reward=130)))
    admission = books.fold((owner(), outcome(reward=100)))
    assert (books.one().reason, books.one().reward_minor, admission.movements) == (None, 100, [])


def test_the_first_that_is_not_covered_closes_the_pot_for_those_who_come_after() -> None:
    books = record(available=250)
    rewards = {"g1": 100, "g2": 200, "g3": 100, "g4": 1}
    books.fold(*((owner(), outcome(grant, reward, minutes=i)) for i, (grant, reward) in enumerate(rewards.items())))
    assert [books.one(grant).reward_minor for grant in rewards] == [100, 0, 0, 0]
    assert books.one("g3").reason is Reason.BUDGET_EXHAUSTED


def test_a_closed_pot_closes_no_other() -> None:
    books = record(available=0, other=100)
    books.fold((owner(), outcome("g1")), (owner(ABROAD), outcome("g2", minutes=1)))
    assert (books.one("g1").reward_minor, books.one("g2").reward_minor) == (0, 100)
    assert books.pots.available_minor == {CAMPAIGN: 0, OTHER_CAMPAIGN: 0}


def test_whoever_earned_first_is_served_first_whatever_the_order_of_the_batch() -> None:
    books = record(available=100)
    books.fold((owner(), outcome("late", minutes=1)), (owner(), outcome("early")))
    assert (books.one("early").reward_minor, books.one("late").reward_minor) == (100, 0)


def test_at_one_moment_the_order_is_by_transaction() -> None:
    books = record(available=100)
    books.fold((owner(), outcome("g1", transaction="t2")), (owner(), outcome("g2", transaction="t1")))
    assert (books.one("g1").reward_minor, books.one("g2").reward_minor) == (0, 100)


def test_of_one_grant_and_purchase_the_order_is_by_ordinal() -> None:
    books = record(available=100)
    books.fold((owner(), outcome(ordinal=2)), (owner(), outcome(ordinal=1)))
    assert (books.one(ordinal=1).reward_minor, books.one(ordinal=2).reward_minor) == (100, 0)


def test_what_gives_back_gives_back_first() -> None:
    books = record(available=100)
    books.fold((owner(), outcome("old", minutes=50)))
    books.fold((owner(), outcome("new", 100, minutes=0)))
    assert (books.one("old").state, books.one("new").reward_minor) == (State.REVERSED, 100)


def test_an_offer_gives_no_more_redemptions_than_its_limit_and_says_so() -> None:
    books = record(limit=2)
    admission = books.fold(*((owner(LIMITED), outcome(f"g{i}", minutes=i)) for i in range(3)))
    assert [books.one(f"g{i}").reward_minor for i in range(3)] == [100, 100, 0]
    assert (books.one("g2").reason, books.one("g2").state) == (Reason.OFFER_LIMIT_REACHED, State.REJECTED)
    assert (admission.given[TOTAL_KEY].redemptions, books.left_of_limit()) == (2, 0)
    assert books.pots.available_minor[CAMPAIGN] == 800


def test_a_limit_reached_closes_no_pot() -> None:
    books = record(limit=0)
    books.fold((owner(LIMITED), outcome("g1")), (owner(OFFER), outcome("g2", minutes=1)))
    assert books.one("g2").reward_minor == 100


def test_a_redemption_within_the_limit_may_still_grow() -> None:
    books = record(limit=1)
    books.fold((owner(LIMITED), outcome(reward=100)))
    admission = books.fold((owner(LIMITED), outcome(reward=130)))
    assert (books.one().reward_minor, books.left_of_limit()) == (130, 0)
    assert admission.given[TOTAL_KEY].redemptions == 0


def test_a_redemption_taken_back_can_be_given_to_another() -> None:
    books = record(limit=1)
    books.fold((owner(LIMITED), outcome("g1")))
    admission = books.fold((owner(LIMITED), outcome("g2")))
    assert (books.one("g1").reward_minor, books.one("g2").reward_minor) == (0, 100)
    assert (admission.given[TOTAL_KEY].redemptions, books.left_of_limit()) == (0, 0)


def test_one_that_was_written_off_and_comes_back_needs_a_redemption_of_the_limit_though_it_costs_no_more() -> None:
    books, writes_off = record(limit=1), owner(LIMITED, negative_balance="write_off")
    books.fold((writes_off, outcome("g1")))
    books.pay()
    books.fold((writes_off, outcome("g1", reward=0)))
    books.fold((writes_off, outcome("g1", reward=0)), (writes_off, outcome("g2", minutes=1)))
    books.fold((writes_off, outcome("g1")), (writes_off, outcome("g2", minutes=1)))
    assert (books.one("g1").reason, books.one("g2").reward_minor) == (Reason.OFFER_LIMIT_REACHED, 100)
    assert books.left_of_limit() == 0


def test_a_paid_redemption_that_shrinks_stays_paid_and_owes_nothing() -> None:
    books = record()
    books.fold((owner(), outcome(reward=100)))
    books.pay()
    books.fold((owner(), outcome(reward=60)))
    assert (books.one().state, books.one().reward_minor, books.one().paid_minor) == (State.PAID, 60, 100)


@pytest.mark.parametrize(("reward", "state"), [(99, State.PAID), (100, State.PAID), (101, State.PAYABLE)])
def test_it_is_owed_something_again_only_above_what_was_paid(reward: int, state: State) -> None:
    books = record()
    books.fold((owner(), outcome(reward=100)))
    books.pay()
    books.fold((owner(), outcome(reward=60)))
    books.fold((owner(), outcome(reward=reward)))
    assert (books.one().state, books.one().reward_minor, books.one().paid_minor) == (state, reward, 100)


def test_a_paid_redemption_that_vanished_keeps_what_was_paid_in_sight() -> None:
    books = record()
    books.fold((owner(), outcome(reward=100)))
    books.pay()
    books.fold()
    assert (books.one().state, books.one().reward_minor, books.one().paid_minor) == (State.REVERSED, 0, 100)
    assert posted(books.movements) == {books.one().redemption_id: 0}


def test_a_reward_whose_moment_moves_into_the_future_is_held_again() -> None:
    books = record()
    books.fold((owner(), outcome(minutes=0)), now=NOW)
    books.fold((owner(), outcome(minutes=9)), now=NOW)
    assert books.one().state is State.HELD


def test_a_refused_increase_at_the_end_of_the_hold_is_payable() -> None:
    books = record(available=100)
    books.fold((owner(hold=1), outcome(reward=100)), now=NOW)
    books.fold((owner(hold=1), outcome(reward=130)), now=NOW + timedelta(days=1))
    assert (books.one().state, books.one().reward_minor) == (State.PAYABLE, 100)


def test_a_refused_increase_whose_moment_moves_into_the_future_is_held_again() -> None:
    books = record(available=100)
    books.fold((owner(), outcome(reward=100)), now=NOW)
    books.fold((owner(), outcome(reward=130, minutes=9)), now=NOW)
    assert (books.one().state, books.one().reward_minor, books.one().reason) == (State.HELD, 100, Reason.BUDGET_EXHAUSTED)
