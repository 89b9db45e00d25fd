"""Each function also runs alone under functions-framework, against nothing but a database."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from events.envelope import Envelope, to_http
from shared.kernel.clock import SystemClock
from shared.platform.local.keys import LocalKeys
from shared.platform.local.postgres import EmbeddedPostgres
from tests.conftest import MakeCall
from tests.e2e.process import START_SECONDS, wait_until
from tests.world import World, amounts, purchase

ROOT = Path(__file__).parents[2]


@pytest.fixture
def keys(tmp_path: Path) -> LocalKeys:
    return LocalKeys(tmp_path / "keys")


def test_purchases_become_cashback_through_two_functions_that_run_alone(
    call: MakeCall, postgres: EmbeddedPostgres, keys: LocalKeys
) -> None:
    world = World(call)
    offer_id = world.offer(world.campaign())
    world.grant(offer_id, "cust-1")
    header = {"authorization": f"Bearer {keys.token('bank', ('transactions:write',), now=SystemClock().now())}"}
    body = {"transactions": [purchase("alone-1").model_dump(mode="json"), {"transaction_id": "alone-2"}]}

    with _alone("post_transactions", postgres, keys) as url:
        answer = httpx.post(f"{url}/v1/transactions", json=body, headers=header, trust_env=False)
        assert httpx.get(f"{url}/healthz", trust_env=False).text == "ok"
        assert httpx.post(f"{url}/v1/transactions", json=body, trust_env=False).status_code == httpx.codes.UNAUTHORIZED
    assert (answer.status_code, answer.json()["accepted"], answer.json()["rejected"][0]["index"]) == (207, 1, 1)

    with _alone("redeem_cashback", postgres, keys) as url:
        event = _stored_event(postgres)
        statuses = [_deliver(url, event), _deliver(url, event)]
        not_its = _deliver(url, event, type="clo.offer.approved.v1")
        poison = [_deliver(url, event, type="clo.nothing.known.v1"), httpx.post(url, json={}, trust_env=False).status_code]
    assert statuses == [httpx.codes.NO_CONTENT] * 2
    assert not_its == httpx.codes.NO_CONTENT
    assert poison == [httpx.codes.UNPROCESSABLE_ENTITY, httpx.codes.BAD_REQUEST]
    assert amounts(world.redemptions()) == [200]


@contextmanager
def _alone(name: str, postgres: EmbeddedPostgres, keys: LocalKeys) -> Iterator[str]:
    """The address of one function that runs by itself, as its container would start it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = str(Path(sys.executable).with_name("functions-framework-python"))
    arguments = ["--source", f"functions/{name}/main.py", "--target", name, "--host", "127.0.0.1", "--port", str(port)]
    settings = {"CLO_DATABASE_URL": postgres.app_url(), "CLO_JWKS": str(keys.jwks)}
    process = subprocess.Popen([program, *arguments], cwd=ROOT, env={**os.environ, **settings})
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: process.poll() is not None or _is_ready(url), seconds=START_SECONDS, what=f"{name} runs")
        yield url
    finally:
        process.terminate()
        process.wait()


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _stored_event(postgres: EmbeddedPostgres) -> Envelope:
    """The purchases as the outbox holds them."""
    with psycopg.connect(postgres.owner_url()) as connection:
        row = connection.execute(
            "SELECT event_id, type, source, subject, occurred_at, payload FROM outbox WHERE type = 'clo.transactions.posted.v1'"
        ).fetchone()
    assert row is not None
    return Envelope(event_id=row[0], type=row[1], source=row[2], subject=row[3], occurred_at=row[4], payload=bytes(row[5]))


def _deliver(url: str, event: Envelope, **changed: str) -> int:
    headers, body = to_http(event)
    return httpx.post(
        url, content=body, headers=headers | {f"ce-{name}": value for name, value in changed.items()}, trust_env=False
    ).status_code
