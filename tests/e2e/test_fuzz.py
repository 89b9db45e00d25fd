"""Whatever is sent to whichever route: the answer is never a fault of ours."""

import json
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.registry import FUNCTIONS
from tests.e2e.process import Client
from tests.e2e.scene import Scene

REQUESTS: Final = 400

ROUTES: Final = [route for function in FUNCTIONS for route in function.routes]
WORDS: Final = st.sampled_from(
    """name objective portfolio currency window start end zone amount reason terms reward kind fixed percent basis_points cap threshold
    qualification single_purchase cumulative_spend audience segments_in customers customer_id consent attributes cards transactions
    transaction_id at merchant_id items product impressions impression_id offer_id channel placement purchase segment_id rule all any
    attribute op value eq in limit descriptor network aliases valid_from offset after state P10D USD 2026-01-01 2026-01-01T00:00:00Z UTC
    America/New_York list served web""".split()
)
SCALARS: Final = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-5, 10**18), st.floats(), st.text(max_size=20), WORDS, st.datetimes().map(str)
)
VALUES: Final = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=6), max_leaves=25)
IDS: Final = st.sampled_from(["cmp", "off", "seg", "grn", "rdm", "pst"])
NAMES: Final = st.one_of(st.text(min_size=1, max_size=30), WORDS, IDS.map(lambda prefix: f"{prefix}_{'0' * 32}"))


@given(data=st.data())
@settings(max_examples=REQUESTS // 2)
def test_anything_sent_anywhere_is_answered(client: Client, data: st.DataObject) -> None:
    route = data.draw(st.sampled_from(ROUTES))
    path = _path(route.path, data)
    query = data.draw(st.dictionaries(WORDS, st.one_of(NAMES, st.integers().map(str)), max_size=2))
    body = json.dumps(data.draw(VALUES)).encode() if data.draw(st.booleans()) else data.draw(st.binary(max_size=60))
    _is_answered(client.send(route.method, path, params=query, content=body, headers={"content-type": "application/json"}))


@given(data=st.data())
@settings(max_examples=REQUESTS // 2)
def test_good_requests_with_something_broken_are_answered(client: Client, good: dict[str, Any], data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(good)))
    broken = _break(json.loads(json.dumps(good[path])), data)
    _is_answered(client.send("POST", path, content=json.dumps(broken), headers={"content-type": "application/json"}))


def test_everything_fuzzed_is_delivered(client: Client) -> None:
    client.wait_until_idle()
    assert client.get("/v1/ledger/trial-balance")["balanced"]


@pytest.fixture(scope="module")
def good(client: Client) -> dict[str, Any]:
    """A good body for each of the routes that take one, about things that are there."""
    scene = Scene(client, "fuzz")
    campaign_id = scene.campaign()
    (customer,) = scene.customers(1)
    rule = {"all": [{"attribute": "age", "op": "gte", "value": 5}, {"not": {"attribute": "tier", "op": "in", "value": ["gold"]}}]}
    segment = {"name": "s", "kind": "rule", "rule": rule}
    segment_id = client.post("/v1/segments", segment)["segment_id"]
    audience = {"segments_in": [segment_id], "segments_out": [], "holdout": 100}
    terms = scene.terms(audience=audience, limits={"redemptions_total": 5, "reward_per_customer": "9.00"}, hold_days=3)
    offer_id = scene.offer(campaign_id, repeat=True)
    grant_id = scene.grant(offer_id, [customer])[customer]
    asked = {key: value for key, value in scene.purchase(customer).items() if key != "customer_id"}
    known = {"customer_id": customer, "consent": True, "zone": "UTC", "attributes": {"age": 5}, "cards": [{"card_token": "t"}]}
    shown = {"impression_id": "i", "kind": "served", "customer_id": customer, "offer_id": offer_id, "channel": "web", "placement": "top"}
    place = {"location_id": "l", "zone": "UTC"}
    alias = {"kind": "descriptor", "descriptor": "SQ *M", "mcc": "5814", "location_id": "l", "valid_from": "2026-01-01T00:00:00Z"}
    return {
        "/v1/campaigns": {"name": "n", "objective": "o", "portfolio": "p", "currency": "USD", "window": scene.window()},
        f"/v1/campaigns/{campaign_id}/budget-requests": {"amount": 5, "reason": "r"},
        "/v1/offers": {"campaign_id": campaign_id, "name": "n", "terms": terms},
        f"/v1/offers/{offer_id}/versions": {"terms": terms, "reason": "r"},
        f"/v1/customers/{customer}/offers/{grant_id}/activate": {"at": scene.now.isoformat()},
        "/v1/customers": {"customers": [known]},
        "/v1/segments": segment,
        "/v1/segments/estimate": audience | {"campaign_id": campaign_id},
        "/v1/grants": {"offer_id": offer_id, "customers": [customer], "granted_at": scene.now.isoformat()},
        "/v1/merchants": {"merchants": [{"merchant_id": "m", "name": "M", "mcc": "5814", "locations": [place], "aliases": [alias]}]},
        "/v1/eligibility": {"customer_id": customer, "offer_id": offer_id, "purchase": asked},
        "/v1/impressions": {"impressions": [shown | {"at": scene.now.isoformat()}]},
        "/v1/transactions": {"transactions": [scene.purchase(customer, items=[{"product": "p", "amount": 5}])]},
    }


def _break(body: Any, data: st.DataObject) -> Any:  # noqa: ANN401
    """The body with one thing somewhere in it replaced, left out or added."""
    holder: Any = body
    while True:
        place = data.draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
        inner = holder[place]
        if not (isinstance(inner, dict | list) and inner) or data.draw(st.integers(0, 3)) == 0:
            break
        holder = inner
    if data.draw(st.integers(0, 4)) == 0:
        del holder[place]
    else:
        holder[place] = data.draw(VALUES)
    return body


def _path(template: str, data: st.DataObject) -> str:
    return "/".join(quote(data.draw(NAMES), safe="") if part.startswith("{") else part for part in template.split("/"))


def _is_answered(response: httpx.Response) -> None:
    assert response.status_code < httpx.codes.INTERNAL_SERVER_ERROR, response.text
    if response.is_client_error:
        assert response.headers["content-type"] == "application/problem+json", response.text
        assert response.json()["status"] == response.status_code
