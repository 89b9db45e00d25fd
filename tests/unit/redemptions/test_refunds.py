"""Which purchase a refund is for that names none: of the same merchant, and two that are not known are not the same."""

from datetime import timedelta
from typing import Any

import pytest

from shared.eligibility.model import Purchase
from shared.kernel.reasons import Reason
from shared.redemptions.refunds import REFUND_WINDOW, match_refunds
from tests.conftest import NOW


def purchase(**overrides: Any) -> Purchase:
    values: dict[str, Any] = {"transaction_id": "t1", "at": NOW, "amount_minor": 1500, "currency": "USD", "merchant_id": "m1"}
    return Purchase(**values | overrides)


def refund(**overrides: Any) -> Purchase:
    return purchase(**{"transaction_id": "r1", "at": NOW + timedelta(days=1)} | overrides)


def matched(of: Purchase, by: Purchase) -> str | Reason:
    return match_refunds([of], [by])["r1"]


@pytest.mark.parametrize(
    ("of", "by"),
    [
        ({}, {}),
        ({"descriptor": "BLUE CUP"}, {"descriptor": "GREEN CUP"}),
        ({"merchant_id": None, "descriptor": "SQ *Blue Cup 0042"}, {"merchant_id": None, "descriptor": "BLUE CUP"}),
        ({"descriptor": "BLUE CUP"}, {"merchant_id": None, "descriptor": "BLUE CUP"}),
        ({"merchant_id": None, "descriptor": "BLUE CUP"}, {"descriptor": "BLUE CUP"}),
    ],
)
def test_a_refund_is_for_a_purchase_of_its_merchant_or_else_of_its_descriptor(of: dict[str, Any], by: dict[str, Any]) -> None:
    assert matched(purchase(**of), refund(**by)) == "t1"


@pytest.mark.parametrize(
    ("of", "by"),
    [
        ({}, {"merchant_id": "m2"}),
        ({"descriptor": "BLUE CUP"}, {"merchant_id": "m2", "descriptor": "BLUE CUP"}),
        ({"merchant_id": None}, {"merchant_id": None}),
        ({"merchant_id": ""}, {"merchant_id": ""}),
        ({"merchant_id": None, "descriptor": "BLUE CUP"}, {"merchant_id": None}),
        ({"merchant_id": None, "descriptor": "BLUE CUP"}, {"merchant_id": None, "descriptor": "GREEN CUP"}),
        ({}, {"merchant_id": None, "descriptor": "m1"}),
        ({}, {"currency": "CAD"}),
        ({}, {"at": NOW - timedelta(microseconds=1)}),
        ({}, {"at": NOW + REFUND_WINDOW + timedelta(microseconds=1)}),
        ({"card_token": "k1"}, {"card_token": "k2"}),
    ],
)
def test_a_refund_of_another_merchant_or_of_one_that_is_not_known_finds_nothing(of: dict[str, Any], by: dict[str, Any]) -> None:
    assert matched(purchase(**of), refund(**by)) is Reason.NO_PURCHASE_TO_REFUND


@pytest.mark.parametrize(
    ("of", "by"),
    [
        ({}, {"at": NOW}),
        ({}, {"at": NOW + REFUND_WINDOW}),
        ({"card_token": "k1"}, {"card_token": "k1"}),
        ({"card_token": "k1"}, {}),
        ({}, {"card_token": "k1"}),
    ],
    ids=["at the same moment", "at the last moment", "of the same card", "of no card", "of a purchase of no card"],
)
def test_a_refund_is_for_a_purchase_of_its_card_within_180_days(of: dict[str, Any], by: dict[str, Any]) -> None:
    assert matched(purchase(**of), refund(**by)) == "t1"


def test_a_refund_of_more_than_is_left_of_any_purchase_says_so() -> None:
    assert matched(purchase(), refund(amount_minor=1501)) is Reason.REFUND_ABOVE_PURCHASE


def test_of_several_purchases_the_one_of_just_as_much_is_refunded() -> None:
    bought = [purchase(transaction_id=f"t{n}", amount_minor=amount) for n, amount in enumerate([2000, 1500, 3000], 1)]
    for listed in (bought, bought[::-1]):
        assert match_refunds(listed, [refund()]) == {"r1": "t2"}


def test_of_several_purchases_of_more_the_latest_is_refunded_and_at_one_moment_the_last_id() -> None:
    later = NOW + timedelta(hours=1)
    bought = [
        purchase(transaction_id="t1", at=later, amount_minor=4000),
        purchase(transaction_id="t2", at=later, amount_minor=2000),
        purchase(transaction_id="t3", amount_minor=3000),
    ]
    for listed in (bought, bought[::-1]):
        assert match_refunds(listed, [refund()]) == {"r1": "t2"}


def test_what_one_refund_took_is_not_there_for_the_next() -> None:
    refunds = [refund(amount_minor=1000), refund(transaction_id="r2", amount_minor=500), refund(transaction_id="r3", amount_minor=1)]
    assert match_refunds([purchase()], refunds) == {"r1": "t1", "r2": "t1", "r3": Reason.REFUND_ABOVE_PURCHASE}


def test_refunds_choose_in_the_order_in_which_they_were_given_and_at_one_moment_in_that_of_their_ids() -> None:
    late = refund(transaction_id="r1", at=NOW + timedelta(days=2))
    second, first = refund(transaction_id="r3"), refund(transaction_id="r2")
    bought = [purchase(), purchase(transaction_id="t2", at=NOW + timedelta(hours=1))]
    expected = {"r2": "t2", "r3": "t1", "r1": Reason.REFUND_ABOVE_PURCHASE}
    assert match_refunds(bought, [late, second, first]) == expected
