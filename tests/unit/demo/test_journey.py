from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from demo import journey as reading
from demo.journey import ZONE, Basket, Journey, cents


def test_has_the_published_sizes(journey: Journey) -> None:
    assert len(journey.households) == 2_469
    assert sum(bool(household.attributes) for household in journey.households) == 801
    assert len(journey.stores) == 457
    assert len(journey.campaigns) == 27
    assert len(journey.coupons) == 1_197
    assert len(journey.coupon_uses) == 2_102
    assert len(journey.baskets) == 155_848
    assert sum(len(basket.items) for basket in journey.baskets) == 1_469_307


def test_targets_come_to_the_published_grants(journey: Journey) -> None:
    offers = {campaign.number: 0 for campaign in journey.campaigns}
    for coupon in journey.coupons:
        offers[coupon.campaign] += 1
    assert sum(len(campaign.households) for campaign in journey.campaigns) == 6_589
    assert sum(len(campaign.households) * offers[campaign.number] for campaign in journey.campaigns) == 800_199


def test_amounts_are_whole_cents_that_add_up(journey: Journey) -> None:
    assert sum(basket.amount_minor for basket in journey.baskets) == 459_603_958
    assert all(basket.amount_minor == sum(amount for _, amount in basket.items) for basket in journey.baskets)


def test_baskets_are_in_order_of_time_and_each_once(journey: Journey) -> None:
    assert all(one.at <= other.at for one, other in pairwise(journey.baskets))
    assert len({basket.basket_id for basket in journey.baskets}) == len(journey.baskets)


def test_no_attribute_is_empty(journey: Journey) -> None:
    values = [value for household in journey.households for value in household.attributes.values()]
    assert values
    assert all(values)


def test_campaigns_have_local_days_in_order(journey: Journey) -> None:
    by_number = {campaign.number: campaign for campaign in journey.campaigns}
    assert (by_number[13].first_day, by_number[13].last_day) == (date(2017, 8, 8), date(2017, 9, 24))
    assert all(campaign.first_day < campaign.last_day for campaign in journey.campaigns)
    assert [c.first_day for c in journey.campaigns] == sorted(c.first_day for c in journey.campaigns)


def test_real_redemptions_are_by_targeted_households_inside_the_window_with_a_basket_that_local_day(journey: Journey) -> None:
    campaigns = {campaign.number: campaign for campaign in journey.campaigns}
    coupons = {(coupon.campaign, coupon.upc) for coupon in journey.coupons}
    days = {(basket.household_id, basket.day) for basket in journey.baskets}
    for use in journey.coupon_uses:
        campaign = campaigns[use.campaign]
        assert use.household_id in campaign.households
        assert campaign.first_day <= use.day <= campaign.last_day
        assert (use.campaign, use.upc) in coupons
        assert (use.household_id, use.day) in days


def test_days_read_in_utc_would_misplace_real_redemptions(journey: Journey) -> None:
    in_utc = {(basket.household_id, basket.at.date()) for basket in journey.baskets}
    assert any((use.household_id, use.day) not in in_utc for use in journey.coupon_uses)


def test_a_basket_late_in_the_evening_belongs_to_the_local_day() -> None:
    at = datetime(2017, 6, 2, 3, 30, tzinfo=UTC)
    basket = Basket(basket_id="b", household_id="h", store_id="s", at=at, amount_minor=0, items=())
    assert basket.day == date(2017, 6, 1) == at.astimezone(ZoneInfo(ZONE)).date()


@pytest.mark.parametrize(
    ("amount", "expected"),
    [(0.5, 50), (1.43, 143), (0.29, 29), (840.0, 84_000), (2.675, 268), (1.005, 101), (0.0, 0), (5.551115e-17, 0)],
)
def test_cents_are_exact_and_half_up(amount: float, expected: int) -> None:
    assert cents(amount) == expected


def test_says_so_when_the_data_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PACKAGE", "no_such_package_here")
    with pytest.raises(FileNotFoundError, match="no_such_package_here is not installed"):
        reading.read_journey()
