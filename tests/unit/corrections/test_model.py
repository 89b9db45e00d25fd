"""Corrections as values: who decides, what may be corrected, and whether what was approved can be carried out."""

from dataclasses import asdict, replace
from typing import Any

import pytest

from shared.corrections.model import Correction, Kind, State, completion_to_force, require_adjustable, require_given
from shared.kernel.errors import Conflict, SelfApproval
from shared.kernel.ids import derived_id
from shared.kernel.reasons import Reason
from shared.redemptions.model import Redemption
from shared.redemptions.model import State as Standing
from tests.conftest import NOW
from tests.unit.redemptions.builders import redemption

GIVEN = redemption()
REFUSED = redemption(state=Standing.REJECTED, reward_minor=0, reason=Reason.BUDGET_EXHAUSTED)
TAKEN_BACK = redemption(state=Standing.REVERSED, wanted_minor=0, reward_minor=0, reason=Reason.REFUNDED)
CORRECTED_TO_NOTHING = redemption(state=Standing.REVERSED, wanted_minor=0, reward_minor=0, reason=Reason.CORRECTED)


def correction(**overrides: Any) -> Correction:
    values: dict[str, Any] = {
        "correction_id": derived_id("correction"),
        "kind": Kind.ADJUST,
        "customer_id": "cust-1",
        "offer_id": derived_id("offer"),
        "grant_id": derived_id("g1"),
        "completion": "t1",
        "amount_minor": 100,
        "currency": "USD",
        "at": NOW,
        "transaction_id": "t1",
        "merchant_id": None,
        "purchase_minor": None,
        "state": State.REQUESTED,
        "requested_by": "sam",
        "requested_at": NOW,
        "reason": "A terminal that was down.",
    }
    return Correction(**values | overrides)


@pytest.mark.parametrize("state", [State.APPROVED, State.REJECTED])
def test_a_correction_is_decided_once_by_another_person(state: State) -> None:
    decided = correction().decided(state, by="lea", at=NOW, reason="Fits.")
    assert asdict(decided) == asdict(correction()) | {"state": state, "decided_by": "lea", "decided_at": NOW, "decision_reason": "Fits."}
    with pytest.raises(Conflict, match=rf"^The correction was {state.value} before\.$"):
        decided.decided(State.APPROVED, by="lea", at=NOW, reason="Again.")


def test_nobody_decides_a_correction_of_his_own() -> None:
    with pytest.raises(SelfApproval, match=r"^A correction is decided by another person than the one who asked for it\.$"):
        correction().decided(State.APPROVED, by="sam", at=NOW, reason="Mine.")


@pytest.mark.parametrize("on_record", [{}, {"t1": REFUSED}, {"t1": TAKEN_BACK}, {"t2": GIVEN}])
def test_a_single_purchase_is_forced_to_complete_by_itself(on_record: dict[str, Redemption]) -> None:
    assert completion_to_force(on_record, "t1", sums=False) == "t1"


@pytest.mark.parametrize("standing", [GIVEN, CORRECTED_TO_NOTHING])
def test_what_is_given_already_is_adjusted_instead_of_forced(standing: Redemption) -> None:
    with pytest.raises(Conflict, match=r"^The purchase has a redemption of this grant already: adjust that one\.$"):
        completion_to_force({"t1": standing}, "t1", sums=False)


@pytest.mark.parametrize(
    ("on_record", "number"),
    [
        ({}, "1"),
        ({"1": GIVEN, "2": GIVEN}, "3"),
        ({"1": GIVEN, "2": REFUSED, "3": GIVEN}, "2"),
        ({"1": TAKEN_BACK}, "1"),
        ({"1": CORRECTED_TO_NOTHING}, "2"),
        ({"t1": GIVEN}, "1"),
    ],
    ids=["none before", "all before are given", "one was refused", "one was taken back", "one was corrected", "another kind"],
)
def test_where_purchases_add_up_the_first_number_that_is_not_given_is_forced(on_record: dict[str, Redemption], number: str) -> None:
    assert completion_to_force(on_record, "t1", sums=True) == number


@pytest.mark.parametrize("standing", [GIVEN, CORRECTED_TO_NOTHING, replace(GIVEN, reward_minor=1)])
def test_what_gives_something_or_would_but_for_corrections_may_be_adjusted(standing: Redemption) -> None:
    assert require_adjustable(standing) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize(
    ("standing", "told"),
    [
        (REFUSED, "The redemption was refused, so there is nothing to adjust: force it instead."),
        (TAKEN_BACK, "The redemption was taken back by later history, so there is nothing to adjust."),
    ],
)
def test_what_gives_nothing_is_not_adjusted(standing: Redemption, told: str) -> None:
    with pytest.raises(Conflict) as refusal:
        require_adjustable(standing)
    assert str(refusal.value) == told


@pytest.mark.parametrize(
    ("amount", "after"),
    [(100, GIVEN), (0, GIVEN), (-1, None), (-1, TAKEN_BACK), (-1, replace(GIVEN, wanted_minor=200))],
    ids=["all is given", "of nothing", "less of none", "less of what was taken back", "less of what lacks money"],
)
def test_a_correction_that_is_carried_out_or_takes_away_is_let_through(amount: int, after: Redemption | None) -> None:
    assert require_given(correction(amount_minor=amount), after) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize("amount", [0, 1])
@pytest.mark.parametrize("after", [None, TAKEN_BACK])
def test_a_correction_of_a_purchase_of_which_nothing_stands_is_refused(after: Redemption | None, amount: int) -> None:
    with pytest.raises(Conflict, match=r"^Nothing of the purchase stands any more\.$"):
        require_given(correction(amount_minor=amount), after)


@pytest.mark.parametrize("reason", [None, Reason.BUDGET_EXHAUSTED, Reason.DAY_BUDGET_EXHAUSTED])
def test_a_correction_that_no_pot_pays_for_is_refused_with_the_pots_reason(reason: Reason | None) -> None:
    short = replace(GIVEN, wanted_minor=GIVEN.reward_minor + 1, reason=reason)
    with pytest.raises(Conflict) as refusal:
        require_given(correction(), short)
    told = reason or Reason.BUDGET_EXHAUSTED
    assert str(refusal.value) == f"The correction can't be carried out now: {told.support}"
    assert refusal.value.facts == {"reason": told.code}
