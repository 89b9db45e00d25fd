"""What the cases do not show of the fold: which of several with one id counts, and when the return window of a reward begins."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any, Final

import pytest

from shared.eligibility.fold import evaluate, without_repeats
from shared.eligibility.model import Item, Purchase
from shared.eligibility.stacking import Member, evaluate_together
from shared.kernel.reasons import Reason
from tests.unit.eligibility.builders import PURCHASED_AT, compiled, history, purchase

HOUR: Final = timedelta(hours=1)
NAMED: Final = (
    "merchant_id", "location_id", "mcc", "zone", "matched_by", "descriptor", "brand", "network_merchant_id", "channel", "country", "region",
    "card_product",
)  # fmt: skip
FIRST_TO_LAST: Final[dict[str, tuple[Any, ...]]] = {
    **dict.fromkeys(NAMED, (None, "A", "B")),
    **dict.fromkeys(("amount_minor", "tip_minor", "tax_minor", "cash_back_minor"), (0, 1, 2)),
    "at": (PURCHASED_AT, PURCHASED_AT + HOUR),
    "currency": ("CAD", "USD"),
    "items": ((), (Item("a", 1),), (Item("a", 2),), (Item("b", 1),)),
    "recorded_at": (PURCHASED_AT - HOUR, PURCHASED_AT, None, PURCHASED_AT + HOUR),
    "posted_at": (PURCHASED_AT - HOUR, PURCHASED_AT, None, PURCHASED_AT + HOUR),
    "ended": (None, Reason.DECLINED, Reason.REFUNDED),
    "cleared": (None, purchase(amount_minor=1), purchase(amount_minor=2)),
    "before_refunds": (None, purchase(amount_minor=1), purchase(amount_minor=2)),
}
"""Of each fact of a purchase, values in the order in which they go first. What is not known goes before what is."""


@pytest.mark.parametrize("fact", FIRST_TO_LAST)
def test_of_several_with_one_id_the_first_by_what_they_say_counts_whatever_their_order(fact: str) -> None:
    told = [purchase(**{fact: value}) for value in FIRST_TO_LAST[fact]]
    for number in range(len(told)):
        for listed in permutations(told[number:]):
            assert without_repeats(listed) == (told[number],)


def test_purchases_of_other_ids_are_all_kept() -> None:
    other = purchase("t2")
    assert set(without_repeats([purchase(), other, replace(other, amount_minor=9999)])) == {purchase(), other}


@pytest.mark.parametrize(("posted", "held_from"), [(None, timedelta()), (HOUR, HOUR), (-HOUR, -HOUR)], ids=["not said", "later", "earlier"])
def test_a_purchase_that_completes_by_itself_is_held_from_when_it_was_posted(posted: timedelta | None, held_from: timedelta) -> None:
    bought = purchase(posted_at=PURCHASED_AT + posted if posted is not None else None)
    assert _held_from(bought) == [held_from]


def test_a_sum_is_held_from_when_the_last_of_its_purchases_was_posted() -> None:
    asked = {"qualification": {"kind": "cumulative_spend", "threshold": 5000}}
    first, second = _at(0, posted=9), _at(1, posted=2)
    assert _held_from(first, second, **asked) == [9 * HOUR]
    assert _held_from(replace(first, posted_at=None), second, **asked) == [2 * HOUR]
    assert _held_from(first, replace(second, posted_at=None), **asked) == [9 * HOUR]
    assert _held_from(replace(first, posted_at=None), replace(second, posted_at=None), **asked) == [HOUR]


def test_visits_are_held_anew_after_each_completion_and_a_sum_that_carries_on_is_not() -> None:
    late, others = _at(0, posted=9), [_at(hour) for hour in (1, 2, 3)]
    visits = {"qualification": {"kind": "visits", "threshold": 1000, "visits": 2}, "repeat": True}
    assert _held_from(late, *others, **visits) == [9 * HOUR, 3 * HOUR]
    carried = {"qualification": {"kind": "cumulative_spend", "threshold": 5000}, "repeat": True}
    assert _held_from(late, *others, **carried) == [9 * HOUR, 9 * HOUR]


def _at(hour: int, posted: int | None = None) -> Purchase:
    return purchase(f"t{hour}", at=PURCHASED_AT + hour * HOUR, posted_at=None if posted is None else PURCHASED_AT + posted * HOUR)


def _held_from(*bought: Purchase, **asked: Any) -> list[timedelta]:
    """From when the outcomes are held, after PURCHASED_AT; with one purchase more that is out of scope, so that all is folded."""
    outcomes = evaluate(compiled(**asked), history(*bought, purchase("other", merchant_id="m2"))).outcomes
    return [outcome.held_from - PURCHASED_AT for outcome in outcomes]


def test_an_outcome_tells_of_the_purchase_that_completed_it_what_limits_are_held_to() -> None:
    bought = [purchase(f"t{hour}", at=PURCHASED_AT + hour * HOUR, account_token=f"a{hour}") for hour in (1, 2)]
    outcomes = evaluate(compiled(repeat=True), history(*bought)).outcomes
    told = [(o.completion, o.transaction_id, o.account_token, o.merchant_id, o.at, o.qualifying_minor, o.version) for o in outcomes]
    assert told == [(p.transaction_id, p.transaction_id, p.account_token, "m1", p.at, 2500, 1) for p in bought]


def test_an_offer_that_is_folded_with_no_other_comes_to_what_it_does_alone() -> None:
    made, known = compiled(stacking={"group": "g"}), history(purchase(), purchase("t2"))
    assert evaluate_together([Member(made, known)]) == [evaluate(made, known)]
