"""The chain over a campaign's postings: each seal covers the one before it, so that nothing is changed, added or taken away unseen.

What is sealed of a posting is one line of CSV with all of its columns, so whoever downloads the lines can recompute the hashes.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from itertools import groupby
from typing import Final
from uuid import UUID

from shared.ledger.model import NO_HASH, Finding, Pot, Seal

Row = tuple[int, UUID, str, int, int, int, UUID, UUID, str | None, datetime, datetime]
"""A posting by the columns below."""

COLUMNS: Final = (
    "seal",
    "posting_id",
    "step",
    "debit_account",
    "credit_account",
    "amount_minor",
    "campaign_id",
    "reference",
    "reason",
    "effective_at",
    "recorded_at",
)

LINE: Final = "%d,%032x,%s,%d,%d,%d,%032x,%032x,%s,%s,%s"
"""The columns as one line; a single format, for a batch has ten thousand of them."""
MOMENTS: Final = 1_024
"""Moments whose text is remembered: all postings of a batch are recorded at one, and most hold from one that another holds from too."""

INVARIANT: Final = "postings are as they were sealed"
SHOWN: Final = 16
"""Hexadecimal digits of a hash that a finding shows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """A seal by its number and hash, noted to be held against the chain later."""

    campaign_id: UUID
    number: int
    hash: bytes


def line(row: Row) -> str:
    """What is sealed of a posting: ids as 32 hexadecimal digits, moments in UTC to the microsecond, nothing for no reason."""
    seal, posting_id, step, debit, credit, amount_minor, campaign_id, reference, reason, effective_at, recorded_at = row
    at = _moment(effective_at), _moment(recorded_at)
    return LINE % (seal, posting_id.int, step, debit, credit, amount_minor, campaign_id.int, reference.int, reason or "", *at)


def seals(postings: Iterable[Row], pots: Mapping[UUID, Pot]) -> list[Seal]:
    """The next seal of each campaign that these postings are added to."""
    lines: dict[UUID, list[str]] = {}
    for row in postings:
        lines.setdefault(row[6], []).append(line(row))
    return [_next(pots[campaign_id], sorted(of_campaign)) for campaign_id, of_campaign in lines.items()]


def breaks(sealed: Iterable[Seal], postings: Iterable[Row]) -> Iterator[Finding]:
    """Where the chains do not hold. Both come in order: seals by campaign and number, postings by campaign, seal and id.

    Each seal is recomputed from its postings and the hash on record of the seal before it: what was changed in one place is told of there.
    """
    groups = groupby(postings, key=lambda row: (row[6], row[0]))
    group = next(groups, None)
    previous: Seal | None = None
    for seal in sealed:
        place = (seal.campaign_id, seal.number)
        while group and group[0] < place:
            yield _unsealed(*group)
            group = next(groups, None)
        before = previous if previous and previous.campaign_id == seal.campaign_id else None
        if group and group[0] == place:
            yield from _of_seal(seal, before, group[1])
            group = next(groups, None)
        else:
            yield from _of_seal(seal, before, ())
        previous = seal
    while group:
        yield _unsealed(*group)
        group = next(groups, None)


def short(digest: bytes) -> str:
    """The beginning of a hash, for sentences."""
    return f"hash {digest.hex()[:SHOWN]}..."


def _next(pot: Pot, lines: list[str]) -> Seal:
    digest = sha256(pot.seal_hash + "".join(f"{text}\n" for text in lines).encode()).digest()
    return Seal(campaign_id=pot.campaign_id, number=pot.sealed + 1, postings=len(lines), hash=digest)


def _of_seal(seal: Seal, previous: Seal | None, postings: Iterable[Row]) -> Iterator[Finding]:
    """What does not hold of one seal: a gap before it, the number of its postings, or what they say."""
    digest, count = sha256(previous.hash if previous else NO_HASH), 0
    for row in postings:
        digest.update(f"{line(row)}\n".encode())
        count += 1
    last = previous.number if previous else 0
    if seal.number != last + 1:
        told = f"it is missing: seal {seal.number} follows " + (f"seal {last}" if last else "nothing")
        yield _finding(seal.campaign_id, last + 1, "to be in the chain", told)
    elif count != seal.postings:
        yield _finding(seal.campaign_id, seal.number, f"{seal.postings} postings", f"{count} postings")
    elif digest.digest() != seal.hash:
        yield _finding(seal.campaign_id, seal.number, short(seal.hash), f"{short(digest.digest())} by its postings and the seal before")


def _unsealed(place: tuple[UUID, int], postings: Iterable[Row]) -> Finding:
    count = sum(1 for _ in postings)
    return _finding(*place, f"a seal over {count} postings", "there is no such seal")


def _finding(campaign_id: UUID, number: int, expected: str, actual: str) -> Finding:
    return Finding(invariant=INVARIANT, subject=f"seal {number} of campaign {campaign_id}", expected=expected, actual=actual)


@lru_cache(MOMENTS)
def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
