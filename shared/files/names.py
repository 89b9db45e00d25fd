"""File names: `<kind>_<sender>_<yyyymmdd>_<seq4>_<full|delta>_r<rev>.<csv|jsonl|fixed|parquet>[.gz][.pgp]`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any, Final

from shared.kernel.errors import Invalid, Problem


class Kind(Enum):
    """What the records of a file are."""

    TRANSACTIONS = "transactions"  # card purchases and refunds
    CUSTOMERS = "customers"  # customers with their consent
    CARDS = "cards"  # whose cards are
    MERCHANTS = "merchants"  # merchants with places and other names
    SEGMENTS = "segments"  # lists of customers
    GRANTS = "grants"  # offers given to customers and taken back
    OFFERS = "offers"  # an aggregator's offers
    REDEMPTIONS = "redemptions"  # redemptions, ours or an aggregator's
    SETTLEMENT = "settlement"  # what an aggregator pays or is paid
    PAYOUTS = "payouts"  # what became of statement credits
    CREDITS = "credits"  # statement credits for the card system
    RECONCILIATION = "reconciliation"  # where three records of redemptions differ


class Scope(Enum):
    """Whether a file holds everything there is, or what changed."""

    FULL = "full"
    DELTA = "delta"


class Format(Enum):
    """How records are written."""

    CSV = "csv"  # cells between delimiters (RFC 4180), a record perhaps over several lines
    JSONL = "jsonl"  # one JSON object a line
    FIXED = "fixed"  # one record a line, each field at its place
    PARQUET = "parquet"  # Apache Parquet


class NotAFileName(Invalid):
    """This is not the name of a file that is taken here."""

    code = "not_a_file_name"


@dataclass(frozen=True, kw_only=True, slots=True)
class FileName:
    """What a file's name says. Print it with `str`."""

    kind: Kind
    sender: str
    day: date
    sequence: int
    """Of the kind, sender and day: 1 to 9999."""
    scope: Scope
    revision: int
    """1 to 999; a higher one takes the place of the one before."""
    format: Format
    gzip: bool = False
    pgp: bool = False

    def __str__(self) -> str:
        stem = f"{self.file_id}_{self.scope.value}_r{self.revision}"
        return f"{stem}.{self.format.value}{'.gz' * self.gzip}{'.pgp' * self.pgp}"

    @property
    def file_id(self) -> str:
        """What all revisions have in common: `transactions_mybank_20260112_0001`."""
        return f"{self.kind.value}_{self.sender}_{self.day:%Y%m%d}_{self.sequence:04}"

    @property
    def manifest(self) -> str:
        """The name of the manifest beside it."""
        return f"{self}{MANIFEST}"


MANIFEST: Final = ".manifest.json"
SENDER: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
DAY: Final = re.compile(r"[0-9]{8}")
SEQUENCE: Final = re.compile(r"(?!0000)[0-9]{4}")
REVISION: Final = re.compile(r"r[1-9][0-9]{0,2}")
PARTS: Final = 6
MOST_SHOWN: Final = 100


def read_name(text: str) -> FileName:
    """Read a file's name, without folders. Raises NotAFileName with every problem."""
    stem, _, endings = text.partition(".")
    parts = stem.split("_")
    if len(parts) != PARTS:
        found = f"has {len(parts)} parts with `_` between them; must have {PARTS}: kind_sender_yyyymmdd_seq4_full|delta_r1"
        raise NotAFileName(problems=(Problem(path="", message=found),))
    said: dict[str, Any] = {}
    problems = []
    for (field, (read, must_be)), part in zip(READERS.items(), (*parts, endings), strict=True):
        try:
            said[field] = read(part)
        except ValueError:
            problems.append(Problem(path=f"/{field}", message=f"{part[:MOST_SHOWN]!r} must be {must_be}"))
    if problems:
        raise NotAFileName(problems=tuple(problems))
    return FileName(**said.pop("ending"), **said)


def _sender(text: str) -> str:
    return _matching(SENDER, text)


def _day(text: str) -> date:
    return datetime.strptime(_matching(DAY, text) + "+0000", "%Y%m%d%z").date()


def _sequence(text: str) -> int:
    return int(_matching(SEQUENCE, text))


def _revision(text: str) -> int:
    return int(_matching(REVISION, text)[1:])


def _matching(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(text)
    return text


def _ending(text: str) -> dict[str, object]:
    name, *wrappings = text.split(".")
    return {"format": Format(name), **WRAPPINGS[tuple(wrappings)]} if tuple(wrappings) in WRAPPINGS else {"format": Format(text)}


WRAPPINGS: Final[Mapping[tuple[str, ...], dict[str, bool]]] = {
    (): {},
    ("gz",): {"gzip": True},
    ("pgp",): {"pgp": True},
    ("gz", "pgp"): {"gzip": True, "pgp": True},
}

READERS: Final[Mapping[str, tuple[Callable[[str], object], str]]] = {
    "kind": (Kind, f"one of {', '.join(kind.value for kind in Kind)}"),
    "sender": (_sender, "1 to 32 small letters, digits and `-`, the first no `-`"),
    "day": (_day, "a day as yyyymmdd"),
    "sequence": (_sequence, "four digits from 0001"),
    "scope": (Scope, "full or delta"),
    "revision": (_revision, "r1 to r999"),
    "ending": (_ending, "csv, jsonl, fixed or parquet, then .gz, .pgp, .gz.pgp or nothing"),
}
