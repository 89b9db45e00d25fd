"""What callers ask of dead letters, and get: masked, for they hold whatever somebody sent."""

import json
import re
from typing import Annotated, Final, Literal

from pydantic import Field

from shared.kernel.ids import LetterId
from shared.kernel.personal import hidden, hide
from shared.kernel.wire import Moment, Text, Wire
from shared.platform.letters.model import Decision, KeptLetter

MOST_LETTERS: Final = 1_000
MOST_SHOWN: Final = 100_000
ESCAPED: Final = re.compile(r"\\u(00[0-7][0-9a-fA-F])")
LetterState = Literal["waiting", "redriven", "discarded"]


class LettersQuery(Wire):
    """Which letters: in a state, of one function or all, the newest first, after a given one."""

    state: LetterState = "waiting"
    consumer: Annotated[str, Field(max_length=64)] | None = None
    """The function that could not take them."""
    after: LetterId | None = None
    limit: Annotated[int, Field(ge=1, le=MOST_LETTERS)] = 100


class LetterDecision(Wire):
    """Why a letter is redriven or discarded."""

    reason: Text


class LetterView(Wire):
    """A letter without what it says."""

    letter_id: LetterId
    consumer: str
    """The function that could not take it."""
    event_id: str
    """The id of the event as it came: `evt_...` where it is one of ours."""
    type: str
    source: str
    subject: str
    topic: str
    """Empty where it is not known."""
    key: str
    occurred_at: Moment | None
    status: int | None
    """The HTTP status that the function answered with; null or 0 where it was not reached."""
    reason: str
    attempts: int | None
    """How often it was delivered; null where whoever delivered does not tell."""
    dead_since: Moment
    state: LetterState
    whole: bool
    """Whether it is kept as it came: what held a card number is kept without it, and can't be redriven."""

    @classmethod
    def of(cls, letter: KeptLetter) -> "LetterView":
        """Show a letter."""
        return cls(
            letter_id=letter.letter_id,
            consumer=hide(letter.consumer),
            event_id=hide(letter.said_id),
            type=hide(letter.type),
            source=hide(letter.source),
            subject=hide(letter.subject),
            topic=letter.topic,
            key=hide(letter.key),
            occurred_at=letter.occurred_at,
            status=letter.status,
            reason=hide(letter.reason),
            attempts=letter.attempts,
            dead_since=letter.dead_since,
            state=letter.state.value,
            whole=letter.whole,
        )


class Letters(Wire):
    """A page of letters."""

    letters: list[LetterView]
    next: LetterId | None
    """Ask for the page after this letter; null at the end."""


class DecisionView(Wire):
    """What a person decided of a letter."""

    decision: Literal["redrive", "discard"]
    decided_by: str
    decided_at: Moment
    reason: str

    @classmethod
    def of(cls, decision: Decision) -> "DecisionView":
        """Show a decision."""
        return cls(decision=decision.decision, decided_by=decision.decided_by, decided_at=decision.decided_at, reason=decision.reason)


class LetterDetail(Wire):
    """A letter with what it says, and what was decided of it."""

    letter: LetterView
    payload: str
    """What it says, as text; what looks like a card number, an e-mail address or a phone number is masked."""
    decisions: list[DecisionView]
    """Oldest first."""


def shown(payload: bytes) -> str:
    """What a letter says, masked. JSON is masked value by value, so that no way of writing a character gets round it."""
    try:
        text = json.dumps(hidden(json.loads(payload)), ensure_ascii=False)
    except (ValueError, RecursionError):
        text = hide(ESCAPED.sub(lambda found: chr(int(found[1], 16)), payload.decode(errors="replace")))
    return text[:MOST_SHOWN]
