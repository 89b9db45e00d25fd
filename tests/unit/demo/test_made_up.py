from collections import Counter

from demo import made_up
from demo.journey import Journey
from demo.made_up import Shown
from demo.reckoning import reckon


def test_impressions_are_the_same_each_time(journey: Journey, shown: list[Shown]) -> None:
    assert made_up.impressions(journey) == shown


def test_impressions_are_about_sixty_thousand_and_some_are_reported_twice(shown: list[Shown]) -> None:
    times = Counter(one.impression_id for one in shown)
    assert 55_000 < len(shown) < 65_000
    assert set(times.values()) == {1, 2}


def test_impressions_go_to_targeted_households_inside_the_campaign_in_order_of_time(journey: Journey, shown: list[Shown]) -> None:
    campaigns = {campaign.number: campaign for campaign in journey.campaigns}
    assert [one.at for one in shown] == sorted(one.at for one in shown)
    for one in shown[::50]:
        campaign = campaigns[one.coupon.campaign]
        assert one.household_id in campaign.households
        assert campaign.first_day <= one.at.date() <= campaign.last_day


def test_only_what_was_served_is_viewed_and_only_what_was_viewed_is_clicked(shown: list[Shown]) -> None:
    kinds = ("served", "viewed", "clicked")
    ids = {kind: {one.impression_id.partition(":")[2] for one in shown if one.kind == kind} for kind in kinds}
    assert ids["clicked"] < ids["viewed"] < ids["served"]


def test_rewards_are_the_same_each_time_and_of_every_kind(journey: Journey) -> None:
    terms = [made_up.reward_terms(coupon) for coupon in journey.coupons]
    assert terms == [made_up.reward_terms(coupon) for coupon in journey.coupons]
    assert {one["reward"]["kind"] for one in terms} == {"fixed", "percent"}
    assert {one["qualification"]["operator"] for one in terms} == {">", ">="}
    assert {one["hold_days"] for one in terms} == {0, 14}


def test_one_budget_is_too_small_and_all_others_last(journey: Journey) -> None:
    wanted = reckon(journey)
    short = [c.number for c in journey.campaigns if wanted[c.number].reward_minor > made_up.budget_minor(c)]
    assert short == [13]


def test_notices_name_what_is_made_up() -> None:
    assert all(word in made_up.NOTICES[0] for word in ("budgets", "rewards", "impressions", str(made_up.SEED)))
