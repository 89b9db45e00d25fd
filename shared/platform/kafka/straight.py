"""Bulk events go straight to Kafka: they change nothing in the database yet, and there are many of them."""

from collections.abc import Sequence
from datetime import datetime

from events.envelope import Envelope
from shared.kernel.errors import Busy
from shared.platform.database import Connected
from shared.platform.kafka.producer import Addressed, Producer
from shared.platform.outbox import SOURCE, Emitted, outgoing


class StraightToKafka:
    """An outlet that is done when the brokers have acknowledged."""

    def __init__(self, bootstrap: str) -> None:
        """Connect at first use."""
        self._producer = Producer(bootstrap)

    def __call__(self, _connection: Connected, emitted: Sequence[Emitted], *, now: datetime, trace: str | None) -> None:
        """Publish and wait. Raises Busy where not all was acknowledged: the same events, by their ids, are to be published again."""
        addressed = [
            Addressed(
                topic=each.kind.topic,
                event=Envelope(
                    event_id=each.event_id,
                    type=each.kind.type,
                    source=SOURCE,
                    subject=each.emitted.subject,
                    occurred_at=now,
                    payload=each.payload,
                    trace=trace,
                    key=each.emitted.key,
                ),
            )
            for each in outgoing(emitted, now=now)
        ]
        failed = next(filter(None, self._producer.send(addressed)), None) if addressed else None
        if failed:
            raise Busy("Kafka has not taken the events.") from failed

    def close(self) -> None:
        """Close all connections."""
        self._producer.close()
