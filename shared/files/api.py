"""What callers send and get about files."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from events.payloads import ObjectName
from shared.files.drops import Drop, State
from shared.files.store import Counted
from shared.kernel.ids import DropId
from shared.kernel.wire import Moment, Text, Wire
from shared.platform.batches import ItemProblem

Sender = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]


class DropTold(Wire):
    """An object that is whole in the drop place. The manifest of a file makes Clo take it in; other objects start nothing."""

    name: ObjectName
    generation: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Which content of that name; the one that is there now where not given."""


class FilesQuery(Wire):
    """Which files are asked for."""

    state: Literal["received", "processing", "applying", "closed"] | None = None
    outcome: Literal["accepted", "partial", "rejected", "refused", "repeated"] | None = None
    kind: Annotated[str, StringConstraints(pattern=r"^[a-z]{1,32}$")] | None = None
    sender: Sender | None = None
    name: ObjectName | None = None
    """Of the data, with its folder or without."""
    before: DropId | None = None
    """Go on after this one: `next` of the page before."""
    limit: Annotated[int, Field(ge=1, le=500)] = 50


class FileView(Wire):
    """A dropped file and how far it has come."""

    drop_id: DropId
    name: str
    file_id: str | None
    revision: int | None
    kind: str | None
    sender: str | None
    bytes: int
    state: str
    outcome: str | None
    records: int
    """Those that were read so far."""
    accepted: int
    rejected: int
    chunks: int
    chunks_read: int
    chunks_applied: int
    lines_per_second: float | None
    """Read or applied, since the file was split; of a closed file on average."""
    seconds_left: float | None
    """At that rate; null while that can't be told."""
    problems: list[ItemProblem]
    repeat_of: DropId | None
    superseded_by: DropId | None
    """The later revision of the file that took its place."""
    tried_anew_by: DropId | None
    """The next attempt at it, of one that was refused or rejected and taken up again."""
    received_at: Moment
    split_at: Moment | None
    read_at: Moment | None
    closed_at: Moment | None

    @classmethod
    def of(cls, drop: Drop, counted: Counted, now: datetime) -> "FileView":
        """Show a drop, with how far its chunks are."""
        manifest = drop.manifest
        rate = _lines_per_second(drop, counted, now)
        return cls(
            drop_id=drop.drop_id,
            name=drop.name,
            file_id=manifest.file_id if manifest else None,
            revision=manifest.revision if manifest else None,
            kind=drop.kind,
            sender=drop.sender,
            bytes=drop.size,
            state=drop.state.value,
            outcome=drop.outcome.value if drop.outcome else None,
            records=counted.accepted + counted.rejected,
            accepted=counted.accepted,
            rejected=counted.rejected,
            chunks=counted.chunks,
            chunks_read=counted.read,
            chunks_applied=counted.applied,
            lines_per_second=rate,
            seconds_left=_seconds_left(drop, counted, rate),
            problems=[ItemProblem(path=problem.path, message=problem.message) for problem in drop.problems],
            repeat_of=drop.repeat_of,
            superseded_by=drop.superseded_by,
            tried_anew_by=drop.tried_anew_by,
            received_at=drop.received_at,
            split_at=drop.split_at,
            read_at=drop.read_at,
            closed_at=drop.closed_at,
        )


class FileList(Wire):
    """Dropped files, newest first."""

    files: list[FileView]
    next: DropId | None
    """To be sent as `before` for the next page; null where this is the last."""


TakenUpWith = Literal["receive", "read", "withdraw", "apply"]


class ReplayAsked(Wire):
    """That a file is to be taken up again."""

    reason: Text
    """Why; kept with the file, as is who asked."""


class FileTakenUp(Wire):
    """From where a file is taken up again."""

    drop_id: DropId
    """Of one that was refused or rejected: the new attempt at it."""
    step: TakenUpWith | None
    """The step that is asked for again; null where nothing is left to do."""
    chunks: int
    """With so many chunks; none where only that the step is done is told again."""


class DropNoted(Wire):
    """The drop is being looked at."""

    name: str
    generation: str


def _lines_per_second(drop: Drop, counted: Counted, now: datetime) -> float | None:
    done = counted.lines_read + counted.lines_applied
    seconds = ((drop.closed_at or now) - drop.split_at).total_seconds() if drop.split_at else 0.0
    return round(done / seconds, 1) if done and seconds > 0 else None


def _seconds_left(drop: Drop, counted: Counted, rate: float | None) -> float | None:
    if drop.state is State.CLOSED:
        return 0.0
    left = 2 * counted.lines - counted.lines_read - counted.lines_applied  # each line is read, then applied
    return round(left / rate, 1) if rate else None
