"""What an Aggregator brings fits the bank: offers are of its merchants, grants of its customers, redemptions of its purchases."""

from pathlib import Path
from typing import Any

import pytest

from shared.eligibility.terms import Terms
from shared.eligibility.validation import problems
from shared.generator.portfolio import Portfolio
from shared.generator.programme import Programme
from shared.kernel.ids import CAMPAIGN, derived_id
from tests.unit.files.files import LAYOUTS
from tests.unit.generator.made import MONDAY, made, records

KINDS = ("merchants", "customers", "segments", "offers", "grants", "transactions", "redemptions", "settlement")
SAME = ("reference", "redemption_id", "amount", "currency", "state")
Records = list[dict[str, Any]]


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Records]:
    layouts = [LAYOUTS[f"clo-{kind}-{'jsonl' if kind == 'offers' else 'csv'}"] for kind in KINDS]
    files = made(tmp_path_factory.mktemp("bank"), *layouts, rows=5_000)
    return {kind: records(file, layout) for kind, file, layout in zip(KINDS, files, layouts, strict=True)}


def test_offers_are_of_merchants_and_their_terms_can_be_saved(bank: dict[str, Records]) -> None:
    shops = {shop["merchant_id"]: shop for shop in bank["merchants"]}
    kinds = set()
    for offer in bank["offers"]:
        terms = Terms.model_validate_json(offer["terms"])
        assert problems(terms) == ()
        [merchant_id] = terms.scope.include.merchants or []
        assert shops[merchant_id]["name"] in offer["name"]
        assert (terms.window.zone, terms.repeat) == (shops[merchant_id]["locations.0.zone"], True)
        kinds.add(terms.reward.kind)
    assert kinds == {"fixed", "percent"}
    assert len({offer["reference"] for offer in bank["offers"]}) == len(bank["offers"]) > 10


def test_lists_hold_each_customer_once(bank: dict[str, Records]) -> None:
    assert [member["customer_id"] for member in bank["segments"]] == [customer["customer_id"] for customer in bank["customers"]]
    assert len({member["segment_id"] for member in bank["segments"]}) == 4


def test_grants_are_of_offers_to_customers_who_consent(bank: dict[str, Records]) -> None:
    consenting = {customer["customer_id"] for customer in bank["customers"] if customer["consent"]}
    assert {grant["customer_id"] for grant in bank["grants"]} < consenting
    assert len({grant["offer_id"] for grant in bank["grants"]}) > 10
    assert len({grant["reference"] for grant in bank["grants"]}) == len(bank["grants"])
    assert max(grant["granted_at"] for grant in bank["grants"]).year == MONDAY.year - 1


def test_each_redemption_is_of_a_purchase_of_the_day_and_settled_later(bank: dict[str, Records]) -> None:
    told = {row.get("original_transaction_id", row["transaction_id"]) for row in bank["transactions"]}
    assert len(bank["redemptions"]) > 100
    assert {line["reference"].removeprefix("r") for line in bank["redemptions"]} < told
    for line, settled in zip(bank["redemptions"], bank["settlement"], strict=True):
        assert [settled[name] for name in SAME] == [line[name] for name in SAME]
        assert settled["at"] > line["at"]
    assert {line["state"] for line in bank["redemptions"]} == {"confirmed", "reversed"}


def test_offers_may_be_of_a_campaign_of_ones_own(tmp_path: Path) -> None:
    own = derived_id("own")
    layout = LAYOUTS["clo-offers-csv"]
    (file,) = made(tmp_path, layout, campaign=own, partner="acme")
    assert file.path.name.startswith("offers_acme_")
    assert {offer["campaign_id"] for offer in records(file, layout)} == {CAMPAIGN.render(own)}


def test_a_bank_without_offers_has_files_of_none(tmp_path: Path) -> None:
    banks = (Portfolio(seed=seed, customers=5, merchants=1) for seed in range(100))
    abroad = next(bank for bank in banks if not any(Programme(portfolio=bank, year=MONDAY.year).terms.offered.to_pylist()))
    layouts = [LAYOUTS[f"clo-{kind}-csv"] for kind in ("offers", "grants", "redemptions", "settlement")]
    assert [file.records for file in made(tmp_path, *layouts, portfolio=abroad, rows=100)] == [0, 0, 0, 0]
