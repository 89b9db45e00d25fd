"""A dropped file and its way: received, split, read, reconciled, applied, closed. Pure.

Nothing that its records say takes effect before all of them were read and their totals agree with what the sender told.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from itertools import islice
from typing import Final
from uuid import UUID

from events.payloads import FileOrigin
from shared.files.frame import Said
from shared.files.manifest import Manifest
from shared.files.names import FileName, Kind, read_name
from shared.files.totals import Totals
from shared.kernel.cards import mask
from shared.kernel.errors import Broken, Busy, Invalid, Problem
from shared.kernel.ids import derived_id

MOST_PROBLEMS: Final = 100
ANEW: Final = "anew"
MOST_CHARACTERS: Final = 500
UNSEEN: Final = "?"


class State(Enum):
    """Where a drop is on its way."""

    RECEIVED = "received"  # its manifest is there and is its own
    PROCESSING = "processing"  # it was split; its chunks are read and checked
    APPLYING = "applying"  # its totals agree; what its records say takes effect
    CLOSED = "closed"  # nothing is left to do


class Outcome(Enum):
    """How a drop ended."""

    ACCEPTED = "accepted"  # all of its records
    PARTIAL = "partial"  # some of its records; the others are named with their reasons
    REJECTED = "rejected"  # read, and none of its records took effect
    REFUSED = "refused"  # not taken in: its name, manifest or revision is wrong
    REPEATED = "repeated"  # the same file as one before; nothing was done


class Step(Enum):
    """What is done with a chunk."""

    READ = "read"  # parsed and checked
    WITHDRAW = "withdraw"  # what a later revision of the file tells no more is taken back
    APPLY = "apply"  # what its records say is published


TOOK_EFFECT: Final = frozenset({Outcome.ACCEPTED, Outcome.PARTIAL})
TURNED_AWAY: Final = frozenset({Outcome.REFUSED, Outcome.REJECTED})
ONE_BY_ONE: Final = frozenset({Kind.TRANSACTIONS.value})
"""Kinds whose records are facts of their own: one that a later revision tells no more is taken back. Of others the last word holds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drop:
    """One content of one name in the drop place. Of a drop that was refused, what its name and manifest say may be missing."""

    drop_id: UUID
    name: str
    generation: str
    size: int
    state: State
    received_at: datetime
    outcome: Outcome | None = None
    manifest: Manifest | None = None
    kind: str | None = None
    sender: str | None = None
    problems: tuple[Problem, ...] = ()
    split_at: datetime | None = None
    read_at: datetime | None = None
    closed_at: datetime | None = None
    repeat_of: UUID | None = None
    superseded_by: UUID | None = None
    """The later revision of its file whose records take the place of its own."""
    manifest_generation: str
    attempt: int = 1
    """Which attempt at this content of its manifest; one that was refused or rejected may be tried anew."""
    tried_anew_by: UUID | None = None
    """The next attempt, once one was asked for."""
    names: tuple[str, ...] = ()
    """The columns of its details, where the file itself names them."""

    @property
    def file_name(self) -> FileName:
        """What its name says, without its folder. Raises NotAFileName."""
        return read_name(self.name.rsplit("/", 1)[-1])

    @property
    def origin(self) -> FileOrigin:
        """Which revision of which file it holds."""
        if self.manifest is None:
            raise Broken("A drop without a manifest holds no revision.")
        return FileOrigin(file_id=self.manifest.file_id, revision=self.manifest.revision)

    @property
    def next_attempt(self) -> UUID:
        """The drop that is the next attempt at it."""
        return derived_id(self.drop_id, ANEW)

    def refused(self, problems: Iterable[Problem]) -> "Drop":
        """Not taken in, for these reasons."""
        return self.closed(Outcome.REFUSED, problems, self.received_at)

    def closed(self, outcome: Outcome, problems: Iterable[Problem], at: datetime) -> "Drop":
        """At its end."""
        told = tuple(Problem(path=_shown(one.path), message=_shown(one.message)) for one in islice(problems, MOST_PROBLEMS))
        return replace(self, state=State.CLOSED, outcome=outcome, problems=told, closed_at=at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Where a chunk of a drop lies: a range of its bytes, or an object of its own where the file had to be unpacked."""

    number: int
    first_line: int
    lines: int
    start: int
    stop: int
    object: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LakePart:
    """What the lake has of a chunk or an event and a day, and where that is kept at first; where its records lie later is on record.

    It counts once it is on record: what reads the lake asks the record, not the store.
    """

    name: str
    kind: str
    day: str
    records: int
    object: str
    first_row: int
    bytes: int
    """Of the whole object."""
    from_file: bool = True
    """Else an event told it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What was found in a chunk, or in all of them."""

    accepted: int = 0
    rejected: int = 0
    totals: Totals = field(default_factory=Totals)
    """Of those that were accepted."""

    def __add__(self, other: "Found") -> "Found":
        return Found(
            accepted=self.accepted + other.accepted,
            rejected=self.rejected + other.rejected,
            totals=self.totals + other.totals,
        )


def problems_in(error: Invalid) -> tuple[Problem, ...]:
    """Everything that an error says is wrong with a file."""
    return error.problems or (Problem(path="", message=str(error)),)


def _shown(text: str) -> str:
    """What may be kept and shown of a text that holds what a sender wrote: short, no card number, nothing that can't be seen."""
    shown = mask(text[: 2 * MOST_CHARACTERS])[:MOST_CHARACTERS]
    return shown if shown.isprintable() else "".join(sign if sign.isprintable() else UNSEEN for sign in shown)


def attempt_of(first: UUID, attempt: int) -> UUID:
    """The drop that is an attempt (from 1) at what the first one is of."""
    for _ in range(1, attempt):
        first = derived_id(first, ANEW)
    return first


def admitted(drop: Drop, earlier: Sequence[Drop]) -> Drop:
    """The drop as it goes on, given those that hold revisions of its file, oldest first: taken in, repeated or refused.

    Raises Busy while one that it could take the place of is on its way.
    """
    manifest, taken = drop.manifest, {one.manifest.revision: one for one in earlier if one.manifest}
    if drop.state is not State.RECEIVED or manifest is None:
        return drop
    same = taken.get(manifest.revision)
    if same:
        return same if same.drop_id == drop.drop_id else _again(drop, manifest, same)
    if any(one.state is not State.CLOSED for one in earlier):
        raise Busy("An earlier revision is on its way.")
    problems = tuple(_wrong_revision(manifest, earlier))
    return drop.refused(problems) if problems else drop


def _again(drop: Drop, manifest: Manifest, same: Drop) -> Drop:
    if same.manifest and same.manifest.sha256_plain == manifest.sha256_plain:
        return replace(drop, state=State.CLOSED, outcome=Outcome.REPEATED, repeat_of=same.drop_id, closed_at=drop.received_at)
    return drop.refused([Problem(path="/revision", message="other data were taken in as this revision: send a new one")])


def _wrong_revision(manifest: Manifest, earlier: Sequence[Drop]) -> Iterator[Problem]:
    newest = max((one.manifest.revision for one in earlier if one.manifest), default=None)
    if newest is not None and manifest.revision < newest:
        yield Problem(path="/revision", message=f"revision {newest} was taken in before")
    elif manifest.supersedes != newest:
        yield Problem(path="/supersedes", message=f"must be {newest}" if newest else "there is no revision to take the place of")


def superseded(drop: Drop, revisions: Iterable[Drop]) -> Drop | None:
    """The earlier revision whose effects stand when a drop is to take effect, of all of its file; None where there is none."""
    standing = (one for one in revisions if one.outcome in TOOK_EFFECT and one.superseded_by in {None, drop.drop_id})
    return next((one for one in standing if one.drop_id != drop.drop_id), None)


def contradictions(manifest: Manifest, said: Said) -> tuple[Problem, ...]:
    """In what the trailer of a file and its manifest differ."""
    told = manifest.totals
    pairs = (("record_count", said.count, told.count), ("entry_hash", said.entry_hash, told.entry_hash))
    sums = None if said.sums is None else (_without_zeros(said.sums), _without_zeros(told.sums))
    differing = [(name, found, wanted) for name, found, wanted in pairs if found is not None and found != wanted]
    return tuple(
        Problem(path=f"/trailer/{name}", message=f"{found} stands there, the manifest says {wanted}")
        for name, found, wanted in (*differing, *((("sums", *sums),) if sums and sums[0] != sums[1] else ()))
    )


def _without_zeros(sums: Mapping[str, int]) -> dict[str, int]:
    return {currency: minor for currency, minor in sorted(sums.items()) if minor}


def reconcile(told: Totals, found: Found) -> tuple[Problem, ...]:
    """In what the totals that the sender told and those that were found differ.

    The number of records must agree. Sums and entry hash must agree where every record was accepted; where some were not, what was
    found can't be more than what was told.
    """
    return tuple(_differences(told, found))


def _differences(told: Totals, found: Found) -> Iterator[Problem]:
    records = found.accepted + found.rejected
    if told.count != records:
        yield Problem(path="/record_count", message=f"{told.count} records were told, {records} were found")
    for currency in sorted({*told.sums, *found.totals.sums}):
        said, sum_found = told.sums.get(currency, 0), found.totals.sums.get(currency, 0)
        if sum_found > said or (sum_found < said and not found.rejected):
            yield Problem(path=f"/sums/{currency}", message=f"{said} was told, {sum_found} was found (minor units)")
    if told.entry_hash != found.totals.entry_hash and not found.rejected:
        yield Problem(path="/entry_hash", message=f"{told.entry_hash:010} was told, {found.totals.entry_hash:010} was found")


def outcome_of(found: Found, problems: tuple[Problem, ...]) -> Outcome:
    """How a file ends of which so much was found: rejected as a whole where totals differ or no record is good."""
    if problems or (found.rejected and not found.accepted):
        return Outcome.REJECTED
    return Outcome.PARTIAL if found.rejected else Outcome.ACCEPTED
