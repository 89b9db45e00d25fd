"""Deliveries that behave as badly as a real bus may: late, again and again, and out of order.

Nothing is lost by it, whenever the process ends: what is delivered once more, or too early, is delivered in its turn as well.
"""

import random
import time
from collections import deque
from collections.abc import Mapping
from typing import Final

from events.envelope import Envelope
from functions.registry import SINK
from shared.platform.database import Database, Queries, rows
from shared.platform.delivery import Answer, HttpDelivery
from shared.platform.relay import envelope_of

SQL = Queries(__file__)
LATE, EARLY, AGAIN, OLD = 0.5, 0.5, 0.3, 0.3
"""How likely a delivery is late, comes after one that should follow it, comes twice, and brings an old one along."""
MOST_LATE_SECONDS: Final = 0.2
MOST_EARLY: Final = 8
REMEMBERED: Final = 500


class ChaoticHttp(HttpDelivery):
    """Delivers by HTTP, with mischief that the seed and the event decide on: late, twice, and old ones again.

    So keys that are delivered side by side overtake one another. What goes to the dead letters goes there in peace.
    """

    def __init__(self, base_url: str, *, seed: int) -> None:
        """Keep connections open to the base URL."""
        super().__init__(base_url)
        self._seed = seed
        self._delivered: deque[tuple[str, Mapping[str, str], bytes]] = deque(maxlen=REMEMBERED)

    def post(self, consumer: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Deliver at least once; the answer is that of a delivery of this very event."""
        if consumer == SINK:
            return super().post(consumer, headers, body)
        chance = self.chance(consumer, headers.get("ce-id"))
        if chance.random() < LATE:
            time.sleep(chance.uniform(0, MOST_LATE_SECONDS))
        if chance.random() < AGAIN:
            super().post(consumer, headers, body)
        if chance.random() < OLD and self._delivered:
            super().post(*chance.choice(tuple(self._delivered)))
        self._delivered.append((consumer, headers, body))
        return super().post(consumer, headers, body)

    def chance(self, *what: object) -> random.Random:
        """The same numbers for the same seed and event."""
        return random.Random(" ".join(map(str, (self._seed, *what))))  # noqa: S311  (mischief, no secret)


class ChaoticDelivery(ChaoticHttp):
    """The same for the relay, which also delivers out of order within a key: one that waits in the outbox comes before its turn."""

    def __init__(self, base_url: str, *, seed: int, database: Database) -> None:
        """Find later events in the database."""
        super().__init__(base_url, seed=seed)
        self._database = database

    def __call__(self, consumer: str, event: Envelope) -> Answer:
        """Deliver at least once; the answer is that of a delivery of this very event."""
        chance = self.chance("early", consumer, event.event_id)
        if chance.random() < EARLY:
            self._deliver_a_later_one(chance, event)
        return super().__call__(consumer, event)

    def _deliver_a_later_one(self, chance: random.Random, event: Envelope) -> None:
        with self._database.connection() as connection:
            later = rows(connection, SQL["later_events"], source=event.source, event_id=event.event_id, most=MOST_EARLY)
        if later:
            row = chance.choice(later)
            for consumer in row["pending"]:
                super().__call__(consumer, envelope_of(row))
