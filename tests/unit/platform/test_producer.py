"""What a producer waits for when its client has lost sight of records."""

from types import SimpleNamespace
from typing import Final

import pytest
from kafka.errors import KafkaTimeoutError

from events.envelope import Envelope
from shared.kernel.ids import new_id
from shared.platform.kafka import producer as module
from shared.platform.kafka.producer import DELIVERY_SECONDS, REQUEST_SECONDS, Addressed, Producer
from tests.conftest import NOW

MANY: Final = 25


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited for each record, in seconds of a clock that only waiting moves; none is ever acknowledged."""
    waits: list[float] = []

    def get(*, timeout: float) -> None:
        waits.append(timeout)
        raise KafkaTimeoutError

    future = SimpleNamespace(get=get)
    client = SimpleNamespace(send=lambda *_, **__: future, close=lambda **_: None)
    monkeypatch.setattr(module, "servers", lambda _: [])
    monkeypatch.setattr(module, "KafkaProducer", lambda **_: client)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: sum(waits)))
    return waits


@pytest.fixture
def addressed() -> list[Addressed]:
    event = Envelope(event_id=new_id(NOW), type="clo.x.y.v1", source="/clo", subject="s", occurred_at=NOW, payload=b"{}", key="k")
    return [Addressed(topic="topic", event=event)] * MANY


def test_records_that_are_never_acknowledged_are_waited_for_together(waited: list[float], addressed: list[Addressed]) -> None:
    outcomes = Producer("nowhere").send(addressed)
    assert [type(outcome) for outcome in outcomes] == [KafkaTimeoutError] * MANY
    assert len(waited) == MANY
    assert sum(waited) == DELIVERY_SECONDS + REQUEST_SECONDS
