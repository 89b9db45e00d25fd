"""The routes of money, and ids that follow from what a movement is about."""

from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.ids import derived_id
from shared.ledger.model import ROUTES, Kind, Movement, Pot, Seal, Step, movement, open_changes, totals
from tests.conftest import NOW

ONE, OTHER = derived_id("one"), derived_id("other")


def pot(campaign_id: UUID, first: int) -> Pot:
    """A pot whose accounts are numbered from `first`; funding is account 1 of all."""
    numbers = {kind: first + place for place, kind in enumerate(Kind)} | {Kind.FUNDING: 1}
    return Pot(campaign_id=campaign_id, currency="USD", available_minor=0, accounts=numbers)


POTS = {ONE: pot(ONE, 10), OTHER: pot(OTHER, 20)}


def move(step: Step = Step.RESERVE, amount: int = 100, *, campaign: UUID = ONE, reference: UUID = ONE, turn: int = 1) -> Movement:
    return movement(step, campaign_id=campaign, amount_minor=amount, reference=reference, turn=turn, effective_at=NOW)


def test_every_step_has_a_route_between_two_accounts_and_every_account_is_reached() -> None:
    assert set(ROUTES) == set(Step)
    assert all(source is not target for source, target in ROUTES.values())
    assert {kind for route in ROUTES.values() for kind in route} == set(Kind)


@pytest.mark.parametrize(
    ("step", "back"),
    [(Step.APPROVE, Step.WITHDRAW), (Step.RESERVE, Step.VOID), (Step.RESERVE, Step.EXPIRE)],
)
def test_a_step_back_takes_the_same_way(step: Step, back: Step) -> None:
    assert ROUTES[back] == ROUTES[step][::-1]


def test_reversing_undoes_reserving_and_posting() -> None:
    assert (ROUTES[Step.REVERSE][1], ROUTES[Step.REVERSE][0]) == (ROUTES[Step.RESERVE][0], ROUTES[Step.POST][1])


def test_the_same_thing_has_the_same_id_whatever_the_amount() -> None:
    assert move(amount=1).posting_id == move(amount=2).posting_id


@pytest.mark.parametrize("other", [move(Step.POST), move(reference=OTHER), move(turn=2)], ids=["step", "reference", "turn"])
def test_another_step_reference_or_turn_is_another_posting(other: Movement) -> None:
    assert other.posting_id != move().posting_id


def test_totals_add_up_by_account() -> None:
    moves = [move(Step.RESERVE, 100), move(Step.POST, 70), move(Step.RESERVE, 5, campaign=OTHER), move(Step.APPROVE, 9)]
    assert totals(moves, POTS) == {
        POTS[ONE].accounts[Kind.AVAILABLE]: (100, 9),
        POTS[ONE].accounts[Kind.RESERVED]: (70, 100),
        POTS[ONE].accounts[Kind.PAYABLE]: (0, 70),
        POTS[OTHER].accounts[Kind.AVAILABLE]: (5, 0),
        POTS[OTHER].accounts[Kind.RESERVED]: (0, 5),
        1: (9, 0),
    }


def test_totals_of_several_steps_out_of_and_into_one_account_add_up() -> None:
    out_of_available = [move(Step.RESERVE, 100), move(Step.RESERVE, 30), move(Step.WITHDRAW, 7)]
    into_payable = [move(Step.POST, 50), move(Step.RECOVER, 20)]
    sums = totals([*out_of_available, *into_payable], POTS)
    assert sums[POTS[ONE].accounts[Kind.AVAILABLE]] == (137, 0)
    assert sums[POTS[ONE].accounts[Kind.PAYABLE]] == (0, 70)


FULL: Final = replace(
    POTS[ONE], available_minor=100, reserved_minor=20, payable_minor=30, instructed_minor=20, paid_minor=40, posted_minor=110
)
SEAL: Final = Seal(campaign_id=ONE, number=8, postings=1, hash=b"x" * 32)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (Step.APPROVE, {"available_minor": 105}),
        (Step.WITHDRAW, {"available_minor": 95}),
        (Step.SHRINK, {"available_minor": 95}),
        (Step.RESERVE, {"available_minor": 95, "reserved_minor": 25}),
        (Step.VOID, {"available_minor": 105, "reserved_minor": 15}),
        (Step.EXPIRE, {"available_minor": 105, "reserved_minor": 15}),
        (Step.POST, {"reserved_minor": 15, "payable_minor": 35, "posted_minor": 115}),
        (Step.REVERSE, {"payable_minor": 25, "available_minor": 105}),
        (Step.INSTRUCT, {"payable_minor": 25, "instructed_minor": 25}),
        (Step.PAY, {"instructed_minor": 15, "paid_minor": 45}),
        (Step.FAIL, {"payable_minor": 35, "instructed_minor": 15}),
        (Step.RETURN, {"payable_minor": 35, "paid_minor": 35}),
        (Step.RECOVER, {"payable_minor": 35, "paid_minor": 35}),
    ],
    ids=lambda value: getattr(value, "value", ""),
)
def test_a_pot_knows_what_is_where_after_each_step(step: Step, expected: dict[str, Any]) -> None:
    after = FULL.after(totals([move(step, 5)], POTS), SEAL)
    assert after == replace(FULL, sealed=8, seal_hash=SEAL.hash, **expected)


def test_what_is_posted_is_told_apart_from_what_comes_back_in_the_same_breath() -> None:
    back = [move(Step.RECOVER, 4), move(Step.FAIL, 3), move(Step.RETURN, 2)]
    after = FULL.after(totals([move(Step.POST, 9), *back, move(Step.PAY, 6)], POTS), SEAL)
    assert (after.payable_minor, after.instructed_minor, after.paid_minor, after.posted_minor) == (48, 11, 40, 119)


def test_a_reservation_is_open_by_what_is_reserved_less_what_uses_it_up() -> None:
    used = [move(Step.POST, 50), move(Step.VOID, 20), move(Step.EXPIRE, 10)]
    assert open_changes([move(Step.RESERVE, 100), *used]) == {(ONE, ONE): 20}
    assert open_changes(used) == {(ONE, ONE): -80}


def test_each_campaign_and_reference_has_a_reservation_of_its_own() -> None:
    moves = [move(Step.RESERVE, 1), move(Step.RESERVE, 2, reference=OTHER), move(Step.RESERVE, 4, campaign=OTHER)]
    assert open_changes(moves) == {(ONE, ONE): 1, (ONE, OTHER): 2, (OTHER, ONE): 4}


def test_what_is_opened_and_used_up_alike_or_is_no_reservation_is_not_told() -> None:
    assert open_changes([move(Step.APPROVE, 9), move(Step.PAY, 9), move(Step.RESERVE, 100), move(Step.POST, 100)]) == {}
    assert open_changes([move(Step.RESERVE, 1)]) == {(ONE, ONE): 1}


MOVES = st.lists(st.builds(move, st.sampled_from(Step), st.integers(1, 10**12), campaign=st.sampled_from([ONE, OTHER])), max_size=20)


@given(moves=MOVES)
def test_debits_equal_credits_equal_the_amounts(moves: list[Movement]) -> None:
    sums = totals(moves, POTS)
    amount = sum(one.amount_minor for one in moves)
    assert (sum(d for d, _ in sums.values()), sum(c for _, c in sums.values())) == (amount, amount)


@given(moves=MOVES, cut=st.integers(0, 20))
def test_totals_of_parts_are_the_totals_of_the_whole(moves: list[Movement], cut: int) -> None:
    first, second, whole = totals(moves[:cut], POTS), totals(moves[cut:], POTS), totals(moves, POTS)
    both = {n: tuple(map(sum, zip(first.get(n, (0, 0)), second.get(n, (0, 0)), strict=True))) for n in first.keys() | second.keys()}
    assert both == whole
