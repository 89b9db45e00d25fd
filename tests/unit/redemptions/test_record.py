"""What became of a purchase, told from the revisions of redemptions and what was paid of them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.eligibility.model import Evaluation
from shared.kernel.reasons import Reason
from shared.redemptions.model import Redemption, State, difference
from shared.redemptions.record import Decided, events
from tests.conftest import NOW
from tests.unit.redemptions.builders import outcome, owner

HOUR = timedelta(hours=1)


def first(**overrides: Any) -> Redemption:
    """A redemption by the purchase t1 that promises 100, all of it earned."""
    (change,) = difference([(owner(), Evaluation(outcomes=(outcome(),), decisions=(), progress=()))], [], now=NOW)
    return replace(change.after, **overrides)


def revisions(*states: dict[str, Any]) -> Iterator[Decided]:
    for number, state in enumerate(states):
        yield Decided(NOW + number * HOUR, first(**state, revision=number + 1))


def told(*states: dict[str, Any]) -> list[tuple[str, int]]:
    return [(event.what, event.amount_minor) for event in events("t1", revisions(*states), ())]


REFUSED = {"state": State.REJECTED, "reward_minor": 0, "earned_minor": 0, "reason": Reason.BUDGET_EXHAUSTED}
REVERSED = {"state": State.REVERSED, "reward_minor": 0, "earned_minor": 0, "wanted_minor": 0, "reason": Reason.REFUNDED}


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([{}], [("earned", 100)]),
        ([{"earned_minor": 0}], [("promised", 100)]),
        ([{"earned_minor": 0}, {}], [("promised", 100), ("earned", 100)]),
        ([{}, {"reward_minor": 60, "earned_minor": 60}], [("earned", 100), ("adjusted", 60)]),
        ([REFUSED], [("refused", 100)]),
        ([REFUSED, {}], [("refused", 100), ("earned", 100)]),
        ([{}, REVERSED], [("earned", 100), ("reversed", 0)]),
        ([{}, REVERSED, {}], [("earned", 100), ("reversed", 0), ("earned", 100)]),
        ([{}, {"transaction_id": "t0"}], [("earned", 100), ("moved", 100)]),
        ([{"transaction_id": "t0"}, {}], [("earned", 100)]),
        ([{"transaction_id": "t0"}, {}, {"transaction_id": "t0"}, {}], [("earned", 100), ("moved", 100), ("earned", 100)]),
    ],
)
def test_each_revision_tells_what_was_decided(states: list[dict[str, Any]], expected: list[tuple[str, int]]) -> None:
    assert told(*states) == expected


def test_payments_take_their_place_in_time_and_have_no_reason() -> None:
    decided = list(revisions({}, REVERSED))
    paid = {"redemption_id": decided[0].redemption.redemption_id, "at": NOW + HOUR / 2, "what": "paid", "amount_minor": 100}
    found = events("t1", decided, [paid])
    assert [(event.what, event.at, event.reason.code if event.reason else None) for event in found] == [
        ("earned", NOW, None),
        ("paid", NOW + HOUR / 2, None),
        ("reversed", NOW + HOUR, "refunded"),
    ]


def test_several_redemptions_of_one_purchase_are_told_in_order_of_time() -> None:
    other = [Decided(NOW + HOUR / 2, replace(first(), redemption_id=UUID(int=1)))]
    found = events("t1", [*revisions({}, REVERSED), *other], ())
    assert [event.what for event in found] == ["earned", "earned", "reversed"]
