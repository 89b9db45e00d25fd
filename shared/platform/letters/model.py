"""What a dead letter is, and what may become of it."""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Literal
from uuid import UUID

from shared.kernel.errors import Conflict

Decided = Literal["redrive", "discard"]


class State(Enum):
    """Where a letter is."""

    WAITING = "waiting"  # for a person to decide
    REDRIVEN = "redriven"  # on its way to the function again
    DISCARDED = "discarded"  # found to be of no use


OUTCOME: dict[Decided, State] = {"redrive": State.REDRIVEN, "discard": State.DISCARDED}


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """What a function could not take, as it came, and why. `event_id`, `topic` and `occurred_at` are there where it is an event of ours."""

    consumer: str
    source: str
    said_id: str
    event_id: UUID | None
    type: str
    subject: str
    topic: str
    key: str
    occurred_at: datetime | None
    trace: str | None
    payload: bytes
    whole: bool
    status: int | None
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptLetter(Letter):
    """A letter that was stored."""

    letter_id: UUID
    attempts: int | None
    dead_since: datetime
    state: State


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What a person decided of a letter."""

    decision: Decided
    decided_by: str
    decided_at: datetime
    reason: str


def require_decidable(letter: KeptLetter, decision: Decided) -> None:
    """Raise Conflict where it is too late to decide, or where a letter can't be taken by anybody as it is."""
    if letter.state is not State.WAITING:
        raise Conflict(f"This letter is {letter.state.value} already.")
    if decision == "discard":
        return
    if letter.event_id is None or letter.occurred_at is None or not letter.topic:
        raise Conflict("This is no event of ours: whoever sent it has to send it right. Discard it.")
    if not letter.whole:
        raise Conflict("This is not kept whole: it held a card number, was too large, or told of somebody who was erased. Discard it.")


def without_customer(payload: bytes, customer_id: str) -> bytes:
    """What a letter that tells of customers still says without one of them; nothing where it can't be read or nobody is left."""
    try:
        said = json.loads(payload)
        left = [item for item in said["customers"] if item["customer_id"] != customer_id]
    except (ValueError, TypeError, KeyError, RecursionError):
        return b""
    if len(left) == len(said["customers"]):
        return payload
    return json.dumps(said | {"customers": left}, ensure_ascii=False).encode() if left else b""
