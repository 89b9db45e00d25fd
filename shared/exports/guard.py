"""The outbound guard: what may never leave is searched for in the lines as they are written. One hit refuses the file.

One regular expression over all lines finds those that may hold something; only these are looked at one by one.
"""

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from itertools import pairwise
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.files.arrays import longest, matching, text_bytes
from shared.kernel.cards import SEPARATORS, SHORTEST, find_card_number, stand_ins
from shared.kernel.errors import Problem

MOST_HITS: Final = 20
BEFORE: Final = r"(?:^|[^0-9A-Za-z])"
AFTER: Final = r"(?:[^0-9A-Za-z]|$)"
PHONES: Final = (
    r"\+[1-9](?:[ ().\-/]{0,2}[0-9]){7,14}",
    r"(?:1[ .-])?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .-])[2-9][0-9]{2}[ .-][0-9]{4}",
    r"(?:00[1-9][0-9]{0,2}|0)[ (]{0,2}[1-9][0-9]{1,4}\)?[ /.-]{1,3}[0-9]{2,4}(?:[ .-]?[0-9]{2,4}){1,3}",
)
PHONE: Final = f"{BEFORE}(?:{'|'.join(PHONES)}){AFTER}"
EMAIL: Final = r"""[^\s@,;:"'<>()]+(?:@|%40)[^\s@,;:"'<>()]+\.[^\s@,;:"'<>()]{2,}"""
DIGITS: Final = r"[0-9](?:[ ._-]?[0-9]){12}"
MARKS: Final = (b"+", b" ", b".", b"-", b"/")
"""A phone number has one of them in it, an e-mail address a dot."""
ALIKE: Final = bytes.maketrans(b"0123456789", b"0" * 10)
ENOUGH_DIGITS: Final = b"0" * SHORTEST
MAY_BE_EMAIL: Final = "@|%40"
BETWEEN: Final = f"[{''.join(filter(str.isspace, map(chr, range(0x3001))))}._-]*"
"""Between the words of a name. Spaces are listed, for by `\\s` RE2 means fewer of them than Python."""
DOTTED: Final = "[iI\u0131\u0130]"
"""By `i` in any case RE2 means fewer letters than Python; of all others both mean the same."""
LIKE_NUMBERS: Final = re.compile(r"[0-9tz:+.\s_-]*|[a-p\s._-]{32,}")
"""Names that could be found in numbers, moments or tokens."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One thing that may never leave: where it may be, as a regular expression of RE2, and whether it is."""

    name: str
    may_be: str
    is_in: Callable[[str], bool]
    pattern: str = ""
    """By which that is told; nothing where code tells it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A line in which something was found. What it is, is never told."""

    rule: str
    line: int

    def problem(self, part: int) -> Problem:
        """As it is told."""
        return Problem(path=f"/parts/{part}/lines/{self.line}", message=f"{self.rule} found: it may not leave")


@dataclass(frozen=True, kw_only=True, slots=True)
class Guard:
    """Searches lines."""

    rules: Sequence[Rule]
    portfolio: Sequence[str] = ()

    @property
    def may_be(self) -> str:
        """Where anything may be, as one regular expression of RE2."""
        return "|".join(f"(?:{rule.may_be})" for rule in self.rules)

    @property
    def in_names(self) -> frozenset[str]:
        """The characters of the portfolio's names."""
        return frozenset("".join(self.portfolio))

    def can_hold(self, values: pa.Array) -> bool:
        """Whether texts have in them what all that is searched for has. A look at their bytes; what it lets pass need not be searched."""
        data, size = text_bytes(values), longest(values)
        return (
            not data.isascii()
            or any(mark in data for mark in MARKS)
            or size >= min((len("".join(name.split())) for name in self.portfolio), default=sys.maxsize)
            or (size >= SHORTEST and ENOUGH_DIGITS in data.translate(ALIKE, delete=SEPARATORS))
        )

    @property
    def names_numbers(self) -> bool:
        """Whether a name of the portfolio could be found in numbers, moments or tokens."""
        return any(LIKE_NUMBERS.fullmatch(re.sub(DOTTED, "i", name).casefold()) for name in self.portfolio)

    @property
    def names(self) -> list[str]:
        """What it searches for."""
        return [rule.name for rule in self.rules]

    @property
    def version(self) -> str:
        """A digest of all that it searches by: what was scanned before a change of the rules can be told from what was after."""
        return sha256("\x1f".join(f"{rule.name}\x1e{rule.may_be}\x1e{rule.pattern}" for rule in self.rules).encode()).hexdigest()[:16]

    def search(self, lines: pa.Array) -> list[Hit]:
        """The first things found, in order of lines, from 1."""
        suspect = pc.indices_nonzero(matching(lines, self.may_be))
        found: list[Hit] = []
        for number, text in zip(suspect.to_pylist(), lines.take(suspect).to_pylist(), strict=True):
            found += [Hit(rule=rule.name, line=number + 1) for rule in self.rules if rule.is_in(text)]
            if len(found) >= MOST_HITS:
                break
        return found[:MOST_HITS]


@lru_cache(maxsize=8)
def guard_of(portfolio: tuple[str, ...]) -> Guard:
    """The guard of a bank whose own names these are."""
    named = _named(sorted(portfolio))
    return Guard(rules=[*_always(), *([_by_pattern("name of the portfolio", named)] if named else [])], portfolio=portfolio)


def _named(names: Sequence[str]) -> str:
    """A pattern of names: in any case, whatever stands between their words, and not as a part of longer words."""
    parts = [re.sub(DOTTED, DOTTED, BETWEEN.join(map(re.escape, name.split()))) for name in names]
    return f"(?i){BEFORE}(?:{'|'.join(parts)}){AFTER}" if parts else ""


def _by_pattern(name: str, pattern: str, may_be: str | None = None) -> Rule:
    search = re.compile(pattern).search
    return Rule(name=name, may_be=may_be or pattern, is_in=lambda text: search(text) is not None, pattern=pattern)


def _is_card_number_in(text: str) -> bool:
    return find_card_number(text.encode()) is not None


@cache
def _always() -> tuple[Rule, ...]:
    """What is searched for whoever the bank is. A card number may be in enough digits, or in characters that stand for some."""
    return (
        Rule(name="card number", may_be=f"{DIGITS}|[{_ranges(stand_ins())}]", is_in=_is_card_number_in),
        _by_pattern("e-mail address", EMAIL, MAY_BE_EMAIL),
        _by_pattern("phone number", PHONE),
    )


def _ranges(characters: Iterable[str]) -> str:
    """Characters, in order, as ranges of a regular expression of RE2."""
    codes = [ord(character) for character in characters]
    starts = [code for before, code in pairwise([-1, *codes]) if code != before + 1]
    ends = [code for code, after in pairwise([*codes, -1]) if after != code + 1]
    return "".join(rf"\x{{{start:x}}}-\x{{{end:x}}}" for start, end in zip(starts, ends, strict=True))
