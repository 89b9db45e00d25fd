"""Clo as seen from outside: HTTP, one token per person, and patience with a platform that comes and goes."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import orjson

SCOPES: Final[Mapping[str, tuple[str, ...]]] = {
    "maya.marketing": ("campaigns:write", "campaigns:read", "offers:write", "offers:read", "audiences:write"),
    "finn.finance": ("campaigns:approve",),
    "lea.legal": ("offers:approve",),
    "bank": ("merchants:write", "audiences:write", "transactions:write"),
    "channels": ("impressions:write",),
    "card-system": ("payouts:write",),
    "ava.audit": ("reports:read", "ledger:read", "eligibility:read", "campaigns:read"),
}
"""Who takes part, and what each may do. Who asks for a budget or writes an offer is not who approves it."""

PATIENCE_SECONDS: Final = 60.0
FIRST_PAUSE_SECONDS: Final = 0.1
MOST_PAUSE_SECONDS: Final = 2.0
TIMEOUT_SECONDS: Final = 60.0
SHOWN: Final = 2_000
TRY_AGAIN: Final = frozenset({429, 500, 502, 503, 504})


class Gone(Exception):
    """The platform does not answer any more."""


class Unexpected(Exception):
    """The platform gave an answer that the demo did not expect."""


@dataclass(frozen=True, kw_only=True)
class Platform:
    """Where the platform is, who makes tokens for it (subject, scopes), and whether it is known to have died."""

    base_url: str
    token: Callable[[str, tuple[str, ...]], str]
    alive: Callable[[], bool] = lambda: True


@dataclass(kw_only=True)
class Api:
    """Requests to the platform. Safe to use from several threads."""

    platform: Platform
    transport: httpx.BaseTransport | None = None
    """In place of the network; for tests."""
    patience_seconds: float = PATIENCE_SECONDS
    _client: httpx.Client = field(init=False)
    _authorization: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self._client = httpx.Client(base_url=self.platform.base_url, timeout=TIMEOUT_SECONDS, trust_env=False, transport=self.transport)
        self._authorization = {who: f"Bearer {self.platform.token(who, scopes)}" for who, scopes in SCOPES.items()}

    def get(self, path: str, *, who: str | None = None, **query: object) -> Any:  # noqa: ANN401
        """An answer. Parameters that are None are left out."""
        return self._send("GET", path, who, params={name: str(value) for name, value in query.items() if value is not None})

    def ask(self, path: str, body: object, *, who: str | None = None) -> Any:  # noqa: ANN401
        """The answer to a question that has a body, or to a command that may be repeated freely."""
        return self._send("POST", path, who, content=orjson.dumps(body))

    def post(self, path: str, body: object, *, who: str, key: str) -> Any:  # noqa: ANN401
        """Carry out a command once, however often it is sent: the key makes it the same. Raises Unexpected where items were refused."""
        answer = self._send("POST", path, who, content=orjson.dumps(body), headers={"Idempotency-Key": key})
        if isinstance(answer, dict) and answer.get("rejected"):
            raise Unexpected(f"POST {path}: {len(answer['rejected'])} items were refused, the first with {answer['rejected'][0]}")
        return answer

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _send(self, method: str, path: str, who: str | None, *, headers: dict[str, str] | None = None, **parts: Any) -> Any:  # noqa: ANN401
        """Send, and send again while the platform is busy or away, for a minute at most."""
        sent = {"Content-Type": "application/json", **(headers or {})} | ({"Authorization": self._authorization[who]} if who else {})
        deadline, pause = time.monotonic() + self.patience_seconds, FIRST_PAUSE_SECONDS
        while True:
            try:
                response = self._client.request(method, path, headers=sent, **parts)
                wrong = response.text if response.status_code in TRY_AGAIN else None
            except httpx.TransportError as error:
                response, wrong = None, repr(error)
            if response is not None and wrong is None:
                return _answer(method, path, response)
            if not self.platform.alive() or time.monotonic() > deadline:
                raise Gone(f"{method} {path} was not answered: {wrong}")
            time.sleep(pause)
            pause = min(pause * 2, MOST_PAUSE_SECONDS)


def _answer(method: str, path: str, response: httpx.Response) -> Any:  # noqa: ANN401
    if not response.is_success:
        raise Unexpected(f"{method} {path}: {response.status_code} {response.text[:SHOWN]}")
    return orjson.loads(response.content)
