import json
from typing import Any

import pytest

from events.told import LocationShape, MerchantShape
from shared.kernel.errors import NotFound
from shared.merchants import service
from shared.merchants.ladder import Book, Clues
from shared.merchants.model import Place
from shared.platform.batches import BatchAnswer
from tests.conftest import NOW, MakeCall


def merchant(merchant_id: str = "m1", **overrides: Any) -> dict[str, Any]:
    return {"merchant_id": merchant_id, "name": "Corner Shop", "mcc": "5411", **overrides}


def put(call: MakeCall, *sent: dict[str, Any]) -> BatchAnswer:
    return service.put_merchants(call(), json.dumps({"merchants": sent}).encode())


def look_up(call: MakeCall, *clues: Clues) -> Book:
    with call().reading() as tx:
        return service.look_up(tx, clues)


def test_shows_a_merchant_with_its_places(call: MakeCall) -> None:
    places = [{"location_id": "l2"}, {"location_id": "l1", "zone": "America/New_York", "country": "US", "region": "NY", "city": "New York"}]
    assert put(call, merchant(brand="Corner", locations=places)) == BatchAnswer(accepted=1, rejected=[])
    assert service.get_merchant(call(), "m1") == MerchantShape(
        merchant_id="m1",
        name="Corner Shop",
        brand="Corner",
        mcc="5411",
        locations=[
            LocationShape(location_id="l1", zone="America/New_York", country="US", region="NY", city="New York"),
            LocationShape(location_id="l2"),
        ],
    )


def test_an_unknown_merchant_is_not_found(call: MakeCall) -> None:
    with pytest.raises(NotFound):
        service.get_merchant(call(), "m1")


def test_sent_again_a_merchant_is_brought_up_to_date_and_keeps_its_other_places(call: MakeCall) -> None:
    put(call, merchant(brand="Corner", locations=[{"location_id": "l1", "zone": "America/New_York"}, {"location_id": "l2"}]))
    put(call, merchant(mcc="5912", locations=[{"location_id": "l1", "zone": "America/Chicago"}]))
    shown = service.get_merchant(call(), "m1")
    assert (shown.mcc, shown.brand) == ("5912", None)
    assert [(at.location_id, at.zone) for at in shown.locations] == [("l1", "America/Chicago"), ("l2", None)]


def test_a_place_passes_to_the_merchant_that_names_it_last(call: MakeCall) -> None:
    put(call, merchant(locations=[{"location_id": "l1"}]))
    put(call, merchant("m2", locations=[{"location_id": "l1"}]))
    assert service.get_merchant(call(), "m1").locations == []
    assert [at.location_id for at in service.get_merchant(call(), "m2").locations] == ["l1"]


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        ({"mcc": "54"}, "/merchants/1/mcc"),
        ({"locations": [{"location_id": "x", "zone": "Mars"}]}, "/merchants/1/locations/0/zone"),
        ({"locations": [{"location_id": "x", "country": "usa"}]}, "/merchants/1/locations/0/country"),
        ({"locations": [{"location_id": "x", "region": "a" * 65}]}, "/merchants/1/locations/0/region"),
        ({"locations": [{"location_id": "x"}, {"location_id": "x"}]}, "/merchants/1"),
        ({"locations": [{"location_id": "l1"}]}, "/merchants/1"),
        ({"merchant_id": "m1"}, "/merchants/1"),
    ],
)
def test_a_bad_merchant_is_named_and_the_others_are_taken(call: MakeCall, bad: dict[str, Any], path: str) -> None:
    answer = put(call, merchant(locations=[{"location_id": "l1"}]), merchant("bad") | bad, merchant("m3"))
    assert answer.accepted == 2
    assert [(item.index, item.problems[0].path) for item in answer.rejected] == [(1, path)]
    assert service.get_merchant(call(), "m3").name == "Corner Shop"
    with pytest.raises(NotFound):
        service.get_merchant(call(), "bad")


def test_places_tell_what_is_known_of_them_and_of_their_merchant(call: MakeCall) -> None:
    there = {"location_id": "l1", "zone": "America/New_York", "country": "US", "region": "NY", "city": "New York"}
    put(call, merchant(brand="Corner", locations=[there]), merchant("m2", locations=[{"location_id": "l2"}]))
    book = look_up(call, Clues(at=NOW, location_id="l1"), Clues(at=NOW, location_id="l2"), Clues(at=NOW, location_id="nowhere"))
    assert book.places == {
        "l1": Place(zone="America/New_York", merchant_id="m1", mcc="5411", brand="Corner", country="US", region="NY", city="New York"),
        "l2": Place(zone=None, merchant_id="m2", mcc="5411", brand=None, country=None, region=None, city=None),
        "nowhere": None,
    }
