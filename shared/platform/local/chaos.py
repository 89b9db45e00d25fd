"""A delivery that behaves as badly as a real bus may: late, again and again, and out of order, within a key and across keys.

Nothing is lost by it, whenever the process ends: what it delivers too early is still in the outbox and delivered in its turn again.
"""

import random
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from events.envelope import Envelope
from shared.platform.database import Database, Queries, rows
from shared.platform.delivery import Answer, Delivery
from shared.platform.relay import envelope_of

SQL = Queries(__file__)
LATE, EARLY, AGAIN, OLD = 0.5, 0.5, 0.3, 0.3
"""How likely a delivery is late, comes after one that should follow it, comes twice, and brings an old one along."""
MOST_LATE_SECONDS: Final = 0.2
MOST_EARLY: Final = 8
REMEMBERED: Final = 500


@dataclass(kw_only=True)
class ChaoticDelivery:
    """Delivers as `calm` does, with mischief that the seed and the event decide on."""

    calm: Delivery
    database: Database
    seed: int
    _delivered: deque[tuple[str, Envelope]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def __call__(self, consumer: str, event: Envelope) -> Answer:
        """Deliver at least once; the answer is that of a delivery of this very event."""
        chance = random.Random(f"{self.seed} {consumer} {event.event_id}")  # noqa: S311  (mischief, no secret)
        if chance.random() < LATE:
            time.sleep(chance.uniform(0, MOST_LATE_SECONDS))
        if chance.random() < EARLY:
            self._deliver_a_later_one(chance, event)
        if chance.random() < AGAIN:
            self.calm(consumer, event)
        if chance.random() < OLD and self._delivered:
            self.calm(*chance.choice(tuple(self._delivered)))
        self._delivered.append((consumer, event))
        return self.calm(consumer, event)

    def _deliver_a_later_one(self, chance: random.Random, event: Envelope) -> None:
        with self.database.connection() as connection:
            later = rows(connection, SQL["later_events"], source=event.source, event_id=event.event_id, most=MOST_EARLY)
        if later:
            row = chance.choice(later)
            for consumer in row["pending"]:
                self.calm(consumer, envelope_of(row))
