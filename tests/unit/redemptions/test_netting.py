"""What is owed is set against what was paid too much: of the same customer and currency only, in order, to the last minor unit."""

from typing import Any

from shared.kernel.ids import derived_id
from shared.redemptions.model import Redemption
from shared.redemptions.netting import Settlement, settle
from tests.unit.redemptions.builders import redemption


def owed(minor: int, grant: str = "owed", **overrides: Any) -> Redemption:
    return redemption(grant, reward_minor=minor, earned_minor=minor, **overrides)


def debt(minor: int, grant: str = "debt", **overrides: Any) -> Redemption:
    """A redemption of which so much more was paid than stands."""
    return redemption(grant, reward_minor=50, earned_minor=50, paid_minor=50 + minor, **overrides)


def credits_and_offsets(settlements: list[Settlement]) -> list[tuple[int, list[int]]]:
    return [(one.credit_minor, [offset.amount_minor for offset in one.offsets]) for one in settlements]


def test_without_debts_all_that_is_owed_is_credited() -> None:
    (settlement,) = settle([owed(100)], [])
    assert (settlement.owed, settlement.offsets, settlement.credit_minor) == (owed(100), (), 100)


def test_a_smaller_debt_is_kept_whole_and_the_rest_is_credited() -> None:
    assert credits_and_offsets(settle([owed(100)], [debt(30)])) == [(70, [30])]


def test_a_debt_of_just_as_much_leaves_nothing_to_credit() -> None:
    assert credits_and_offsets(settle([owed(100)], [debt(100)])) == [(0, [100])]


def test_a_larger_debt_is_carried_on_to_what_is_owed_next() -> None:
    asked = [owed(100, "first"), owed(20, "second"), owed(50, "third")]
    assert credits_and_offsets(settle(asked, [debt(130)])) == [(0, [100]), (0, [20]), (40, [10])]


def test_a_debt_that_was_made_good_takes_nothing_more() -> None:
    assert credits_and_offsets(settle([owed(30, "first"), owed(50, "second")], [debt(30)])) == [(0, [30]), (50, [])]


def test_what_of_a_debt_is_on_its_way_is_not_made_good_yet() -> None:
    assert credits_and_offsets(settle([owed(100)], [debt(80, instructed_minor=50)])) == [(70, [30])]
    assert credits_and_offsets(settle([owed(100)], [debt(80, instructed_minor=90)])) == [(100, [])]


def test_several_debts_are_made_good_in_their_order() -> None:
    first, second = debt(40, "older"), debt(80, "newer")
    (settlement,) = settle([owed(100)], [first, second])
    assert [(offset.debt, offset.amount_minor) for offset in settlement.offsets] == [(first, 40), (second, 60)]
    assert settlement.credit_minor == 0


def test_where_nothing_is_left_later_debts_are_not_touched() -> None:
    assert credits_and_offsets(settle([owed(40)], [debt(40, "older"), debt(80, "newer")])) == [(0, [40])]


def test_debts_of_another_customer_or_currency_are_left_alone() -> None:
    others = [debt(30, "theirs", customer_id="cust-2"), debt(30, "abroad", currency="CAD")]
    assert credits_and_offsets(settle([owed(100)], others)) == [(100, [])]
    assert credits_and_offsets(settle([owed(100, customer_id="cust-2")], others)) == [(70, [30])]
    assert credits_and_offsets(settle([owed(100, currency="CAD")], others)) == [(70, [30])]


def test_an_offset_names_both_and_has_an_id_of_its_own_for_each_revision_and_debt() -> None:
    older, newer = debt(10, "older"), debt(10, "newer")
    (settlement,) = settle([owed(100)], [older, newer])
    (again,) = settle([owed(100)], [older, newer])
    (revised,) = settle([owed(100, revision=2)], [older])
    assert settlement == again
    assert [offset.owed for offset in settlement.offsets] == [owed(100)] * 2
    one, other = (offset.offset_id for offset in settlement.offsets)
    assert len({one, other, revised.offsets[0].offset_id}) == 3
    assert one == derived_id(owed(100).redemption_id, "offset", 1, older.redemption_id)
