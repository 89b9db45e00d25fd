"""The routes of money, and ids that follow from what a movement is about."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.ids import derived_id
from shared.ledger.model import ROUTES, Kind, Movement, Pot, Step, movement, totals
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
