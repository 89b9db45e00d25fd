"""What systems outside read of a topic, page by page: on the embedded bus from the events that the outbox keeps for them."""

import json
from dataclasses import dataclass
from typing import Any

from events.envelope import Envelope
from shared.kernel.errors import Invalid
from shared.kernel.ids import EVENT
from shared.platform import outbox
from shared.platform.database import Connected, rows
from shared.platform.relay import envelope_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """An event and its place on the topic: a number, or partition and offset."""

    place: int | str
    event: Envelope

    def shown(self) -> dict[str, Any]:
        """As JSON tells it."""
        event = self.event
        return {
            "seq": self.place,
            "id": EVENT.render(event.event_id),
            "type": event.type,
            "source": event.source,
            "subject": event.subject,
            "key": event.key,
            "time": event.occurred_at.isoformat(),
            "data": json.loads(event.payload),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Events in order, and where to go on. An event may be there more than once, as events may come more than once: its id tells."""

    events: list[Read]
    next: int | str


def read_kept(connection: Connected, topic: str, *, after: str, most: int) -> Page:
    """Events of a topic of the embedded bus after a place that an earlier page named. Raises Invalid for a place that it did not."""
    try:
        place = int(after)
    except ValueError as error:
        raise Invalid("The place to go on after is a number.") from error
    found = rows(connection, outbox.SQL["read_topic"], topic=topic, after=place, most=most)
    events = [Read(place=row["seq"], event=envelope_of(row)) for row in found]
    return Page(events=events, next=found[-1]["seq"] if found else place)
