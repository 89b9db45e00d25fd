"""The lives of purchases: which message each row of a day's file is, and of which purchase of that day or of one before.

Rows come in groups that are all alike. Each place of a group is one message; a message that is about an earlier one names the place of
that, and how many days before. So every share is exact, and what a file says of yesterday's purchases is what yesterday's file has.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random
from typing import Final

GROUP: Final = 128


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One message of a purchase."""

    kind: str = "purchase"
    about: int | None = None
    """The place of the first message of the purchase; None of the first message itself."""
    ago: int = 0
    """How many days before that was."""
    sequence: int | None = None
    sequence_count: int | None = None
    share: int = 100
    """What of the amount it is about, in hundredths; negative of what is left of so much."""


AUTHORIZATION: Final = Message(kind="authorization", sequence=0)
CLEARING: Final = Message(kind="clearing", sequence=1, sequence_count=1)
REVERSAL: Final = Message(kind="reversal", sequence=1)
REFUND: Final = Message(kind="refund")
SPLIT: Final = (
    Message(kind="clearing", sequence=1, sequence_count=2, share=60, ago=1),
    Message(kind="clearing", sequence=2, sequence_count=2, share=-60, ago=2),
)
LIVES: Final[tuple[tuple[int, Message, tuple[Message, ...]], ...]] = (
    (8, AUTHORIZATION, (CLEARING,)),
    (20, AUTHORIZATION, (replace(CLEARING, ago=1),)),
    (4, AUTHORIZATION, (replace(CLEARING, ago=2),)),
    (2, AUTHORIZATION, SPLIT),
    (1, AUTHORIZATION, (REVERSAL,)),
    (1, AUTHORIZATION, (replace(REVERSAL, ago=1),)),
    (2, AUTHORIZATION, ()),  # never cleared: it expires
    (3, Message(kind="decline", sequence=0), ()),
    (1, Message(), (REFUND,)),
    (2, Message(), (replace(REFUND, ago=3),)),
    (2, Message(), (replace(REFUND, ago=9, share=40),)),
    (39, Message(), ()),
)
"""How many purchases of a group have which life: the first message, and those that follow."""
NEEDS_SEQUENCE: Final = frozenset({"authorization", "clearing", "reversal", "decline"})


@lru_cache(maxsize=16)
def messages(kinds: Collection[str]) -> tuple[Message, ...]:
    """The messages of a group by their places; purchases in the place of kinds that can't be told."""
    planned = list(_planned())
    places = list(range(GROUP))
    Random(GROUP).shuffle(places)  # noqa: S311  (an order, no secret)
    by_place = {places[number]: message for number, message in enumerate(planned)}
    return tuple(_told(by_place[place], places, planned, kinds) for place in range(GROUP))


def _planned() -> Iterator[Message]:
    at = 0
    for count, first, rest in LIVES:
        for _ in range(count):
            yield first
            yield from (replace(message, about=at) for message in rest)
            at += 1 + len(rest)


def _told(message: Message, places: list[int], planned: list[Message], kinds: Collection[str]) -> Message:
    about = message.about
    told = message.kind in kinds and (about is None or planned[about].kind in kinds)
    if not told:
        return Message()
    return message if about is None else replace(message, about=places[about])
