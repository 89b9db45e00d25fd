"""Functions as they run: the functions-framework app, real database, real tokens, in this process."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from events.envelope import Envelope, to_http
from shared.kernel.clock import Clock
from shared.platform import runtime as shared_runtime
from shared.platform.consume import EventFunction
from shared.platform.database import Database
from shared.platform.http import HttpFunction
from shared.platform.local.app import load_function
from shared.platform.local.keys import LocalKeys, all_scopes
from shared.platform.local.postgres import EmbeddedPostgres
from shared.platform.runtime import Runtime, build_runtime, install
from shared.platform.settings import Settings

POOL = 4
POOL_TIMEOUT = 1.0


@dataclass(frozen=True, kw_only=True)
class Asking:
    """Sends requests to one app as one subject."""

    app: ASGIApp
    token: str

    def __call__(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **rest: Any) -> httpx.Response:
        """One request, in an event loop of its own: may be called from several threads."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://clo") as client:
                return await client.request(method, path, headers={"Authorization": f"Bearer {self.token}", **(headers or {})}, **rest)

        return asyncio.run(send())

    def event(self, envelope: Envelope) -> httpx.Response:
        """Deliver an event once."""
        headers, body = to_http(envelope)
        return self("POST", "/", headers=headers, content=body)


def wait_until(holds: Callable[[], object], *, seconds: float = 10.0) -> None:
    """Wait until something holds, at most so long."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


Ask = Callable[..., Asking]


@pytest.fixture
def keys(tmp_path: Path) -> LocalKeys:
    return LocalKeys(tmp_path / "keys")


@pytest.fixture
def parts(database: Database, postgres: EmbeddedPostgres, clock: Clock, keys: LocalKeys) -> Iterator[Runtime]:
    """The runtime that functions of this process use."""
    settings = Settings(database_url=postgres.app_url(), jwks=str(keys.jwks), pool_size=POOL, pool_timeout_seconds=POOL_TIMEOUT, shards=4)
    runtime = build_runtime(settings, clock)
    install(runtime)
    yield runtime
    shared_runtime._installed.clear()
    runtime.threads.shutdown()
    runtime.database.close()


@pytest.fixture
def ask(parts: Runtime, keys: LocalKeys) -> Ask:
    """Makes an asking for a function of the registry, or for an app, as somebody with some scopes."""

    def make(function: str | ASGIApp, subject: str = "maya", scopes: tuple[str, ...] | None = None) -> Asking:
        app = load_function(function) if isinstance(function, str) else function
        token = keys.token(subject, all_scopes() if scopes is None else scopes, now=datetime.now(UTC))
        return Asking(app=app, token=token)

    return make


def http_app(name: str, service: ModuleType, **use_cases: Callable[..., Any]) -> ASGIApp:
    """The app of an HTTP function some of whose use cases are replaced."""
    return as_app(HttpFunction(name, _replaced(service, use_cases)))


def event_app(name: str, **use_cases: Callable[..., Any]) -> ASGIApp:
    """The app of an event function whose use cases are these."""
    return as_app(EventFunction(name, _replaced(ModuleType("none"), use_cases)))


def as_app(function: HttpFunction | EventFunction) -> ASGIApp:
    """The app that serves a function."""
    return Starlette(routes=[Route("/{path:path}", function.__call__, methods=["GET", "POST"])])


def _replaced(service: ModuleType, use_cases: Mapping[str, Callable[..., Any]]) -> ModuleType:
    copy = ModuleType(service.__name__)
    vars(copy).update(vars(service), **use_cases)
    return copy
