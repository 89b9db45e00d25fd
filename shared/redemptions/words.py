"""Who tells a message about a purchase, and whose word stands where it is told otherwise. Pure.

A file may be sent again as a later revision: what that tells otherwise goes before, what it does not tell any more is withdrawn. What
somebody else tells in the same words stays.
"""

from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from types import MappingProxyType

import orjson

from events.payloads import FileOrigin

Tellers = Mapping[str, int] | None
"""The files that tell a message in the words that stand, each with the last of its revisions that did; None where also one does whose
word stays for good: a request, or a system of the bank."""


class Word(Enum):
    """What becomes of a word about a message of which one stands already."""

    AGAIN = "again"  # it says the same
    INSTEAD = "instead"  # it takes the place of the one that stood
    ASIDE = "aside"  # another's word stands against it


def tellers_of(origin: FileOrigin | None) -> Tellers:
    """Who tells what comes from there."""
    return MappingProxyType({origin.file_id: origin.revision}) if origin else None


def together(these: Tellers, those: Tellers) -> Tellers:
    """Who tells what both tell."""
    if these is None or those is None:
        return None
    return {file_id: max(these.get(file_id, 0), those.get(file_id, 0)) for file_id in {*these, *those}}


def without(tellers: Tellers, later: FileOrigin | None) -> Tellers:
    """Who is left when a revision of a file tells something else, or nothing: the file no more, where it told it in an earlier one."""
    if tellers is None or later is None or tellers.get(later.file_id, later.revision) >= later.revision:
        return tellers
    return {file_id: revision for file_id, revision in tellers.items() if file_id != later.file_id}


def hear(stood: Tellers, origin: FileOrigin | None, *, same: bool, withdrawn: bool) -> tuple[Word, Tellers]:
    """What becomes of a word from an origin, and who tells then what stands.

    `stood`: who told what stood; `same`: it says the same; `withdrawn`: nobody tells it any more. Of two that contradict each other the
    first stands, but a file may contradict itself in a later revision, where nobody else tells what it told before.
    """
    if withdrawn:
        return Word.INSTEAD, tellers_of(origin)
    if same:
        return Word.AGAIN, together(stood, tellers_of(origin))
    left = without(stood, origin)
    return (Word.INSTEAD, tellers_of(origin)) if left == {} else (Word.ASIDE, left)


def written(tellers: Tellers) -> str | None:
    """Tellers as they are stored."""
    return None if tellers is None else orjson.dumps(dict(tellers), option=orjson.OPT_SORT_KEYS).decode()


@lru_cache(maxsize=1024)
def read(text: str | None) -> Tellers:
    """Tellers from how they are stored; the same for the thousands of messages of a file."""
    return MappingProxyType(orjson.loads(text)) if text else None
