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
