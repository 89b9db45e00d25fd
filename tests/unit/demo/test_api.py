from collections.abc import Callable, Iterator

import httpx
import pytest

from demo import api as talking
from demo.api import Api, Gone, Platform, Unexpected


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talking, "FIRST_PAUSE_SECONDS", 0.0)


def an_api(handler: Callable[[httpx.Request], httpx.Response], *, alive: Callable[[], bool] = lambda: True) -> Api:
    platform = Platform(base_url="http://clo.test", token=lambda who, scopes: f"{who} {' '.join(scopes)}", alive=alive)
    return Api(platform=platform, transport=httpx.MockTransport(handler), patience_seconds=5.0)


def in_turn(*answers: httpx.Response | Exception) -> Callable[[httpx.Request], httpx.Response]:
    left: Iterator[httpx.Response | Exception] = iter(answers)

    def handler(_request: httpx.Request) -> httpx.Response:
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return handler


def test_sends_token_and_key() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"done": True})

    assert an_api(handler).post("/v1/campaigns", {"name": "x"}, who="finn.finance", key="one") == {"done": True}
    assert seen[0].headers["authorization"] == "Bearer finn.finance campaigns:approve"
    assert seen[0].headers["idempotency-key"] == "one"
    assert seen[0].content == b'{"name":"x"}'


@pytest.mark.parametrize("trouble", [httpx.Response(503), httpx.Response(500), httpx.ConnectError("away"), httpx.ReadError("cut off")])
def test_tries_again_when_the_platform_is_busy_or_away(trouble: httpx.Response | Exception) -> None:
    handler = in_turn(trouble, trouble, httpx.Response(200, json=1))
    assert an_api(handler).get("/v1/campaigns") == 1


def test_gives_up_at_once_when_the_platform_is_known_to_have_died() -> None:
    with pytest.raises(Gone, match="GET /v1/campaigns was not answered"):
        an_api(in_turn(httpx.ConnectError("away")), alive=lambda: False).get("/v1/campaigns")


def test_gives_up_after_a_while() -> None:
    api = an_api(in_turn(httpx.Response(503), httpx.Response(503)))
    api.patience_seconds = 0.0
    with pytest.raises(Gone):
        api.get("/v1/campaigns")


def test_does_not_repeat_what_was_refused() -> None:
    with pytest.raises(Unexpected, match="422"):
        an_api(in_turn(httpx.Response(422, json={"detail": "no"}))).ask("/v1/eligibility", {})


def test_refused_items_of_a_batch_are_unexpected() -> None:
    answer = {"accepted": 1, "rejected": [{"index": 1, "problems": []}]}
    with pytest.raises(Unexpected, match="1 items were refused"):
        an_api(in_turn(httpx.Response(207, json=answer))).post("/v1/impressions", {}, who="channels", key="k")


def test_nobody_who_asks_also_approves() -> None:
    for subject, scopes in talking.SCOPES.items():
        areas = {scope.partition(":")[0] for scope in scopes if scope.endswith(":write")}
        assert not areas & {scope.partition(":")[0] for scope in scopes if scope.endswith(":approve")}, subject
