"""The delivery contract, as Knative keeps it: how an event gets to a function, and what becomes of it by the answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

import httpx
import structlog

from events.envelope import Envelope, to_http

LOG: Final = structlog.get_logger("clo.delivery")
MAX_ATTEMPTS: Final = 12
FIRST_PAUSE_SECONDS: Final = 0.2
MAX_PAUSE_SECONDS: Final = 30.0
SUCCESS: Final = range(200, 300)
CLIENT_ERRORS: Final = range(400, 500)
RETRIED: Final = frozenset({404, 408, 409, 429})
"""As Knative does: these and what is no client error are tried again, other client errors are dead at once."""
UNLIMITED: Final = httpx.Limits(max_connections=None)
"""Who delivers bounds its workers."""


class Verdict(Enum):
    """What becomes of a delivery."""

    TAKEN = "taken"  # the function has it, or had it before
    LATER = "later"  # to be tried again after a pause
    DEAD = "dead"  # kept with the dead letters


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a function said to a delivery: an HTTP status (0 when it was not reached) and why."""

    status: int
    detail: str = ""


class Delivery(Protocol):
    """How an event gets to a function."""

    def __call__(self, consumer: str, event: Envelope) -> Answer:
        """Deliver once."""


class HttpDelivery:
    """Delivers by HTTP POST to `<base>/events/<function>`."""

    def __init__(self, base_url: str, *, timeout_seconds: float = 120.0) -> None:
        """Keep connections open to the base URL."""
        self._base_url = base_url
        self._client = httpx.Client(timeout=timeout_seconds, trust_env=False, limits=UNLIMITED)

    def __call__(self, consumer: str, event: Envelope) -> Answer:
        """Deliver once."""
        return self.post(consumer, *to_http(event))

    def post(self, consumer: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Deliver once what is an event already, as headers and body."""
        try:
            response = self._client.post(self.address(consumer), content=body, headers=headers)
        except httpx.HTTPError as error:
            return Answer(status=0, detail=repr(error))
        return Answer(status=response.status_code, detail=response.text[:1000])

    def address(self, consumer: str) -> str:
        """Where a function takes its events."""
        return f"{self._base_url}/events/{consumer}"

    def close(self) -> None:
        """Close all connections."""
        self._client.close()


def attempted(deliver: Callable[[], Answer], **about: str) -> Answer:
    """What a function said to a delivery. One that fails in a way that nobody foresaw did not reach it: it is told of, and tried again."""
    try:
        return deliver()
    except Exception as error:
        LOG.exception("not delivered", **about)
        return Answer(status=0, detail=repr(error))


def judge(answer: Answer, *, attempts: int) -> Verdict:
    """What the delivery contract says to do with an answer after so many earlier attempts."""
    if answer.status in SUCCESS:
        return Verdict.TAKEN
    poison = answer.status in CLIENT_ERRORS and answer.status not in RETRIED
    if poison or attempts + 1 >= MAX_ATTEMPTS:
        return Verdict.DEAD
    return Verdict.LATER


def pause_seconds(attempts: int) -> float:
    """How long to wait after a delivery that came after so many earlier attempts."""
    return min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(attempts, MAX_ATTEMPTS))
