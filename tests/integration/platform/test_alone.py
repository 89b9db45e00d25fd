"""A function as it is deployed: functions-framework's own server, one function, settings from the environment, HTTP over a socket."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

import functions
from events.envelope import to_http
from shared.platform.database import Database
from shared.platform.local.keys import LocalKeys, all_scopes
from shared.platform.local.postgres import EmbeddedPostgres
from tests.integration.platform.conftest import wait_until
from tests.integration.platform.test_events import ticked
from tests.integration.platform.test_idempotency import campaign

FRAMEWORK = str(Path(sys.executable).with_name("functions-framework-python"))
ROOT = Path(functions.__file__).parents[1]
START_SECONDS = 60.0


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def command(name: str, port: int) -> list[str]:
    source = f"functions/{name}/main.py"
    return [FRAMEWORK, "--source", source, "--target", name, "--host", "127.0.0.1", "--port", str(port)]


@contextmanager
def running(name: str, environment: dict[str, str]) -> Iterator[str]:
    """The base URL of a function while it runs."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(command(name, port), cwd=ROOT, env={**os.environ, **environment}, stderr=subprocess.PIPE)
    try:
        wait_until(lambda: process.poll() is not None or answers(base), seconds=START_SECONDS)
        assert process.poll() is None, process.stderr and process.stderr.read()
        yield base
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=START_SECONDS)


def answers(base: str) -> bool:
    try:
        return httpx.get(f"{base}/healthz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def keys(tmp_path: Path) -> LocalKeys:
    return LocalKeys(tmp_path)


@pytest.fixture
def environment(postgres: EmbeddedPostgres, keys: LocalKeys) -> dict[str, str]:
    return {"CLO_DATABASE_URL": postgres.app_url(), "CLO_JWKS": str(keys.jwks)}


@pytest.mark.usefixtures("database")
def test_http_function_runs_alone(keys: LocalKeys, environment: dict[str, str]) -> None:
    token = keys.token("maya", all_scopes(), now=datetime.now(UTC))
    with (
        running("manage_campaigns", environment) as base,
        httpx.Client(base_url=base, trust_env=False, headers={"Authorization": f"Bearer {token}"}) as client,
    ):
        assert client.get("/readyz").text == "ready"
        created = client.post("/v1/campaigns", json=campaign())
        assert created.status_code == 201
        assert client.get("/v1/campaigns").json() == {"campaigns": [created.json()]}
        assert client.get("/v1/offers").status_code == 404


def test_event_function_runs_alone(database: Database, environment: dict[str, str]) -> None:
    headers, body = to_http(ticked())
    with running("run_schedule", environment) as base:
        assert httpx.post(base, content=body, headers=headers, trust_env=False).status_code == 204
    with database.connection() as connection:
        assert connection.execute("SELECT consumer FROM handled").fetchall() == [{"consumer": "run_schedule"}]


@pytest.mark.parametrize("settings", [dict, lambda: {"CLO_DATABASE_URL": "mysql://x:hunter2@y", "CLO_JWKS": "keys.json"}])
def test_function_refuses_to_start_on_wrong_settings_and_names_them(settings: Callable[[], dict[str, str]]) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CLO_")}
    end = subprocess.run(
        command("manage_campaigns", free_port()),
        cwd=ROOT,
        env={**clean, **settings()},
        capture_output=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert end.returncode != 0
    assert b"CLO_DATABASE_URL" in end.stderr
    assert b"hunter2" not in end.stderr
