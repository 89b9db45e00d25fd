"""What no well-meaning caller sends: every answer is a problem that can be read, nothing is echoed, and nothing is half done."""

import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.platform.local.keys import KEY_ID, LocalKeys
from tests.e2e.process import BANK, Client
from tests.e2e.scene import Scene

CARD: Final = "4111111111111111"
MIB: Final = 1 << 20
NUL, SURROGATE = "\\u0000", "\\ud800"
JSON: Final = {"content-type": "application/json"}
NOT_ANSWERED: Final = range(500, 600)


def _problem(response: httpx.Response, *statuses: int) -> dict[str, Any]:
    """The body of a refusal: a problem, of one of these statuses, that says nothing of a card's number."""
    assert response.status_code in statuses, f"{response.status_code} {response.text[:1000]}"
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert {"type", "title", "status", "detail"} <= problem.keys()
    assert problem["status"] == response.status_code
    assert CARD not in response.text
    return problem


def _campaign(scene: Scene, **overrides: Any) -> dict[str, Any]:
    return {"name": "n", "objective": "o", "portfolio": "p", "currency": "USD", "window": scene.window()} | overrides


def _send(client: Client, path: str, body: str | bytes) -> httpx.Response:
    return client.send("POST", path, content=body, headers=JSON)


@pytest.mark.parametrize(
    "amount",
    [
        "10.0",
        "1e3",
        "-1",
        "true",
        "null",
        "1" + "0" * 30,
        "9" * 5000,
        "NaN",
        "Infinity",
        "-0.0",
        '"1e3"',
        '"-1"',
        '"10.001"',
        '"NaN"',
        "[1]",
    ],
)
def test_refuses_what_is_no_amount(client: Client, scene: Scene, amount: str) -> None:
    customer = scene.customers(1)[0]
    campaign_id = scene.draft()
    refused = _send(client, f"/v1/campaigns/{campaign_id}/budget-requests", f'{{"amount": {amount}, "reason": "r"}}')
    _problem(refused, 400, 422)
    assert client.get(f"/v1/campaigns/{campaign_id}")["state"] == "draft"

    good, bad = (json.dumps(scene.purchase(customer, amount="@")) for _ in range(2))
    response = _send(
        client, "/v1/transactions", f'{{"transactions": [{good.replace(chr(34) + "@" + chr(34), "100")}, {bad}]}}'.replace('"@"', amount)
    )
    assert response.status_code in {207, 400, 422}
    if response.status_code == httpx.codes.MULTI_STATUS:
        assert [(r["index"], r["problems"][0]["path"].removesuffix("/amount")) for r in response.json()["rejected"]] == [
            (1, "/transactions/1")
        ]


def test_tells_all_that_is_wrong_with_its_place(client: Client) -> None:
    body = {"name": "", "objective": 7, "currency": "usd", "window": {"start": "x", "end": "2026-01-01"}, "surprise": 1}
    problem = _problem(client.send("POST", "/v1/campaigns", json=body), 422)
    places = {one["path"] for one in problem["problems"]}
    assert places >= {"/name", "/objective", "/portfolio", "/currency", "/window/start", "/window/zone", "/surprise"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"\xff\xfe",
        b"{" * 100_000,
        b"[" * 100_000 + NUL.encode(),
        b'{"a":' * 900 + b'"\\u0001"' + b"}" * 900,
    ],
)
def test_refuses_what_is_no_json_of_ours(client: Client, body: bytes) -> None:
    for path in ("/v1/campaigns", "/v1/transactions", "/v1/customers", "/v1/impressions", "/v1/grants", "/v1/offers"):
        _problem(_send(client, path, body), 400, 422)


@pytest.mark.parametrize("text", [f"a{NUL}b", f"a{SURROGATE}b", f"{SURROGATE}{NUL}"])
def test_refuses_text_that_can_not_be_stored(client: Client, scene: Scene, text: str) -> None:
    template = json.dumps(_campaign(scene, portfolio="@"))
    _problem(_send(client, "/v1/campaigns", template.replace("@", text)), 400, 422)
    offer = {"campaign_id": scene.draft(), "name": "n", "terms": scene.terms(content=[{"channel": "web", "title": "@", "text": "t"}])}
    _problem(_send(client, "/v1/offers", json.dumps(offer).replace("@", text)), 400, 422)
    segment = {"name": "s", "kind": "rule", "rule": {"attribute": "a", "op": "eq", "value": "@"}}
    _problem(_send(client, "/v1/segments", json.dumps(segment).replace("@", text)), 400, 422)
    zone = _campaign(scene, window=scene.window() | {"zone": "@"})
    _problem(_send(client, "/v1/campaigns", json.dumps(zone).replace("@", text)), 400, 422)
    customers = {"customers": [{"customer_id": scene.fresh("c"), "consent": True, "attributes": {"a": "@"}}]}
    response = _send(client, "/v1/customers", json.dumps(customers).replace("@", text))
    assert response.status_code in {200, 400, 422}
    assert response.json().get("accepted", 0) == 0


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE campaigns; --", "<script>alert(1)</script>", "%s %(x)s {{7*7}}", "../../etc/passwd", "\u02bc \U0001d54f \u202e"]
)
def test_takes_words_as_words(client: Client, scene: Scene, text: str) -> None:
    campaign_id = client.post("/v1/campaigns", _campaign(scene, name=text, objective=text))["campaign_id"]
    assert client.get(f"/v1/campaigns/{campaign_id}")["name"] == text
    page = client.http.get("/").text
    assert "<script>alert(1)" not in page


@pytest.mark.parametrize(
    "at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59Z", "2026-02-30T00:00:00Z", "2026-01-01T00:00:00"]
)
def test_a_moment_far_away_stops_nobody(client: Client, scene: Scene, at: str) -> None:
    """One bad moment must not keep the purchases of others from being redeemed."""
    campaign_id = scene.campaign()
    customers = scene.customers(1)
    scene.grant(scene.offer(campaign_id), customers)
    bad = [scene.purchase(customers[0], at=at), scene.purchase(customers[0])]
    response = client.send("POST", "/v1/transactions", json={"transactions": bad}, who=BANK)
    assert response.status_code == httpx.codes.MULTI_STATUS
    assert [r["transaction_id"] for r in scene.redemptions(campaign_id=campaign_id)] == [bad[1]["transaction_id"]]
    for path, body in _with_moments(client, scene, customers[0], at):
        response = client.send("POST", path, json=body)
        assert response.status_code not in NOT_ANSWERED, f"{path} {client.platform.log()}"
    client.wait_until_idle()


def _with_moments(client: Client, scene: Scene, customer: str, at: str) -> Iterator[tuple[str, dict[str, Any]]]:
    offer_id = scene.offer(scene.campaign())
    grant = next(iter(scene.grant(offer_id, [customer]).values()))
    yield "/v1/customers", {"customers": [{"customer_id": customer, "consent": True, "consent_at": at}]}
    yield "/v1/customers", {"customers": [{"customer_id": customer, "consent": True, "cards": [{"card_token": "t", "valid_from": at}]}]}
    yield "/v1/grants", {"offer_id": offer_id, "customers": [customer], "granted_at": at}
    yield f"/v1/customers/{customer}/offers/{grant}/activate", {"at": at}
    shown = {"impression_id": scene.fresh("i"), "kind": "served", "customer_id": customer, "offer_id": offer_id, "channel": "web"}
    yield "/v1/impressions", {"impressions": [shown | {"placement": "top", "at": at}]}
    asked = {key: value for key, value in scene.purchase(customer, at=at).items() if key != "customer_id"}
    yield "/v1/eligibility", {"customer_id": customer, "purchase": asked}
    window = {"start": at[:10], "end": at[:10], "zone": "Pacific/Kiritimati"}
    yield "/v1/campaigns", _campaign(scene, window=window)
    yield "/v1/offers", {"campaign_id": scene.draft(), "name": "n", "terms": scene.terms(window=window)}


def test_refuses_bodies_that_are_too_large(client: Client, scene: Scene) -> None:
    for path, limit in (("/v1/campaigns", MIB), ("/v1/offers", MIB), ("/v1/transactions", 5 * MIB)):
        body = b" " * (limit + 1)
        _problem(_send(client, path, body), 413)
        _problem(client.send("POST", path, content=iter([body[: MIB // 2]] * 11), headers=JSON), 413)
    just_fits = json.dumps(_campaign(scene)).encode().ljust(MIB)
    assert _send(client, "/v1/campaigns", just_fits).status_code == httpx.codes.CREATED


def test_refuses_other_media(client: Client, scene: Scene) -> None:
    body = json.dumps(_campaign(scene))
    for media in ("text/plain", "application/x-www-form-urlencoded", "application/xml", "application/json-patch+json"):
        _problem(client.send("POST", "/v1/campaigns", content=body, headers={"content-type": media}), 415)


def test_refuses_card_numbers_wherever_they_hide(client: Client, scene: Scene) -> None:
    spaced, escaped = "4111 1111 1111 1111", "".join(f"\\u00{ord(digit):02x}" for digit in CARD)
    for number in (CARD, spaced, spaced.replace(" ", "-"), escaped):
        problem = _problem(_send(client, "/v1/campaigns", json.dumps(_campaign(scene, objective="@")).replace("@", f"card {number}.")), 422)
        assert problem["type"] == "urn:clo:problem:card_number_found"
    hidden = scene.purchase(scene.customers(1)[0], merchant_id=CARD)
    _problem(client.send("POST", "/v1/transactions", json={"transactions": [scene.purchase("c"), hidden]}), 422)
    _problem(client.send("POST", "/v1/campaigns", json=_campaign(scene) | {CARD: 1}), 422)
    _problem(client.send("POST", "/v1/campaigns", json=_campaign(scene) | {"x": int(CARD)}), 422)
    _problem(client.send("GET", f"/v1/customers/{CARD}"), 422)
    _problem(client.send("GET", "/v1/redemptions", params={"customer_id": CARD}), 422)
    assert CARD not in client.platform.log()


def test_of_a_batch_the_good_are_taken_and_the_bad_are_named(client: Client, scene: Scene) -> None:
    campaign_id = scene.campaign()
    customers = scene.customers(2)
    scene.grant(scene.offer(campaign_id), customers)
    good = [scene.purchase(customer) for customer in customers]
    bad = [scene.purchase(customers[0], amount=1.5), scene.purchase("not an id"), scene.purchase(customers[0]) | {"kind": "gift"}, 7, None]
    response = client.send("POST", "/v1/transactions", json={"transactions": [good[0], *bad, good[1]]}, who=BANK)
    assert response.status_code == httpx.codes.MULTI_STATUS
    answer = response.json()
    assert answer["accepted"] == 2
    assert [rejected["index"] for rejected in answer["rejected"]] == [1, 2, 3, 4, 5]
    assert all(rejected["problems"] for rejected in answer["rejected"])
    assert {r["transaction_id"] for r in scene.redemptions(campaign_id=campaign_id)} == {p["transaction_id"] for p in good}


def test_a_batch_has_one_to_five_thousand_items(client: Client, scene: Scene) -> None:
    for path, field in (("/v1/transactions", "transactions"), ("/v1/impressions", "impressions"), ("/v1/customers", "customers")):
        _problem(client.send("POST", path, json={field: []}), 422)
        _problem(client.send("POST", path, json={field: [0] * 5_001}), 422)
        _problem(client.send("POST", path, json={field: {}}), 422)
        _problem(client.send("POST", path, json={field: [{}], "more": 1}), 422)
    purchase = scene.purchase("nobody", merchant_id="m")
    many = [purchase | {"transaction_id": f"{scene.name}-{number}"} for number in range(5_001)]
    _problem(client.send("POST", "/v1/transactions", json={"transactions": many}), 422)
    assert client.post("/v1/transactions", {"transactions": many[:5_000]})["accepted"] == 5_000
    client.wait_until_idle()


def test_the_last_of_two_equal_keys_counts_and_a_refused_one_hides_nowhere(client: Client, scene: Scene) -> None:
    body = json.dumps(_campaign(scene))[:-1] + ', "currency": "usd"}'
    _problem(_send(client, "/v1/campaigns", body), 422)


@pytest.mark.parametrize("identifier", ["x" * 65, "x" * 10_000, "%00", "a%2Fb", "a%20b", "%F0%9F%92%A9", "-", "..", "%ff"])
def test_refuses_ids_that_are_none(client: Client, identifier: str) -> None:
    for path in (
        f"/v1/customers/{identifier}",
        f"/v1/campaigns/{identifier}",
        f"/v1/offers/{identifier}/diff",
        f"/v1/grants?offer_id={identifier}",
    ):
        response = client.send("GET", path)
        assert response.status_code in {307, 404, 405, 422}, f"{path} {response.text[:500]}"


@pytest.mark.parametrize("value", ["-1", "0x1", "1.5", "", "9" * 30, "9223372036854775808", "NaN", "%00"])
def test_refuses_queries_that_make_no_sense(client: Client, value: str) -> None:
    for path in (
        "/v1/campaigns?offset=",
        "/v1/campaigns?limit=",
        "/v1/offers?offset=",
        "/v1/segments?offset=",
        "/v1/redemptions?state=",
        "/v1/campaigns?surprise=",
    ):
        _problem(client.send("GET", path + value), 422)


def _signed_by_public_key(claims: dict[str, Any], key: bytes) -> str:
    """A token that holds if the public key is taken for a shared secret."""
    head = {"alg": "HS256", "typ": "JWT", "kid": KEY_ID}
    said = b".".join(urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (head, claims))
    return (said + b"." + urlsafe_b64encode(hmac.digest(key, said, "sha256")).rstrip(b"=")).decode()


def test_who_does_not_prove_who_it_is_gets_nowhere(client: Client, scene: Scene) -> None:
    folder = client.platform.folder / "keys"
    past = LocalKeys(folder).token("maya", ("campaigns:read",), now=scene.now - timedelta(days=2))
    claims = {"sub": "maya", "scope": "campaigns:read", "iss": "clo", "aud": "clo", "iat": int(time.time()), "exp": int(time.time()) + 60}
    strangers = jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"kid": KEY_ID})
    unsigned = jwt.encode(claims, "", algorithm="none", headers={"kid": KEY_ID})
    by_public_key = _signed_by_public_key(claims, (folder / "jwks.json").read_bytes())
    other_issuer = LocalKeys(folder).token("maya", ("campaigns:read",), now=scene.now, issuer="evil")
    other_audience = LocalKeys(folder).token("maya", ("campaigns:read",), now=scene.now, audience="other")
    tokens = [past, strangers, unsigned, by_public_key, other_issuer, other_audience, "x", "a.b.c", "ä" * 10, CARD, "." * 5000]
    forged = {
        "x-clo-subject": "maya",
        "x-forwarded-user": "maya",
        "x-apigee-scopes": "campaigns:read",
        "x-user": "maya",
        "cookie": "token=x",
    }
    for header in ("", "Bearer", "Basic bWF5YTptYXlh", *(f"Bearer {token}" for token in tokens)):
        headers = {name.encode(): value.encode() for name, value in {"authorization": header, **forged}.items()}
        _problem(client.http.get("/v1/campaigns", headers=headers), 401)
    _problem(client.http.get("/v1/campaigns", headers=forged), 401)


def test_who_lacks_the_scope_may_not(client: Client, scene: Scene) -> None:
    header = {"authorization": f"Bearer {client.platform.token('reader', 'campaigns:read')}", "x-clo-scopes": "campaigns:write"}
    assert client.http.get("/v1/campaigns", headers=header).status_code == httpx.codes.OK
    _problem(client.http.post("/v1/campaigns", headers=header, json=_campaign(scene)), 403)
    _problem(client.http.get("/v1/ledger/trial-balance", headers=header), 403)


def test_other_paths_and_methods_are_refused_as_problems(client: Client) -> None:
    _problem(client.send("GET", "/v1/nothing"), 404)
    for method, path in (("DELETE", "/v1/campaigns"), ("PUT", "/v1/transactions"), ("PATCH", "/v1/campaigns/cmp_x")):
        _problem(client.send(method, path, json={}), 405)


def test_a_refused_command_leaves_its_key_free(client: Client, scene: Scene) -> None:
    key = scene.fresh("key")
    _problem(client.send("POST", "/v1/campaigns", key=key, json=_campaign(scene, currency="usd")), 422)
    assert client.send("POST", "/v1/campaigns", key=key, json=_campaign(scene)).status_code == httpx.codes.CREATED
    for wrong in ("x" * 256, ""):
        response = client.send("POST", "/v1/campaigns", headers={"idempotency-key": wrong}, json=_campaign(scene))
        _problem(response, 422)
