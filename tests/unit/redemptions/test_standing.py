"""Where a statement credit stands by what was told of it, in any order; and when what failed is tried again."""

from datetime import timedelta
from itertools import permutations, product

import pytest

from shared.ledger.model import ROUTES, Kind
from shared.redemptions.standing import GONE, MOVES, PAUSES, Standing, again_at, standing
from tests.conftest import NOW

S = Standing
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("told", "stands"),
    [
        ([], S.INSTRUCTED),
        ([(0, S.PAID)], S.PAID),
        ([(0, S.FAILED)], S.FAILED),
        ([(0, S.RETURNED)], S.RETURNED),
        ([(0, S.PAID), (1, S.RETURNED)], S.RETURNED),
        ([(0, S.FAILED), (1, S.PAID)], S.PAID),
        ([(0, S.PAID), (1, S.FAILED)], S.FAILED),
        ([(0, S.PAID), (0, S.RETURNED), (0, S.FAILED)], S.RETURNED),
        ([(0, S.FAILED), (0, S.PAID)], S.PAID),
        ([(0, S.PAID), (1, S.RETURNED), (2, S.PAID)], S.PAID),
    ],
)
def test_the_latest_by_its_moment_holds_in_whatever_order_it_is_told(told: list[tuple[int, Standing]], stands: Standing) -> None:
    moments = [(NOW + hours * HOUR, what) for hours, what in told]
    assert {standing(order) for order in permutations(moments)} == {stands}


AT = {S.INSTRUCTED: Kind.INSTRUCTED, S.PAID: Kind.PAID, S.FAILED: Kind.PAYABLE, S.RETURNED: Kind.PAYABLE}


@pytest.mark.parametrize(("before", "after"), [pair for pair in product(S, S) if pair[0] is not pair[1] and pair[1] is not S.INSTRUCTED])
def test_money_moves_from_where_the_credit_stood_to_where_it_stands(before: Standing, after: Standing) -> None:
    place = AT[before]
    for step in MOVES[before, after]:
        source, target = ROUTES[step]
        assert source is place
        place = target
    assert place is AT[after]


def test_what_has_left_is_not_owed() -> None:
    assert {one for one in S if AT[one] is not Kind.PAYABLE} == GONE


@pytest.mark.parametrize(
    ("code", "failures", "pause"),
    [
        ("technical", 1, PAUSES[0]),
        ("limit", 2, PAUSES[1]),
        ("account_blocked", 3, PAUSES[2]),
        ("technical", 4, None),
        ("account_closed", 1, None),
        ("account_unknown", 1, None),
        ("card_unknown", 2, None),
    ],
)
def test_what_failed_is_tried_again_by_its_reason_and_how_often_it_has(code: str, failures: int, pause: timedelta | None) -> None:
    assert again_at(code, failures, NOW) == (NOW + pause if pause else None)
