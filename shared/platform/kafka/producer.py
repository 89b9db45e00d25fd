"""Events as records on their topics: sent together, and known to be there."""

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self

from kafka import KafkaProducer
from kafka.errors import (
    InvalidRecordError,
    InvalidTopicError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)
from kafka.producer.future import FutureRecordMetadata

from events.envelope import Envelope, to_kafka
from shared.platform.failpoints import Point, reached
from shared.platform.kafka.cluster import RECONNECT_MOST_MS, servers

DELIVERY_SECONDS: Final = 10.0
"""So long a record may take to be acknowledged: a caller who waits for it is told to try again before its own time is over."""
REQUEST_SECONDS: Final = 5.0
MOST_REQUEST_BYTES: Final = 1 << 23
"""So much goes at once, of many partitions: while five requests wait for their answers, which is all that a broker is sent, the client
asks again and again whether it may send the next. How long one event may be, the broker says."""
CLOSE_SECONDS: Final = 2.0
NOT_SENT: Final = "not sent, because one before it found no broker that answers"
OF_THE_EVENT: Final = (
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    InvalidRecordError,
    InvalidTopicError,
    TopicAuthorizationFailedError,
)
"""What is wrong with one event or its topic; all else concerns the cluster as a whole."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Addressed:
    """An event and the topic that it goes to."""

    topic: str
    event: Envelope


class Producer:
    """Sends events to one cluster: acknowledged by all replicas that are in sync, each once and in order as long as nothing fails.

    Safe to use from several threads. After any trouble it begins afresh: from some a client never recovers.
    """

    def __init__(self, bootstrap: str) -> None:
        """Connect at first use."""
        self._bootstrap = bootstrap
        self._lock = threading.Lock()
        self._client: KafkaProducer | None = None

    def send(self, addressed: Iterable[Addressed]) -> list[KafkaError | None]:
        """Send events and wait for all of them: for each None, or what went wrong."""
        all_of_them = list(addressed)
        reached(Point.EVENTS_DUE)
        outcomes = self._send(all_of_them)
        reached(Point.EVENTS_SENT)
        if all(error is None or is_passing(error) for error in outcomes):
            return outcomes
        # One that is not taken makes the client fail others with the same words: each alone shows whose fault it is.
        return [self._send([each])[0] if error else None for each, error in zip(all_of_them, outcomes, strict=True)]

    def close(self) -> None:
        """Close all connections; what is not acknowledged yet may be lost."""
        with self._lock:
            if self._client:
                _close(self._client)
            self._client = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, addressed: Sequence[Addressed]) -> list[KafkaError | None]:
        try:
            client = self._connected()
        except KafkaError as error:
            return [error] * len(addressed)
        sent = list(_send_all(client, addressed))
        until = time.monotonic() + DELIVERY_SECONDS + REQUEST_SECONDS
        outcomes = [error or _outcome(future, until) for future, error in sent]
        if any(outcomes):
            self._let_go(client)
        return outcomes

    def _connected(self) -> KafkaProducer:
        with self._lock:
            if self._client is None:
                self._client = KafkaProducer(
                    bootstrap_servers=servers(self._bootstrap),
                    acks="all",
                    enable_idempotence=True,
                    max_request_size=MOST_REQUEST_BYTES,
                    delivery_timeout_ms=int(DELIVERY_SECONDS * 1000),
                    request_timeout_ms=int(REQUEST_SECONDS * 1000),
                    max_block_ms=int(REQUEST_SECONDS * 1000),
                    bootstrap_timeout_ms=int(REQUEST_SECONDS * 1000),
                    reconnect_backoff_max_ms=RECONNECT_MOST_MS,
                    metrics_enabled=False,
                )
            return self._client

    def _let_go(self, client: KafkaProducer) -> None:
        with self._lock:
            if self._client is client:
                self._client = None
        _close(client)


def is_passing(error: KafkaError) -> bool:
    """Whether it is the cluster's state that an event was not taken, and not the event itself."""
    return not isinstance(error, OF_THE_EVENT)


def _send_all(client: KafkaProducer, addressed: Iterable[Addressed]) -> Iterator[tuple[FutureRecordMetadata | None, KafkaError | None]]:
    reached = True
    for each in addressed:
        headers, value = to_kafka(each.event)
        key = None if each.event.key is None else each.event.key.encode()
        try:
            yield (client.send(each.topic, value, key=key, headers=headers), None) if reached else (None, KafkaTimeoutError(NOT_SENT))
        except KafkaError as error:
            reached = not is_passing(error)  # waiting for the brokers once is enough
            yield None, error


def _outcome(future: FutureRecordMetadata | None, until: float) -> KafkaError | None:
    """What went wrong, if anything did until a moment of the monotonic clock that is the same for all: a client may lose sight of many."""
    try:
        if future:
            future.get(timeout=max(0.0, until - time.monotonic()))
    except KafkaError as error:
        return error
    return None


def _close(client: KafkaProducer) -> None:
    try:
        client.close(timeout=CLOSE_SECONDS)
    except KafkaError:  # it has not closed, for it still waits for brokers
        client._sender.force_close()  # noqa: SLF001  (there is no other way to end its thread)
        client._sender.join(CLOSE_SECONDS)  # noqa: SLF001
        with suppress(KafkaError):
            client.close(timeout=CLOSE_SECONDS)
