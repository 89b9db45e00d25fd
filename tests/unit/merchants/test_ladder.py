"""The ladder by its cases: the names that are known, what a purchase at noon of 15 January 2026 says, and what tells its merchant."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from shared.merchants.ladder import Book, Spot, match
from shared.merchants.model import Place
from tests.unit.merchants.builders import alias, book, clues

CASES: Final = sorted((Path(__file__).parents[2] / "cases" / "merchants").glob("*.json"))

cases = pytest.mark.parametrize("case", [pytest.param(json.loads(path.read_text()), id=path.stem) for path in CASES])


@cases
def test_purchase_is_matched_as_the_case_expects(case: dict[str, Any]) -> None:
    known = [alias(**given) for given in case["aliases"]]
    found = match(clues(**case["purchase"]), book(*known))
    assert {"merchant": found.merchant_id, "matched_by": found.matched_by.value} == case["expected"]


@cases
def test_the_order_in_which_names_are_known_does_not_matter(case: dict[str, Any]) -> None:
    known = [alias(**given) for given in case["aliases"]]
    purchase = clues(**case["purchase"])
    for seed in range(5):
        assert match(purchase, book(*Random(seed).sample(known, len(known)))) == match(purchase, book(*known))


def test_a_location_tells_what_the_purchase_does_not_say() -> None:
    place = Place(zone=None, merchant_id="m9", mcc="5814", brand=None, country="US", region="WA", city="Seattle")
    known = Book(places={"l1": place})
    assert known.completed(clues(location_id="l1", country="CA"))[5:] == ("5814", "CA", "WA", "Seattle", "l1")
    assert known.completed(clues(location_id="l2")) == clues(location_id="l2")


def test_what_is_known_of_a_spot_speaks_of_aliases_whenever_they_hold() -> None:
    own, ended = alias(rung="merchant_id", value="m1"), alias(valid_to="2020-01-01T00:00:00+00:00")
    known = book(own, ended, alias(rung="descriptor", value="BLUE CUP", city="SEATTLE"))
    assert Spot.of(clues(merchant_id="a-77"), known).has_aliases
    assert Spot.of(clues(descriptor="SQ *Blue Cup"), known).has_aliases
    assert not Spot.of(clues(merchant_id="m1"), known).has_aliases
    assert not Spot.of(clues(merchant_id="a-78", network_merchant_id="a-77", descriptor="a-77"), known).has_aliases


def test_purchases_at_one_spot_are_each_matched_as_of_their_own_moment() -> None:
    changed = datetime(2026, 1, 15, 12, tzinfo=UTC)
    known = book(alias("m1", valid_to=str(changed)), alias("m2", valid_from=str(changed)))
    spot = Spot.of(clues(merchant_id="a-77"), known)
    moments = (changed - timedelta(microseconds=1), changed)
    assert [spot.match(at).merchant_id for at in moments] == ["m1", "m2"]
