"""Generated files fit together: purchases are of customers, cards and merchants of the other files, and go on from day to day."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.generator.habits import TOWNS, TRADES, WEEKDAYS
from shared.generator.portfolio import Portfolio
from tests.unit.files.files import LAYOUTS
from tests.unit.generator.made import MONDAY, made, records

KINDS = ("merchants", "customers", "cards", "transactions")
END = datetime.max.replace(tzinfo=UTC)
Records = list[dict[str, Any]]


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Records]:
    layouts = [LAYOUTS[f"clo-{kind}-csv"] for kind in KINDS]
    files = made(tmp_path_factory.mktemp("bank"), *layouts, rows=128 * 200)
    return {kind: records(file, layout) for kind, file, layout in zip(KINDS, files, layouts, strict=True)}


@pytest.fixture(scope="module")
def fortnight(tmp_path_factory: pytest.TempPathFactory) -> list[Records]:
    return [records(file) for file in made(tmp_path_factory.mktemp("days"), rows=1_280, days=14)]


def test_purchases_are_of_cards_customers_and_merchants_of_the_other_files(bank: dict[str, Records]) -> None:
    holders = {card["card_token"]: (card["customer_id"], card["card_product"]) for card in bank["cards"]}
    shops = {shop["locations.0.location_id"]: shop for shop in bank["merchants"]}
    assert {owner for owner, _ in holders.values()} == {customer["customer_id"] for customer in bank["customers"]}
    for row in bank["transactions"]:
        assert holders[row["card_token"]] == (row["customer_id"], row["card_product"])
        shop = shops[row["location_id"]]
        assert shop["name"].upper() in row["descriptor"]
        assert (shop["mcc"], shop["locations.0.country"]) == (row["mcc"], row["country"])
        assert row.get("merchant_id", shop["merchant_id"]) == shop["merchant_id"]


def test_the_same_bank_is_in_every_format(tmp_path: Path) -> None:
    for kind in ("customers", "cards"):
        by_format = {}
        for form in ("csv", "jsonl"):
            layout = LAYOUTS[f"clo-{kind}-{form}"]
            (file,) = made(tmp_path, layout)
            by_format[form] = sorted(next(iter(row.values())) for row in records(file, layout))
        assert by_format["csv"] == by_format["jsonl"]


def test_messages_have_their_shares(bank: dict[str, Records]) -> None:
    counted = Counter(row["kind"] for row in bank["transactions"])
    shares = {kind: count / len(bank["transactions"]) for kind, count in counted.items()}
    wanted = {"purchase": 44, "authorization": 38, "clearing": 36, "reversal": 2, "decline": 3, "refund": 5}
    assert shares == {kind: count / 128 for kind, count in wanted.items()}


def test_later_messages_tell_of_purchases_that_earlier_files_have(fortnight: list[Records]) -> None:
    first = {row["transaction_id"]: row for day in fortnight for row in day if row["kind"] in {"purchase", "authorization", "decline"}}
    later = [row for day in fortnight[9:] for row in day if row["kind"] in {"clearing", "reversal", "refund"}]
    assert len(later) > 1_000
    for row in later:
        before = first[row.get("original_transaction_id", row["transaction_id"])]
        same = ("customer_id", "card_token", "location_id", "currency", "mcc")
        assert [row[name] for name in same] == [before[name] for name in same]
        if row["kind"] == "refund":
            assert row["transaction_id"] not in first
            assert row["amount"] <= before["amount"]
        else:
            assert row["at"] == before["at"] < row.get("posted_at", END)


def test_no_message_is_told_twice(fortnight: list[Records]) -> None:
    told = Counter((row["transaction_id"], row["kind"], row.get("sequence")) for day in fortnight for row in day)
    assert max(told.values()) == 1


def test_parts_of_a_split_purchase_come_to_what_a_whole_clearing_would_be(fortnight: list[Records]) -> None:
    parts: dict[str, list[int]] = {}
    authorised = {}
    for day in fortnight:
        for row in day:
            if row.get("sequence_count") == 2:
                parts.setdefault(row["transaction_id"], []).append(row["amount"])
            if row["kind"] == "authorization":
                authorised[row["transaction_id"]] = row
    tips = {trade.mcc: trade.tip for trade in TRADES if not trade.at_pump}
    whole = {told: sum(amounts) for told, amounts in parts.items() if len(amounts) == 2 and told in authorised}
    assert len(whole) > 50
    for told, amount in whole.items():
        row = authorised[told]
        assert row["mcc"] not in tips or amount == row["amount"] + row["amount"] * tips[row["mcc"]] // 100


def test_days_have_as_much_as_their_weekday(fortnight: list[Records]) -> None:
    assert [len(day) for day in fortnight] == [round(1_280 * WEEKDAYS[number % 7]) for number in range(14)]
    assert sum(WEEKDAYS) == pytest.approx(7)


def test_merchants_sell_by_zipfs_law(bank: dict[str, Records]) -> None:
    sold = Counter(row["location_id"] for row in bank["transactions"])
    assert 6 < sold["l000000"] / sold["l000009"] < 14
    assert sold.most_common(1)[0][0] == "l000000"
    assert len(sold) > 95


def test_customers_come_back_to_the_same_shops(bank: dict[str, Records]) -> None:
    bought: dict[str, list[str]] = {}
    for row in bank["transactions"]:
        bought.setdefault(row["customer_id"], []).append(row["location_id"])
    often, seldom = len(bought["c00000000"]), len(bought["c00000450"])
    assert often > 5 * seldom
    shops = Counter(shop for customer in list(bought.values())[:50] for shop in set(customer))
    assert shops
    rare = [row for row in bank["transactions"] if int(row["location_id"][1:]) > 30]
    again = Counter((row["customer_id"], row["location_id"]) for row in rare)
    assert sum(count for count in again.values() if count > 1) > len(rare) / 2


def test_amounts_are_log_normal_about_what_is_usual_of_the_trade(tmp_path: Path) -> None:
    (file,) = made(tmp_path, portfolio=Portfolio(seed=1, customers=2_000, merchants=2_000), rows=20_000)
    amounts: dict[str, list[int]] = {}
    for row in records(file):
        if row["kind"] == "purchase" and row["currency"] == "USD" and "cash_back" not in row:
            amounts.setdefault(row["mcc"], []).append(row["amount"] - row.get("tip", 0))
    for trade in TRADES[:5]:
        found = amounts[trade.mcc]
        assert median(found) == pytest.approx(trade.median_minor, rel=0.15)
        assert sum(found) / len(found) > median(found) * 1.05


def test_people_buy_by_day_and_not_by_night(bank: dict[str, Records]) -> None:
    zones = {town.city: ZoneInfo(town.zone) for town in TOWNS}
    trades = {trade.mcc: trade for trade in TRADES}
    hours = Counter(
        row["at"].astimezone(zones[row["city"]]).hour
        for row in bank["transactions"]
        if row["kind"] == "purchase" and trades[row["mcc"]].hours == "meals"
    )
    assert hours[12] > 3 * hours[10]
    assert hours[12] > 30 * (hours[3] + 1)


def test_an_amount_holds_what_it_says_it_holds(bank: dict[str, Records]) -> None:
    for row in bank["transactions"]:
        assert row["amount"] > row.get("tip", 0) + row.get("tax", 0) + row.get("cash_back", 0) >= 0
    assert {name for row in bank["transactions"] for name in ("tip", "tax", "cash_back") if name in row} == {"tip", "tax", "cash_back"}


def test_a_layout_that_knows_no_messages_is_given_purchases(tmp_path: Path) -> None:
    partner = LAYOUTS["partner-transactions-csv"]
    (file,) = made(tmp_path, partner, rows=1_280)
    assert Counter(row["kind"] for row in records(file, partner)) == {"purchase": 1_280 - 50, "refund": 50}


def test_days_lie_where_they_should(fortnight: list[Records]) -> None:
    for number, day in enumerate(fortnight):
        local = {row["at"].astimezone(ZoneInfo("America/New_York")).date() for row in day if row["city"] == "New York"}
        newest = MONDAY + timedelta(days=number)
        assert max(local) == newest
        assert min(local) >= newest - timedelta(days=9)
