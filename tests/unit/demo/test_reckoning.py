from datetime import UTC, date, datetime
from typing import Any

import pytest

from demo import made_up
from demo.reckoning import Expected, reckon
from tests.unit.demo.builders import a_basket, a_campaign, a_journey


@pytest.fixture
def _terms(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    terms: dict[str, Any] = {
        "reward": {"kind": "percent", "basis_points": 1_000, "cap": 100},
        "qualification": {"kind": "single_purchase", "threshold": 200, "operator": ">="},
    } | getattr(request, "param", {})
    monkeypatch.setattr(made_up, "reward_terms", lambda _coupon: terms)


def reckoned(*baskets: Any) -> Expected:
    return reckon(a_journey(baskets=baskets, campaigns=(a_campaign(13),)))[13]


@pytest.mark.usefixtures("_terms")
def test_the_first_basket_that_reaches_the_threshold_earns_and_later_ones_do_not() -> None:
    below, first, later = a_basket(1, items=(("7", 199),)), a_basket(2, items=(("7", 205),)), a_basket(3, items=(("7", 900),))
    assert reckoned(below, first, later) == Expected(redemptions=1, reward_minor=21)


@pytest.mark.usefixtures("_terms")
def test_only_products_of_the_coupon_count_and_lines_add_up() -> None:
    assert reckoned(a_basket(items=(("9", 900),))) == Expected()
    assert reckoned(a_basket(items=(("7", 100), ("9", 5), ("7", 100)))) == Expected(redemptions=1, reward_minor=20)


@pytest.mark.usefixtures("_terms")
def test_the_cap_holds() -> None:
    assert reckoned(a_basket(items=(("7", 9_999),))) == Expected(redemptions=1, reward_minor=100)


@pytest.mark.parametrize("_terms", [{"qualification": {"kind": "single_purchase", "threshold": 200, "operator": ">"}}], indirect=True)
@pytest.mark.usefixtures("_terms")
def test_more_than_the_threshold_is_more() -> None:
    assert reckoned(a_basket(items=(("7", 200),))) == Expected()
    assert reckoned(a_basket(items=(("7", 201),))).redemptions == 1


@pytest.mark.usefixtures("_terms")
def test_the_last_day_counts_to_its_local_midnight() -> None:
    inside, outside = datetime(2017, 9, 25, 3, 59, 59, tzinfo=UTC), datetime(2017, 9, 25, 4, tzinfo=UTC)
    assert date(2017, 9, 24) == a_campaign().last_day
    assert reckoned(a_basket(at=inside)).redemptions == 1
    assert reckoned(a_basket(at=outside)).redemptions == 0


@pytest.mark.usefixtures("_terms")
def test_households_that_were_not_targeted_earn_nothing() -> None:
    assert reckoned(a_basket(household_id="household-3")) == Expected()
