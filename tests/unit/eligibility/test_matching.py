"""The catalogue finds by its index exactly the offers that have a purchase in scope."""

from datetime import timedelta
from itertools import cycle
from typing import Any
from uuid import UUID

import pytest

from shared.eligibility import listings
from shared.eligibility.compile import CompiledOffer, compile_offer
from shared.eligibility.matching import Catalogue
from shared.eligibility.model import Item, Purchase, Version
from tests.unit.eligibility.builders import FIRST_MOMENT, PURCHASED_AT, offer, purchase, terms


def listed(number: int, include: dict[str, list[str]] | None = None, **overrides: Any) -> CompiledOffer:
    made = terms(scope={"include": include} if include else {}, **overrides)
    return compile_offer(offer(made, offer_id=UUID(int=number)))


def found(catalogue: Catalogue, bought: Purchase) -> list[int]:
    return sorted(candidate.offer.offer_id.int for candidate in catalogue.candidates(bought))


BASKET = purchase(location_id="l1", mcc="5411", items=(Item("p1", 100), Item("p1", 100), Item("p2", 100)))
OFFERS = [
    listed(1, {"merchants": ["m1"]}),
    listed(2, {"merchants": ["m2"]}),
    listed(3, {"locations": ["l1", "l2"]}),
    listed(4, {"mccs": ["5411"]}),
    listed(5, {"products": ["p1", "p2"]}),
    listed(6, {"products": ["p9"]}),
    listed(7),
    listed(8, {"merchants": ["m1"], "products": ["p9", "p1"]}),
    listed(9, {"merchants": ["m1"], "products": ["p9"]}),
]


def test_finds_each_offer_once_by_any_of_its_codes() -> None:
    assert found(Catalogue.of(OFFERS), BASKET) == [1, 3, 4, 5, 7, 8]


def test_offer_with_a_range_of_categories_is_found_by_each_code_in_it() -> None:
    catalogue = Catalogue.of([listed(1, {"mccs": ["5411-5499", "5812"]}), listed(2, {"mccs": ["5499-5500"]})])
    codes = ("5410", "5411", "5450", "5499", "5500", "5812", None)
    assert [found(catalogue, purchase(mcc=code)) for code in codes] == [[], [1], [1], [1, 2], [2], [1], []]


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("brands", "brand"),
        ("network_merchant_ids", "network_merchant_id"),
        ("channels", "channel"),
        ("countries", "country"),
        ("regions", "region"),
        ("card_products", "card_product"),
    ],
)
def test_offers_are_found_by_whichever_list_they_have(kind: str, field: str) -> None:
    code, other = ("app", "online") if kind == "channels" else ("US", "CA")
    catalogue = Catalogue.of([listed(1, {kind: [code]}), listed(2, {kind: [other]}), listed(3, {kind: [code], "merchants": ["m2"]})])
    assert found(catalogue, purchase(**{field: code})) == [1]
    assert found(catalogue, purchase(merchant_id="m2", **{field: code})) == [1, 3]
    assert found(catalogue, purchase()) == []


def test_purchase_without_places_and_items_finds_what_asks_for_none() -> None:
    assert found(Catalogue.of(OFFERS), purchase(merchant_id="unheard-of")) == [7]
    assert found(Catalogue.of(OFFERS), purchase(merchant_id=None)) == [7]


def test_needs_no_grant_nor_the_right_currency() -> None:
    assert found(Catalogue.of(OFFERS), purchase(currency="CAD")) == [1, 7]


def test_leaves_out_offers_whose_time_is_another() -> None:
    catalogue = Catalogue.of([listed(1), listed(2, window={"start": "2017-03-16"}), listed(3, window={"end": "2017-03-14"})])
    assert found(catalogue, purchase()) == [1]
    assert found(catalogue, purchase(at=PURCHASED_AT + timedelta(days=1))) == [1, 2]


def test_goes_by_the_scope_of_the_version_in_force() -> None:
    second = PURCHASED_AT + timedelta(days=1)
    versions = [
        Version(number=number, in_force_from=at, terms=terms(scope={"include": include}))
        for number, at, include in ((1, FIRST_MOMENT, {"merchants": ["m1"]}), (2, second, {"products": ["p1"]}))
    ]
    catalogue = Catalogue.of([compile_offer(offer(*versions, offer_id=UUID(int=1)))])
    elsewhere = purchase(merchant_id="m2", items=(Item("p1", 100),))
    assert found(catalogue, purchase()) == [1]
    assert found(catalogue, elsewhere) == []
    assert found(catalogue, purchase(at=second)) == []
    assert found(catalogue, purchase(merchant_id="m2", items=elsewhere.items, at=second)) == [1]


def test_changed_offer_takes_the_place_of_the_old_one_and_leaves_the_old_catalogue_as_it_was() -> None:
    before = Catalogue.of(OFFERS)
    changed = [listed(1, {"merchants": ["m3"]}), listed(5, {"products": ["p9"]}), listed(10, {"mccs": ["5411"]})]
    after = before.with_changes(changed)
    assert found(after, BASKET) == [3, 4, 7, 8, 10]
    assert found(before, BASKET) == [1, 3, 4, 5, 7, 8]
    assert (len(before), len(after)) == (9, 10)
    assert after.get(UUID(int=1)) is changed[0]
    assert before.get(UUID(int=10)) is None
    assert set(after) == {*OFFERS, *changed} - {OFFERS[0], OFFERS[4]}


def test_same_offer_again_does_not_grow_the_index() -> None:
    catalogue = Catalogue.of(OFFERS)
    for _ in range(3):
        catalogue = catalogue.with_changes(OFFERS)
    listed = [[listing[-1] for listing in bucket[-1].all] for index in catalogue._indexes.values() for bucket in index.values()]
    assert all(len(set(offers)) == len(offers) for offers in listed)
    assert {offer for offers in listed for offer in offers} == set(OFFERS)
    assert found(catalogue, BASKET) == found(Catalogue.of(OFFERS), BASKET)


def test_offers_of_one_merchant_are_told_apart_by_their_products() -> None:
    catalogue = Catalogue.of(listed(number, {"merchants": ["m1"], "products": [f"p{number}"]}) for number in range(100))
    assert len(catalogue._indexes["merchants"]["m1"][-1].all) == 1
    assert found(catalogue, purchase(items=(Item("p7", 100),))) == [7]


def test_offers_of_one_code_are_told_apart_by_their_times_and_by_what_else_they_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listings, "MOST_SPANS", 3)
    offers = [
        listed(day, {"merchants": ["m1"], **asked}, window={"start": f"2017-03-{day:02}", "end": f"2017-03-{day + 3:02}"})
        for day, asked in zip(range(1, 25), cycle([{}, {"channels": ["app"]}, {"channels": ["online", "app"]}, {}]), strict=False)
    ]
    catalogue = Catalogue.of(offers)
    days = [PURCHASED_AT + timedelta(days=day) for day in (*range(-16, 14), *range(-16, 14))]
    bought = [purchase(at=at, channel=channel) for at in days for channel in ("app", "online", None)]
    wanted = [sorted(offer.offer.offer_id.int for offer in offers if offer.may_hold(one)) for one in bought]
    assert [sorted(offer.offer.offer_id.int for offer in found) for found in catalogue.match(bought)] == wanted
    assert max(map(len, wanted)) == 4
    assert len(catalogue._indexes["merchants"]["m1"][-1]._open) <= 3


def test_code_that_is_left_out_is_not_found_by() -> None:
    made = [terms(scope={"include": {"merchants": ["m1", "m2"]}, "exclude": {"merchants": codes}}) for codes in (["m2"], ["m1", "m2"])]
    catalogue = Catalogue.of([compile_offer(offer(one, offer_id=UUID(int=number))) for number, one in enumerate(made)])
    assert [found(catalogue, purchase(merchant_id=code)) for code in ("m1", "m2")] == [[0], []]


def test_batch_tells_of_each_purchase_in_turn() -> None:
    bought = [purchase(merchant_id="m2"), BASKET, purchase(merchant_id=None), BASKET]
    found = [sorted(one.offer.offer_id.int for one in offers) for offers in Catalogue.of(OFFERS).match(iter(bought))]
    assert found == [[2, 7], [1, 3, 4, 5, 7, 8], [7], [1, 3, 4, 5, 7, 8]]
    assert list(Catalogue().match(bought)) == [(), (), (), ()]
    assert list(Catalogue.of(OFFERS).match([])) == []


def test_purchases_at_the_same_places_are_told_apart_by_moment_and_basket() -> None:
    catalogue = Catalogue.of([listed(1, {"merchants": ["m1"], "products": ["p1"]}), listed(2, window={"start": "2017-03-16"})])
    later = PURCHASED_AT + timedelta(days=1)
    assert [found(catalogue, purchase(at=at)) for at in (PURCHASED_AT, later)] == [[], [2]]
    assert [found(catalogue, purchase(items=(Item(code, 100),))) for code in ("p1", "p2")] == [[1], []]
