"""What the adapter for HTTP takes, refuses and answers, before and after any use case."""

import json
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import psycopg
import pytest
from starlette.types import ASGIApp

from shared.campaigns import service
from shared.campaigns.api import Campaigns, Page
from shared.platform.call import Call
from shared.platform.database import Database
from shared.platform.local.postgres import EmbeddedPostgres
from shared.platform.runtime import Runtime
from tests.integration.platform.conftest import Ask, Asking, http_app
from tests.integration.platform.test_idempotency import campaign

MIB = 1 << 20
VISA = "4111111111111111"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def asking(ask: Ask) -> Asking:
    return ask("manage_campaigns")


def listing(work: Callable[[Call], None]) -> ASGIApp:
    """A use case that does some work in place of listing campaigns."""

    def list_campaigns(call: Call, query: Page) -> Campaigns:
        work(call)
        return Campaigns(campaigns=[])

    return http_app("manage_campaigns", service, list_campaigns=list_campaigns)


def test_answer_is_json_with_the_callers_trace(asking: Asking) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = asking("GET", "/v1/campaigns", headers={"traceparent": trace})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["traceparent"] == trace


def test_every_refusal_is_a_problem_with_its_trace(asking: Asking) -> None:
    answer = asking("GET", "/v1/campaigns/cmp_" + "0" * 32)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == {"type", "title", "status", "detail", "trace"}
    assert answer.json()["trace"] == answer.headers["traceparent"]


def test_caller_without_a_token_is_unauthenticated(asking: Asking) -> None:
    assert asking("GET", "/v1/campaigns", headers={"Authorization": ""}).status_code == 401


def test_caller_without_the_scope_is_forbidden(ask: Ask) -> None:
    answer = ask("manage_campaigns", scopes=("campaigns:read",))("POST", "/v1/campaigns", json=campaign())
    assert answer.status_code == 403
    assert "campaigns:write" in answer.json()["detail"]


def test_unknown_path_and_method_are_told_apart(asking: Asking) -> None:
    assert asking("GET", "/v1/nothing").status_code == 404
    wrong = asking("DELETE", "/v1/campaigns")
    assert wrong.status_code == wrong.json()["status"] == 405


def test_unknown_fields_and_all_other_problems_come_at_once(asking: Asking) -> None:
    window = {"start": "2026-02-30", "end": "2026-02-28", "zone": "Mars"}
    answer = asking("POST", "/v1/campaigns", json=campaign(currency="usd", window=window, colour="red"))
    assert answer.status_code == 422
    assert {problem["path"] for problem in answer.json()["problems"]} >= {"/currency", "/window/start", "/window/zone", "/colour"}


def test_wrong_parameters_are_named(asking: Asking) -> None:
    answer = asking("GET", "/v1/campaigns?limit=0&page=2")
    assert answer.status_code == 422
    assert {problem["path"] for problem in answer.json()["problems"]} == {"/query/limit", "/query/page"}


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"name": "\\ud800"}'])
def test_what_is_no_json_is_malformed(asking: Asking, body: bytes) -> None:
    assert asking("POST", "/v1/campaigns", content=body, headers=JSON).status_code == 400


def test_empty_body_is_an_empty_object(asking: Asking) -> None:
    answer = asking("POST", "/v1/campaigns", content=b"")
    assert answer.status_code == 422
    assert {problem["message"] for problem in answer.json()["problems"]} == {"Field required"}


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_other_media_are_refused(asking: Asking, media: str) -> None:
    answer = asking("POST", "/v1/campaigns", content=b"{}", headers={"Content-Type": media})
    assert answer.status_code == 415


def test_json_with_a_charset_is_json(asking: Asking) -> None:
    body = json.dumps(campaign()).encode()
    assert asking("POST", "/v1/campaigns", content=body, headers={"Content-Type": "Application/JSON; charset=utf-8"}).status_code == 201


def test_body_that_announces_too_much_is_refused_before_it_is_read(asking: Asking) -> None:
    read = []

    async def body() -> AsyncIterator[bytes]:
        read.append(1)
        yield b"{}"

    answer = asking("POST", "/v1/campaigns", content=body(), headers={**JSON, "Content-Length": str(MIB + 1)})
    assert answer.status_code == 413
    assert not read


def test_body_in_chunks_is_refused_as_soon_as_it_is_too_large(asking: Asking) -> None:
    sent = []

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(100):
            sent.append(1)
            yield b"x" * (MIB // 4)

    answer = asking("POST", "/v1/campaigns", content=chunks(), headers=JSON)
    assert answer.status_code == 413
    assert len(sent) < 10
    assert "1048576 bytes" in answer.json()["detail"]


def test_body_of_the_largest_size_is_read(asking: Asking) -> None:
    body = json.dumps(campaign()).encode()
    assert asking("POST", "/v1/campaigns", content=body.ljust(MIB), headers=JSON).status_code == 201
    assert asking("POST", "/v1/campaigns", content=body.ljust(MIB + 1), headers=JSON).status_code == 413


@pytest.mark.parametrize("length", ["many", "-1", "1_0"])
def test_content_length_that_is_no_number_is_malformed(asking: Asking, length: str) -> None:
    assert asking("POST", "/v1/campaigns", content=b"{}", headers={**JSON, "Content-Length": length}).status_code == 400


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/v1/campaigns", {"name": VISA}, {}),
        ("/v1/campaigns", {"name": "4111-1111 1111.1111"}, {}),
        ("/v1/campaigns", {VISA: {"deep": [VISA]}}, {}),
        ("/v1/campaigns?card=4111%201111%201111%201111", {}, {}),
        (f"/v1/campaigns/{VISA}/approve", {}, {}),
        ("/v1/campaigns", {}, {"Idempotency-Key": VISA}),
    ],
)
def test_card_number_is_refused_and_neither_answered_logged_nor_stored(
    asking: Asking, database: Database, capfd: pytest.CaptureFixture[str], path: str, body: dict[str, Any], headers: dict[str, str]
) -> None:
    answer = asking("POST", path, json={**campaign(), **body}, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:clo:problem:card_number_found"
    seen = "".join((answer.text, str(answer.headers), *capfd.readouterr()))
    assert "1111 1111" not in seen
    assert VISA not in seen
    with database.connection() as connection:
        assert connection.execute("SELECT FROM handled UNION ALL SELECT FROM campaigns").fetchall() == []


def test_card_number_written_with_escapes_is_refused(asking: Asking) -> None:
    body = json.dumps(campaign(name="CARD")).replace("CARD", "\\u0034111111111111111").encode()
    assert asking("POST", "/v1/campaigns", content=body, headers=JSON).status_code == 422


def test_unexpected_error_is_our_fault_told_once_and_masked(ask: Ask, capfd: pytest.CaptureFixture[str]) -> None:
    def fail(_call: Call) -> None:
        raise RuntimeError(f"secret {VISA}")

    answer = ask(listing(fail))("GET", "/v1/campaigns")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    logged = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [line["event"] for line in logged] == ["unexpected"]
    assert logged[0]["trace"] == answer.json()["trace"]
    assert logged[0]["function"] == "manage_campaigns"
    assert "secret [card number]" in logged[0]["exception"]
    assert VISA not in json.dumps(logged)


def test_health_needs_no_token(asking: Asking) -> None:
    for path in ("/healthz", "/readyz"):
        assert asking("GET", path, headers={"Authorization": ""}).status_code == 200


def test_ready_only_while_the_database_is_reached(asking: Asking, parts: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = Database("postgresql://clo_app@127.0.0.1:9/clo", pool_size=1, timeout_seconds=0.2)
    monkeypatch.setattr("shared.platform.http.runtime", lambda: _With(parts, nowhere))
    assert asking("GET", "/readyz").status_code == 503
    assert asking("GET", "/healthz").status_code == 200
    nowhere.close()


class _With:
    def __init__(self, parts: Runtime, database: Database) -> None:
        self.database, self.threads = database, parts.threads


FAILURES: dict[str, str] = {
    "40001": "serialization failure",
    "40P01": "deadlock",
    "57014": "statement timeout",
    "55P03": "lock not available",
    "53300": "too many connections",
    "57P01": "shutdown",
}


@pytest.mark.parametrize("state", FAILURES, ids=FAILURES.values())
def test_database_that_breaks_off_is_busy(ask: Ask, state: str) -> None:
    def fail(call: Call) -> None:
        with call.transaction() as tx:
            tx.connection.execute(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$".encode())

    answer = ask(listing(fail))("GET", "/v1/campaigns")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"


def test_connection_that_dies_under_a_transaction_is_busy_and_the_next_request_is_served(ask: Ask, postgres: EmbeddedPostgres) -> None:
    def die(call: Call) -> None:
        with call.transaction() as tx:
            row = tx.connection.execute("SELECT pg_backend_pid() AS pid").fetchone()
            assert row is not None
            with psycopg.connect(postgres.owner_url(), autocommit=True) as owner:
                owner.execute("SELECT pg_terminate_backend(%s, 5000)", (row["pid"],))
            tx.connection.execute("SELECT 1")

    assert ask(listing(die))("GET", "/v1/campaigns").status_code == 503
    assert ask("manage_campaigns")("GET", "/v1/campaigns").status_code == 200


def test_value_that_can_not_be_stored_is_the_input_s_fault(ask: Ask) -> None:
    def store(call: Call) -> None:
        with call.transaction() as tx:
            tx.connection.execute("SELECT %s::text", ("nul\x00",))

    assert ask(listing(store))("GET", "/v1/campaigns").status_code == 422


def test_request_that_waits_too_long_for_a_connection_is_told_to_come_back(ask: Ask, parts: Runtime) -> None:
    held, done = threading.Barrier(parts.settings.pool_size + 1), threading.Event()

    def hold() -> None:
        with parts.database.connection():
            held.wait(10)
            done.wait(10)

    holders = [threading.Thread(target=hold) for _ in range(parts.settings.pool_size)]
    for holder in holders:
        holder.start()
    held.wait(10)
    try:
        assert ask("manage_campaigns")("GET", "/v1/campaigns").status_code == 503
    finally:
        done.set()
        for holder in holders:
            holder.join()
    assert ask("manage_campaigns")("GET", "/v1/campaigns").status_code == 200
