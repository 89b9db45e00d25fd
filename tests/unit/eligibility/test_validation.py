"""What is wrong with terms is found when they are saved, all at once, where it is, with how to mend it."""

from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from shared.eligibility.compile import compile_offer
from shared.eligibility.fold import evaluate
from shared.eligibility.terms import Terms
from shared.eligibility.validation import problems
from tests.unit.eligibility.builders import history, offer, purchase, terms

SEGMENT = f"seg_{1:032x}"
CUMULATIVE = {"kind": "cumulative_spend", "threshold": 5000}
PERCENT = {"kind": "percent", "basis_points": 500}
TWO_VISITS = {"kind": "visits", "visits": 2}
ROLLING = {"redemptions": 3, "kind": "rolling"}
FIVE_A_WEEK = {"redemptions": 5, "per": "P1W", "kind": "calendar"}
ONE_A_DAY = {"redemptions": 1, "per": "P1D", "kind": "calendar"}
MONDAY_TO_SATURDAY = {"start": "2017-03-06", "end": "2017-03-11"}
MORNING = {"start": "2017-03-01T10:00", "end": "2017-03-01T12:00"}
EXCLUDED_IDS = "/scope/exclude/network_merchant_ids"
WORDS = {"channel": "email", "language": "en", "title": "Five off", "text": "At our shops"}
SMS = WORDS | {"channel": "sms"}
STATEMENT = WORDS | {"channel": "statement"}
IMAGE = {"url": "https://img.example/five-off.png", "alt": "A basket of fruit"}
LANGUAGES = ["en", *(f"e{first}-{second}A" for first in "abcd" for second in "ABCDEFGHIJKLMNOPQRSTUVW")]
MUCH_CONTENT = [WORDS | {"language": language, "terms": "é" * 2450} for language in LANGUAGES][:80]
GOLD = {"name": "gold", "segments": [SEGMENT], "reward": {"kind": "fixed", "amount": 900}}
OTHER_SEGMENT = f"seg_{2:032x}"
GOLD_TIER = "/variants/0/reward/tiers/1/reached"


def tiers(*listed: dict[str, Any], on: str = "whole") -> dict[str, Any]:
    return {"kind": "tiers", "on": on, "tiers": list(listed)}


FALLING = tiers({"reached": 0, "amount": 200}, {"reached": 3000, "amount": 50})
"""More is paid less."""


@pytest.mark.parametrize(
    ("overrides", "path"),
    [
        ({"window": {"zone": "America/Gotham"}}, "/window/zone"),
        ({"window": {"zone": "../etc/passwd"}}, "/window/zone"),
        ({"window": {"end": "2017-02-28"}}, "/window/end"),
        ({"window": {"end": "2017-03-01", "end_inclusive": False}}, "/window/end"),
        ({"window": {"start": "2017-03-01T10:00", "end": "2017-03-01T10:00"}}, "/window/end"),
        ({"window": {"start": "2017-03-01T10:00", "end": "2017-03-01", "end_inclusive": False}}, "/window/end"),
        ({"window": {"end": "9999-12-31"}}, "/window/end"),
        ({"window": {"start": "0001-01-01"}}, "/window/start"),
        ({"window": {"life_after_grant": "P32D"}}, "/window/life_after_grant"),
        ({"reward": {"kind": "fixed", "amount": "5.001"}}, "/reward/amount"),
        ({"reward": {"kind": "fixed", "amount": 0}}, "/reward/amount"),
        ({"reward": PERCENT | {"cap": "1.234"}}, "/reward/cap"),
        ({"reward": PERCENT | {"cap": 0}}, "/reward/cap"),
        ({"reward": PERCENT | {"cap": "0.00"}}, "/reward/cap"),
        ({"currency": "JPY", "qualification": {"threshold": "20.5"}}, "/qualification/threshold"),
        ({"currency": "BHD", "qualification": {"threshold": "9999999999999.999"}}, "/qualification/threshold"),
        ({"limits": {"reward_per_customer": "7.001"}}, "/limits/reward_per_customer"),
        ({"limits": {"reward_per_customer": 0}}, "/limits/reward_per_customer"),
        ({"limits": {"reward_per_customer": 499}}, "/limits/reward_per_customer"),
        ({"limits": {"reward_per_account": "5.001"}}, "/limits/reward_per_account"),
        ({"limits": {"reward_per_account": 0}}, "/limits/reward_per_account"),
        ({"limits": {"reward_per_account": 499}}, "/limits/reward_per_account"),
        ({"limits": {"budget_per_day": "5.001"}}, "/limits/budget_per_day"),
        ({"limits": {"budget_per_day": 0}}, "/limits/budget_per_day"),
        ({"limits": {"budget_per_day": 499}}, "/limits/budget_per_day"),
        ({"limits": {"budget_per_month": "5.001"}}, "/limits/budget_per_month"),
        ({"limits": {"budget_per_month": 0}}, "/limits/budget_per_month"),
        ({"limits": {"budget_per_month": 499}}, "/limits/budget_per_month"),
        ({"limits": {"budget_per_merchant": "5.001"}}, "/limits/budget_per_merchant"),
        ({"limits": {"budget_per_merchant": 0}}, "/limits/budget_per_merchant"),
        ({"limits": {"budget_per_merchant": 499}}, "/limits/budget_per_merchant"),
        ({"reward": PERCENT, "limits": {"budget_per_day": 99}}, "/limits/budget_per_day"),
        ({"reward": PERCENT, "qualification": {"operator": ">"}, "limits": {"reward_per_customer": 99}}, "/limits/reward_per_customer"),
        ({"reward": PERCENT, "qualification": TWO_VISITS, "limits": {"budget_per_day": 199}}, "/limits/budget_per_day"),
        ({"reward": PERCENT, "qualification": CUMULATIVE, "limits": {"budget_per_day": 249}}, "/limits/budget_per_day"),
        ({"reward": FALLING, "qualification": {"maximum": 2999}, "limits": {"budget_per_day": 199}}, "/limits/budget_per_day"),
        ({"reward": FALLING, "limits": {"budget_per_day": 49}}, "/limits/budget_per_day"),
        ({"limits": {"budget_per_day": 1001, "budget_per_month": 1000}}, "/limits/budget_per_day"),
        ({"repeat": True, "limits": {"redemptions_per_customer": 4, "redemptions_total": 3}}, "/limits/redemptions_per_customer"),
        ({"limits": {"per_period": [FIVE_A_WEEK], "redemptions_per_customer": 4}}, "/limits/per_period/0/redemptions"),
        ({"limits": {"per_period": [ONE_A_DAY, FIVE_A_WEEK], "redemptions_total": 4}}, "/limits/per_period/1/redemptions"),
        ({"limits": {"per_period": [ONE_A_DAY | {"redemptions": 6}, FIVE_A_WEEK]}}, "/limits/per_period/0/redemptions"),
        (
            {"limits": {"per_period": [ROLLING | {"per": "P31D"}, ROLLING | {"per": "P5W", "redemptions": 2}]}},
            "/limits/per_period/0/redemptions",
        ),
        (
            {"limits": {"per_period": [ROLLING | {"per": "P1M"}, ROLLING | {"per": "P31D", "redemptions": 2}]}},
            "/limits/per_period/0/redemptions",
        ),
        ({"clawback": {"write_off_floor": "1.001"}}, "/clawback/write_off_floor"),
        ({"clawback": {"write_off_floor": 500}}, "/clawback/write_off_floor"),
        ({"reward": PERCENT | {"cap": 300}, "clawback": {"write_off_floor": 300}}, "/clawback/write_off_floor"),
        ({"reward": PERCENT, "qualification": {"maximum": 4000}, "clawback": {"write_off_floor": 200}}, "/clawback/write_off_floor"),
        ({"reward": PERCENT, "limits": {"reward_per_customer": 300}, "clawback": {"write_off_floor": 300}}, "/clawback/write_off_floor"),
        ({"clawback": {"write_off_floor": 1, "negative_balance": "write_off"}}, "/clawback/write_off_floor"),
        ({"clawback": {"write_off_floor": 500, "negative_balance": "write_off"}}, "/clawback/write_off_floor"),
        ({"reward": tiers({"reached": 5000, "amount": 5}), "qualification": TWO_VISITS | {"maximum": 2499}}, "/reward/tiers"),
        ({"qualification": CUMULATIVE | {"maximum": 0}}, "/qualification/maximum"),
        ({"reward": PERCENT | {"minimum": 0}}, "/reward/minimum"),
        ({"reward": PERCENT | {"minimum": "0.001"}}, "/reward/minimum"),
        ({"reward": PERCENT | {"minimum": 200, "cap": 100}}, "/reward/cap"),
        ({"reward": PERCENT | {"minimum": 200}, "limits": {"reward_per_customer": 199}}, "/limits/reward_per_customer"),
        ({"reward": tiers({"reached": 0})}, "/reward/tiers/0"),
        ({"reward": tiers({"reached": 0, "basis_points": 1, "amount": 1})}, "/reward/tiers/0"),
        ({"reward": tiers({"reached": 0, "amount": 100}, on="marginal")}, "/reward/tiers/0"),
        ({"reward": tiers({"reached": 0, "amount": 0})}, "/reward/tiers/0/amount"),
        ({"reward": tiers({"reached": "1.001", "amount": 5})}, "/reward/tiers/0/reached"),
        ({"reward": tiers({"reached": 5, "amount": 5}, {"reached": 5, "amount": 6})}, "/reward/tiers/1/reached"),
        ({"reward": tiers({"reached": 3000, "amount": 5}), "qualification": {"maximum": 2999}}, "/reward/tiers"),
        ({"reward": tiers({"reached": 6000, "amount": 5}), "repeat": True, "qualification": CUMULATIVE}, "/reward/tiers"),
        ({"reward": {"kind": "percent", "basis_points": 1}, "qualification": {"threshold": 0, "maximum": 49}}, "/reward/basis_points"),
        ({"qualification": {"maximum": 1999}}, "/qualification/maximum"),
        ({"qualification": {"maximum": 2000, "operator": ">"}}, "/qualification/maximum"),
        ({"qualification": {"threshold": 0, "maximum": 0}}, "/qualification/maximum"),
        ({"qualification": {"kind": "visits", "visits": 2, "maximum": 1999}}, "/qualification/maximum"),
        ({"qualification": {"kind": "visits"}}, "/qualification/visits"),
        ({"qualification": {"visits": 2}}, "/qualification/visits"),
        ({"limits": {"per_period": [ONE_A_DAY | {"per": "P2D"}]}}, "/limits/per_period/0/per"),
        ({"limits": {"per_period": [ONE_A_DAY, ONE_A_DAY | {"redemptions": 2}]}}, "/limits/per_period/1"),
        ({"repeat": True, "limits": {"redemptions_per_customer": 1}}, "/limits/redemptions_per_customer"),
        ({"repeat": True, "qualification": CUMULATIVE | {"threshold": 0}}, "/qualification/threshold"),
        ({"repeat": True, "reward": PERCENT, "qualification": CUMULATIVE | {"threshold": 9}}, "/reward/basis_points"),
        ({"scope": {"include": {"merchants": ["m1"]}, "exclude": {"merchants": ["m1", "m2"]}}}, "/scope/exclude/merchants"),
        ({"scope": {"include": {"products": ["p1", "p2"]}, "exclude": {"products": ["p2", "p1"]}}}, "/scope/exclude/products"),
        ({"scope": {"include": {"mccs": ["5411"]}, "exclude": {"mccs": ["5411"]}}}, "/scope/exclude/mccs"),
        ({"scope": {"include": {"locations": ["l1"]}, "exclude": {"locations": ["l1"]}}}, "/scope/exclude/locations"),
        ({"scope": {"include": {"mccs": ["5499-5411"]}}}, "/scope/include/mccs/0"),
        ({"scope": {"exclude": {"mccs": ["5411", "5499-5498"]}}}, "/scope/exclude/mccs/1"),
        ({"scope": {"include": {"mccs": ["5411-5412"]}, "exclude": {"mccs": ["5000-5411", "5412"]}}}, "/scope/exclude/mccs"),
        ({"scope": {"include": {"brands": ["Corner"]}, "exclude": {"brands": ["Corner"]}}}, "/scope/exclude/brands"),
        ({"scope": {"include": {"network_merchant_ids": ["n1"]}, "exclude": {"network_merchant_ids": ["n1"]}}}, EXCLUDED_IDS),
        ({"scope": {"include": {"channels": ["app"]}, "exclude": {"channels": ["online", "app"]}}}, "/scope/exclude/channels"),
        ({"scope": {"include": {"countries": ["US"]}, "exclude": {"countries": ["US"]}}}, "/scope/exclude/countries"),
        ({"scope": {"include": {"regions": ["NY"]}, "exclude": {"regions": ["NY"]}}}, "/scope/exclude/regions"),
        ({"scope": {"include": {"card_products": ["gold"]}, "exclude": {"card_products": ["gold"]}}}, "/scope/exclude/card_products"),
        ({"window": MONDAY_TO_SATURDAY | {"days_of_week": ["sunday"]}}, "/window/days_of_week"),
        ({"window": MONDAY_TO_SATURDAY | {"days_of_week": ["sunday"], "times_of_day": ["22:00-24:00"]}}, "/window/days_of_week"),
        ({"window": MONDAY_TO_SATURDAY | {"end": "2017-03-07", "excluded_dates": ["2017-03-07", "2017-03-06"]}}, "/window/excluded_dates"),
        ({"window": MONDAY_TO_SATURDAY | {"days_of_week": ["monday"], "excluded_dates": ["2017-03-06"]}}, "/window/excluded_dates"),
        ({"window": MORNING | {"times_of_day": ["12:01-10:00"]}}, "/window/times_of_day"),
        ({"window": MONDAY_TO_SATURDAY | {"zone": "America/Gotham", "zone_policy": "fixed", "days_of_week": ["monday"]}}, "/window/zone"),
        ({"window": {"times_of_day": ["10:00-12:00", "12:00-12:00"]}}, "/window/times_of_day/1"),
        ({"window": {"times_of_day": ["00:00-00:00"]}}, "/window/times_of_day/0"),
        ({"window": MORNING | {"end_inclusive": False, "times_of_day": ["12:00-13:00"]}}, "/window/times_of_day"),
        ({"audience": {"segments_in": [SEGMENT], "segments_out": [SEGMENT]}}, "/audience/segments_out"),
        ({"audience": {"holdout": 10_000}}, "/audience/holdout"),
        ({"content": [WORDS, WORDS | {"title": "Again"}]}, "/content/1"),
        ({"content": [SMS | {"text": "x" * 161}]}, "/content/0/text"),
        ({"content": [SMS | {"text": "x" * 159 + "€"}]}, "/content/0/text"),
        ({"content": [SMS | {"text": "x" * 70 + "ł"}]}, "/content/0/text"),
        ({"content": [SMS | {"text": "x" * 69 + "🍓"}]}, "/content/0/text"),
        ({"content": [WORDS, SMS | {"images": [IMAGE]}]}, "/content/1/images"),
        ({"content": [STATEMENT | {"images": [IMAGE]}]}, "/content/0/images"),
        ({"content": [STATEMENT | {"title": "x" * 41}]}, "/content/0/title"),
        ({"content": [STATEMENT | {"text": "x" * 121}]}, "/content/0/text"),
        ({"content": [WORDS | {"channel": "in_app", "title": "x" * 61}]}, "/content/0/title"),
        ({"content": [WORDS | {"channel": "in_app", "text": "x" * 241}]}, "/content/0/text"),
        ({"content": [WORDS | {"channel": "social", "text": "x" * 281}]}, "/content/0/text"),
        ({"content": [WORDS, SMS | {"language": "es"}, SMS | {"language": "fr"}]}, "/content/1"),
        ({"content": [WORDS], "default_language": "en-US"}, "/content/0"),
        ({"content": MUCH_CONTENT}, "/content"),
        ({"content": [WORDS], "variants": [GOLD | {"content": [WORDS | {"language": "es"}]}]}, "/variants/0/content/0"),
        ({"content": [SMS], "variants": [GOLD | {"content": [SMS | {"text": "x" * 161}]}]}, "/variants/0/content/0/text"),
        ({"variants": [GOLD, GOLD | {"segments": [OTHER_SEGMENT]}]}, "/variants/1/name"),
        ({"variants": [GOLD, GOLD | {"name": "b", "segments": [OTHER_SEGMENT, SEGMENT]}]}, "/variants/1/segments/1"),
        ({"variants": [GOLD | {"segments": [SEGMENT, SEGMENT]}]}, "/variants/0/segments/1"),
        ({"audience": {"segments_out": [SEGMENT]}, "variants": [GOLD]}, "/variants/0/segments/0"),
        ({"variants": [GOLD | {"threshold": "1.001"}]}, "/variants/0/threshold"),
        ({"variants": [GOLD | {"reward": PERCENT | {"cap": 0}}]}, "/variants/0/reward/cap"),
        ({"variants": [GOLD | {"reward": tiers({"reached": 5, "amount": 5}, {"reached": 5, "amount": 6})}]}, GOLD_TIER),
        ({"variants": [GOLD | {"threshold": 2600}], "qualification": {"maximum": 2599}}, "/qualification/maximum"),
        ({"variants": [GOLD], "limits": {"reward_per_customer": 899}}, "/limits/reward_per_customer"),
        ({"variants": [GOLD | {"threshold": 0}], "repeat": True, "qualification": CUMULATIVE}, "/variants/0/threshold"),
        ({"variants": [GOLD | {"content": [WORDS, WORDS]}]}, "/variants/0/content/1"),
        ({"variants": [GOLD | {"content": [WORDS]}], "content": [WORDS, WORDS | {"channel": "web"}]}, "/variants/0/content"),
    ],
)
def test_tells_what_is_wrong_and_where(overrides: dict[str, Any], path: str) -> None:
    (problem,) = problems(terms(**overrides))
    assert problem.path == path
    assert ":" in problem.message
    assert problem.message.endswith(".")
    assert problem.message[0].isupper() or problem.message.startswith(("seg_", "'"))
    assert not problem.message.isupper()


@pytest.mark.parametrize(
    "overrides",
    [
        {},
        {"window": {"end": "2017-03-01"}},
        {"window": {"start": "2017-03-01T10:00", "end": "2017-03-01T10:00:01"}},
        {"window": {"life_after_grant": "P31D"}},
        {"reward": PERCENT | {"cap": 1}},
        {"qualification": {"threshold": 0, "operator": ">"}},
        {"limits": {"reward_per_customer": 500, "redemptions_per_customer": 1}},
        {"repeat": True, "limits": {"redemptions_per_customer": 2}},
        {"repeat": True, "reward": PERCENT, "qualification": CUMULATIVE | {"threshold": 10}},
        {"qualification": CUMULATIVE | {"threshold": 0}},
        {"qualification": {"threshold": 2000, "maximum": 2000}},
        {"qualification": {"threshold": 2000, "maximum": 2001, "operator": ">"}},
        {"qualification": {"threshold": 0, "maximum": 1}},
        {"qualification": CUMULATIVE | {"maximum": 1}},
        {"qualification": {"kind": "visits", "visits": 2, "maximum": 2000}, "reward": tiers({"reached": 3000, "amount": 5})},
        {"limits": {"reward_per_account": 500, "budget_per_day": 500, "budget_per_month": 500, "budget_per_merchant": 500}},
        {"reward": PERCENT, "limits": {"budget_per_day": 100}},
        {"reward": PERCENT, "qualification": TWO_VISITS, "limits": {"budget_per_day": 200}},
        {"reward": PERCENT, "qualification": {"threshold": 0}, "limits": {"reward_per_account": 1}},
        {"reward": FALLING, "limits": {"budget_per_day": 50}},
        {"reward": FALLING, "qualification": {"threshold": 0, "maximum": 2999}, "limits": {"budget_per_day": 200}},
        {
            "reward": tiers({"reached": 0, "amount": 5}, {"reached": 2000, "basis_points": 1}),
            "qualification": {"threshold": 0, "maximum": 2500},
        },
        {"repeat": True, "limits": {"redemptions_per_customer": 3, "redemptions_total": 3}},
        {"limits": {"per_period": [FIVE_A_WEEK, FIVE_A_WEEK | {"per": "P1M", "redemptions": 4}], "redemptions_per_customer": 5}},
        {"limits": {"per_period": [ROLLING | {"per": "P1M"}, ROLLING | {"per": "P30D", "redemptions": 2}]}},
        {"limits": {"per_period": [ONE_A_DAY | {"redemptions": 2}, ROLLING | {"per": "P1D", "redemptions": 1}]}},
        {"clawback": {"write_off_floor": 499}},
        {"reward": PERCENT, "clawback": {"write_off_floor": 5000}},
        {"clawback": {"partial_refund": "keep", "limits": "keep", "budget": "withdraw", "negative_balance": "write_off"}},
        {"reward": tiers({"reached": 5000, "amount": 5}), "qualification": TWO_VISITS | {"maximum": 2500}},
        {"reward": PERCENT | {"minimum": 100, "cap": 100}},
        {"reward": tiers({"reached": 2000, "amount": 5}), "qualification": {"maximum": 2000}},
        {"reward": tiers({"reached": 0, "basis_points": 1}, {"reached": 1, "basis_points": 2}, on="marginal")},
        {"limits": {"per_period": [ONE_A_DAY, ONE_A_DAY | {"kind": "rolling"}, ONE_A_DAY | {"per": "P1M"}]}},
        {"scope": {"include": {"merchants": ["m1", "m2"]}, "exclude": {"merchants": ["m1"]}}},
        {"scope": {"include": {"mccs": ["5411-5411"]}}},
        {"scope": {"include": {"mccs": ["5411-5413"]}, "exclude": {"mccs": ["5411", "5413-5499"]}}},
        {"scope": {"exclude": {"mccs": ["0000-9999"]}}},
        {"window": MONDAY_TO_SATURDAY | {"days_of_week": ["saturday", "sunday"]}},
        {"window": {"start": "2017-03-12", "end": "2017-03-12", "days_of_week": ["saturday"], "times_of_day": ["22:00-02:00"]}},
        {"window": MORNING | {"times_of_day": ["11:59-10:00"]}},
        {"window": MORNING | {"times_of_day": ["12:00-13:00"]}},
        {"window": {"start": "2017-03-01T10:00:30", "end": "2017-03-01T10:00:45", "times_of_day": ["09:00-10:01"]}},
        {"window": {"end": "2017-03-02", "excluded_dates": ["2017-03-01", "2016-12-25"]}},
        {"window": {"days_of_week": ["sunday"], "excluded_dates": ["2017-03-05", "2017-03-12", "2017-03-19"]}},
        {"window": {"times_of_day": ["00:00-24:00"]}},
        {"audience": {"segments_in": [SEGMENT], "segments_out": [f"seg_{2:032x}"], "holdout": 9_999}},
        {"content": [WORDS, WORDS | {"language": "es"}, WORDS | {"channel": "web"}]},
        {"variants": [GOLD, {"name": "as-for-everybody", "segments": [OTHER_SEGMENT]}]},
        {"variants": [GOLD | {"threshold": 2599}], "qualification": {"maximum": 2599}},
        {"variants": [GOLD], "limits": {"reward_per_customer": 900}},
        {"variants": [GOLD | {"content": [WORDS, WORDS | {"language": "es"}, WORDS | {"channel": "web"}]}], "content": [WORDS]},
        {"content": [SMS | {"text": "x" * 160}]},
        {"content": [SMS | {"text": "x" * 158 + "€"}]},
        {"content": [SMS | {"text": "x" * 69 + "ł"}]},
        {"content": [STATEMENT | {"title": "x" * 40, "text": "x" * 120}]},
        {"content": [WORDS | {"channel": "in_app", "title": "x" * 60, "text": "x" * 240, "images": [IMAGE] * 10}]},
        {"content": [WORDS | {"channel": "social", "text": "x" * 280, "terms": "x" * 5000}]},
        {"content": [WORDS | {"text": "x" * 500}, WORDS | {"language": "es"}, SMS | {"language": "es"}], "default_language": "es"},
        {"content": MUCH_CONTENT[:-1]},
    ],
)
def test_lets_right_terms_pass(overrides: dict[str, Any]) -> None:
    assert problems(terms(**overrides)) == ()


def test_tells_all_problems_at_once() -> None:
    wrong = terms(
        reward={"kind": "fixed", "amount": "5.001"},
        window={"zone": "America/Gotham", "end": "2017-02-01"},
        repeat=True,
        limits={"redemptions_per_customer": 1},
    )
    assert {problem.path for problem in problems(wrong)} == {
        "/reward/amount",
        "/window/zone",
        "/window/end",
        "/limits/redemptions_per_customer",
    }


def test_tells_of_what_does_not_fit_a_variant_in_its_name_and_of_what_fits_nobody_once() -> None:
    asked = {"maximum": 2000}, {"threshold": "1.001", "maximum": 2000}
    too_low, unreadable = (
        terms(qualification=q, variants=[GOLD | {"threshold": 2500}, GOLD | {"name": "b", "segments": [OTHER_SEGMENT]}]) for q in asked
    )
    told = "Under the variant gold it leaves no amount that reaches the threshold: raise it, or lower the threshold."
    assert [(problem.path, problem.message) for problem in problems(too_low)] == [("/qualification/maximum", told)]
    assert [problem.path for problem in problems(unreadable)] == ["/qualification/threshold", "/qualification/maximum"]


def test_tells_of_each_list_where_loosening_one_is_not_enough() -> None:
    evening = {"start": "2017-03-06T18:00", "end": "2017-03-06T20:00"}
    wrong = terms(window=evening | {"days_of_week": ["friday"], "times_of_day": ["08:00-12:00"]})
    assert [problem.path for problem in problems(wrong)] == ["/window/days_of_week", "/window/times_of_day"]


def test_long_window_with_many_dates_left_out_is_searched_within_bounds() -> None:
    sundays = [(date(2017, 3, 5) + timedelta(weeks=week)).isoformat() for week in range(1000)]
    hours = [f"{hour:02}:{half}0-{hour:02}:{half}5" for hour in range(24) for half in (0, 3)]
    endless = {"end": "2199-12-31", "days_of_week": ["sunday"], "times_of_day": hours, "excluded_dates": sundays}
    assert problems(terms(window=endless)) == ()


@pytest.mark.parametrize(
    ("overrides", "path"),
    [
        ({"scope": {"include": {"mccs": ["541-5499"]}}}, ("scope", "include", "mccs", 0)),
        ({"scope": {"include": {"channels": ["by_post"]}}}, ("scope", "include", "channels", 0)),
        ({"scope": {"include": {"countries": ["USA"]}}}, ("scope", "include", "countries", 0)),
        ({"window": {"days_of_week": ["Sun"]}}, ("window", "days_of_week", 0)),
        ({"window": {"times_of_day": ["9:00-12:00"]}}, ("window", "times_of_day", 0)),
        ({"window": {"times_of_day": ["24:00-02:00"]}}, ("window", "times_of_day", 0)),
        ({"window": {"times_of_day": ["22:00-24:01"]}}, ("window", "times_of_day", 0)),
        ({"window": {"excluded_dates": ["2017-02-29"]}}, ("window", "excluded_dates", 0)),
        ({"window": {"excluded_dates": ["2017-02-28T10:00"]}}, ("window", "excluded_dates", 0)),
        ({"content": [WORDS | {"images": [IMAGE | {"url": "http://img.example/x.png"}]}]}, ("content", 0, "images", 0, "url")),
        ({"content": [WORDS | {"images": [IMAGE | {"alt": ""}]}]}, ("content", 0, "images", 0, "alt")),
        ({"default_language": "English"}, ("default_language",)),
        ({"variants": [GOLD | {"name": "Gold"}]}, ("variants", 0, "name")),
        ({"variants": [GOLD | {"segments": []}]}, ("variants", 0, "segments")),
    ],
)
def test_what_is_not_written_as_it_must_be_is_refused(overrides: dict[str, Any], path: tuple[str | int, ...]) -> None:
    with pytest.raises(ValidationError) as refused:
        terms(**overrides)
    assert [error["loc"] for error in refused.value.errors()] == [path]


@pytest.mark.parametrize("year", ["1970-01-01", "2199-12-31"])
def test_terms_at_the_ends_of_the_calendar_can_be_used(year: str) -> None:
    edge: Terms = terms(window={"start": year, "end": year, "zone": "Pacific/Kiritimati", "zone_policy": "merchant"})
    assert problems(edge) == ()
    assert evaluate(compile_offer(offer(edge)), history(purchase(zone="Pacific/Pago_Pago"))).outcomes == ()
