"""An export and its way: planned, written in parts, written as a file, acknowledged. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Final
from uuid import UUID

from shared.files.names import FileName, Format, Kind, Scope
from shared.files.totals import Totals
from shared.kernel.errors import Conflict, Problem

SENDER: Final = "clo"
"""Who sends our files, as their names say."""
MOST_PROBLEMS: Final = 100


class State(Enum):
    """Where an export is on its way."""

    PLANNED = "planned"  # asked for or due; what goes into it is not settled yet
    WRITING = "writing"  # what goes into it is settled; its parts are written and scanned
    WRITTEN = "written"  # the partner can read it; its answer is awaited
    ACKNOWLEDGED = "acknowledged"  # the partner took it
    REFUSED = "refused"  # the guard found what may not leave; nothing was seen of it
    REJECTED = "rejected"  # the partner could not take it
    WITHDRAWN = "withdrawn"  # a person took it back


OPEN: Final = frozenset({State.PLANNED, State.WRITING, State.WRITTEN})
"""States on the way. Of a partner and a kind there is one such export at most: where the next delta begins is known only then."""


class NotOpen(Conflict):
    """The export is over: nothing can be changed about it."""

    code = "export_over"


@dataclass(frozen=True, kw_only=True, slots=True)
class Export:
    """One file for one partner."""

    export_id: UUID
    partner: str
    kind: Kind
    scope: Scope
    format: Format
    layout: str
    gzip: bool
    pgp: bool
    """Whether it is encrypted for its partner, and signed."""
    token_key: str | None
    """The key that its tokens are made with; None where ids stay as they are."""
    day: date
    sequence: int
    asked_by: str
    due_at: datetime | None
    """The moment of the schedule that it is for; None where somebody asked."""
    state: State
    planned_at: datetime
    ack_hours: int
    allowed: str | None = None
    """The object that names the customers who may be told of; None where nobody is asked."""
    records: int = 0
    size: int = 0
    """Bytes of the file as its partner gets it: packed, encrypted."""
    sha256: str | None = None
    """Of the file as its partner gets it."""
    withheld: Mapping[str, int] = field(default_factory=dict)
    """How many records were left out, by why."""
    problems: tuple[Problem, ...] = ()
    written_at: datetime | None = None
    overdue_at: datetime | None = None
    """When it was seen that the answer did not come in time."""
    closed_at: datetime | None = None

    @property
    def file_name(self) -> FileName:
        """The file's name."""
        said = {name: getattr(self, name) for name in ("kind", "scope", "format", "day", "sequence", "gzip", "pgp")}
        return FileName(sender=SENDER, revision=1, **said)

    @property
    def name(self) -> str:
        """The file's name in the place of exports: each partner has a folder of its own."""
        return f"{self.partner}/{self.file_name}"

    @property
    def ack_due_at(self) -> datetime | None:
        """Until when the partner's answer is awaited."""
        return self.written_at + timedelta(hours=self.ack_hours) if self.written_at else None

    def closed(self, state: State, at: datetime, problems: tuple[Problem, ...] = ()) -> "Export":
        """At its end. Raises NotOpen where it has one already."""
        if self.state not in OPEN:
            raise NotOpen
        return replace(self, state=state, closed_at=at, problems=problems[:MOST_PROBLEMS])

    def overdue(self, at: datetime) -> "Export":
        """Its answer did not come in time; it is awaited still."""
        return replace(self, overdue_at=at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A part of an export: the objects that it is made from, and what became of it."""

    number: int
    sources: tuple[str, ...]
    against: tuple[str, ...] = ()
    """What others tell of the same days that goes before: a message of theirs is left out here."""
    may_repeat: bool = False
    """Whether what it is made from may tell a message of theirs, or one twice."""
    object: str | None = None
    """Where it lies once it is written."""
    generation: str | None = None
    """Which content of that name it is: nothing else can be put together."""
    size: int = 0
    totals: Totals = field(default_factory=Totals)
    withheld: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """Something a partner knows or is about to know, and as what: a delta is what differs."""

    key: str
    version: str


def summed(counts: list[Mapping[str, int]]) -> dict[str, int]:
    """Counts by reason, added up."""
    reasons = sorted({reason for one in counts for reason in one})
    return {reason: sum(one.get(reason, 0) for one in counts) for reason in reasons}


def contradictions(export: Export, *, name: str, sha256: str, records: int) -> tuple[Problem, ...]:
    """In what an answer differs from the file that it says it is about."""
    pairs = (("name", name, str(export.file_name)), ("sha256", sha256, export.sha256), ("records", records, export.records))
    return tuple(
        Problem(path=f"/{field}", message=f"must be {wanted}: the answer is about another file")
        for field, said, wanted in pairs
        if said != wanted
    )
