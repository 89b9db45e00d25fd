"""The life of a purchase: whatever was said of it, in whatever order, comes to one purchase."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from shared.eligibility.life import Kind, Message, given_back, purchase_of, purchases_of
from shared.eligibility.model import Item, Purchase
from shared.kernel.reasons import Reason
from tests.conftest import NOW


def said(
    kind: Kind, amount: int, *, sequence: int = 0, count: int | None = None, name: str = "p", of: str | None = "p", **more: Any
) -> Message:
    """A message about the purchase `p` unless it says another."""
    values: dict[str, Any] = {"at": NOW, "currency": "USD", "merchant_id": "shop", "recorded_at": NOW}
    purchase = Purchase(transaction_id=name, amount_minor=amount, **values | more)
    return Message(kind=kind, sequence=sequence, purchase_id=of, said=purchase, sequence_count=count)


def auth(amount: int, **more: Any) -> Message:
    return said(Kind.AUTHORIZATION, amount, **more)


def clearing(amount: int, **more: Any) -> Message:
    return said(Kind.CLEARING, amount, **more)


def refund(amount: int, name: str = "r", **more: Any) -> Message:
    return said(Kind.REFUND, amount, name=name, **more)


def reversal(amount: int, **more: Any) -> Message:
    return said(Kind.REVERSAL, amount, **more)


SINGLE, DECLINE, EXPIRY = said(Kind.PURCHASE, 900), said(Kind.DECLINE, 0), said(Kind.EXPIRY, 0)

LIVES: dict[str, tuple[list[Message], tuple[int, int, Reason | None]]] = {
    # messages: what stands, what of it has cleared, why nothing stands
    "a single message": ([SINGLE], (900, 900, None)),
    "an authorisation": ([auth(900)], (900, 0, None)),
    "cleared as authorised": ([auth(900), clearing(900)], (900, 900, None)),
    "cleared with a tip": ([auth(900), clearing(1100)], (1100, 1100, None)),
    "cleared for less": ([auth(900), clearing(700)], (700, 700, None)),
    "a clearing without authorisation": ([clearing(700)], (700, 700, None)),
    "a first part of two": ([auth(900), clearing(500, sequence=1, count=2)], (900, 500, None)),
    "both parts, and less than authorised": (
        [auth(900), clearing(500, sequence=1, count=2), clearing(300, sequence=2, count=2)],
        (800, 800, None),
    ),
    "a second part alone": ([auth(900), clearing(300, sequence=2, count=2)], (900, 300, None)),
    "a part, and no more came": ([auth(900), clearing(500, sequence=1, count=2), EXPIRY], (500, 500, None)),
    "parts beyond what was authorised": (
        [auth(900), clearing(500, sequence=1, count=3), clearing(600, sequence=2, count=3)],
        (1100, 1100, None),
    ),
    "authorised more": ([auth(900), auth(300, sequence=1)], (1200, 0, None)),
    "expired": ([auth(900), EXPIRY], (0, 0, Reason.AUTHORIZATION_EXPIRED)),
    "cleared after it expired": ([auth(900), EXPIRY, clearing(900)], (900, 900, None)),
    "declined": ([auth(900), DECLINE], (0, 0, Reason.DECLINED)),
    "reversed": ([auth(900), reversal(900)], (0, 0, Reason.REVERSED)),
    "reversed in part": ([auth(900), reversal(400)], (500, 0, None)),
    "reversed in part and cleared": ([auth(900), reversal(400), clearing(500)], (500, 500, None)),
    "a single message reversed": ([SINGLE, reversal(900)], (0, 0, Reason.REVERSED)),
    "a single message reversed in part": ([SINGLE, reversal(200)], (700, 700, None)),
    "refunded": ([SINGLE, refund(900)], (0, 0, Reason.REFUNDED)),
    "refunded in part": ([SINGLE, refund(250)], (650, 650, None)),
    "refunded twice": ([SINGLE, refund(250), refund(250, name="r2")], (400, 400, None)),
    "refunded for more than it was": ([SINGLE, refund(950)], (0, 0, Reason.REFUNDED)),
    "refunded while authorised": ([auth(900), refund(100)], (800, 0, None)),
    "refunded, cleared and authorised": ([auth(900), refund(100), clearing(900)], (800, 800, None)),
    "a part cleared and refunded": ([auth(900), clearing(500, sequence=1, count=2), refund(500)], (400, 0, None)),
}


@pytest.mark.parametrize(("messages", "expected"), LIVES.values(), ids=LIVES)
def test_a_life_in_any_order_and_said_twice_comes_to_one_purchase(
    messages: list[Message], expected: tuple[int, int, Reason | None]
) -> None:
    lives = {repr(purchase_of(order + order[:1])): purchase_of(order) for order in map(list, permutations(messages))}
    (life,) = lives.values()
    assert life
    assert (life.amount_minor, (life.cleared or life).amount_minor, life.ended) == expected
    assert life.transaction_id == "p"


def test_the_first_clearing_tells_when_and_where_and_the_last_when_it_was_posted() -> None:
    first = clearing(500, sequence=1, count=2, at=NOW - timedelta(hours=1), merchant_id="cleared", posted_at=NOW + timedelta(days=1))
    last = clearing(400, sequence=2, count=2, posted_at=NOW + timedelta(days=3), recorded_at=NOW + timedelta(days=4))
    life = purchase_of([auth(900, merchant_id="authorised", recorded_at=NOW - timedelta(days=1)), last, first])
    assert life
    assert (life.at, life.merchant_id, life.posted_at) == (NOW - timedelta(hours=1), "cleared", NOW + timedelta(days=3))
    assert life.recorded_at == NOW - timedelta(days=1)


def test_tip_tax_and_cash_back_follow_what_was_cleared_and_refunded() -> None:
    life = purchase_of([auth(1000, tip_minor=0), clearing(1200, tip_minor=200, tax_minor=50), refund(120, tip_minor=20, tax_minor=5)])
    assert life
    assert (life.amount_minor, life.tip_minor, life.tax_minor) == (1080, 180, 45)


def test_while_more_may_clear_tip_and_tax_are_those_authorised_or_what_has_cleared_already() -> None:
    life = purchase_of([auth(900, tax_minor=60), clearing(500, sequence=1, count=2, tip_minor=50, tax_minor=20)])
    assert life
    assert (life.amount_minor, life.tip_minor, life.tax_minor) == (900, 50, 60)


def test_what_was_not_in_the_basket_is_taken_off_the_amount_alone() -> None:
    for bought in ((), (Item("a", 900),)):
        life = purchase_of([said(Kind.PURCHASE, 900, items=bought), refund(200, items=(Item("b", 200),))])
        assert life
        assert (life.amount_minor, life.items) == (700, bought)


def test_items_are_those_that_cleared_less_those_returned() -> None:
    life = purchase_of([auth(900, items=(Item("a", 900),)), clearing(800, items=(Item("b", 800),)), refund(300, items=(Item("b", 300),))])
    assert life
    assert life.items == (Item("b", 800), Item("b", -300))


def test_while_more_may_clear_the_items_are_those_authorised() -> None:
    life = purchase_of([auth(900, items=(Item("a", 900),)), clearing(400, sequence=1, count=2, items=(Item("a", 400),))])
    assert life
    assert life.cleared
    assert (life.items, life.cleared.items) == ((Item("a", 900),), (Item("a", 400),))


def test_refunds_of_a_purchase_that_is_not_known_come_to_nothing_yet() -> None:
    assert purchase_of([refund(100)]) is None
    assert purchases_of([refund(100), refund(50, name="loose", of=None)]) == []


def test_purchases_are_told_apart() -> None:
    lives = purchases_of([SINGLE, auth(50, name="q", of="q"), refund(100)])
    assert {life.transaction_id: life.amount_minor for life in lives} == {"p": 800, "q": 50}


def test_refunds_of_purchases_that_are_not_known_are_added_up_by_purchase_and_currency() -> None:
    twice = refund(300, "r1", of="t1")
    more = [refund(200, "r2", of="t1"), refund(100, "r3", of="t2"), refund(50, "r4", of=None), refund(70, "r5", of="t1", currency="EUR")]
    assert given_back([twice, twice, *more, said(Kind.PURCHASE, 1_000, of="t2")]) == {("t1", "USD"): 500, ("t1", "EUR"): 70}
