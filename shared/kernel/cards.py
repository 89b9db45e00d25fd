"""Card numbers never enter: finding them in text, whatever separates or disguises their digits."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import Final

SHORTEST: Final = 13
LONGEST: Final = 19
PRINTED_GROUP: Final = 4
SMALLEST_GROUP: Final = 1  # where the groups are all that there is
FEWEST_GROUPS: Final = 3
MOST_GROUPS: Final = 5  # of four digits or more
RUN: Final = re.compile(r"[0-9](?:[ ._-]?[0-9]){12,}")
SEPARATOR: Final = re.compile(r"[ ._-]")
SEPARATORS: Final = b" ._-"
ENOUGH_DIGITS: Final = re.compile(rb"[0-9]{13}")
OUTLANDISH: Final = re.compile(r"[^\x00-\x7f]")
BEYOND: Final = (*range(0x80, 0x20000), *range(0xE0000, 0xE1000))  # no digit, space or dash of any script is elsewhere
BLANKS: Final = frozenset({"Zs", "Pd", "Cf"})  # spaces, dashes, characters that are not seen
UNEVEN_GROUPS: Final = frozenset({(4, 6, 5), (4, 6, 4)})  # as American Express and Diners print theirs
DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def find_card_number(text: bytes) -> bytes | None:
    """The first card number in UTF-8 text, or None.

    That is 13 to 19 digits that pass the Luhn check (ISO/IEC 7812-1), in one piece or in groups as cards print them, standing alone:
    parts of hexadecimal ids and of longer numbers do not count.
    """
    if text.isascii() and not ENOUGH_DIGITS.search(text.translate(None, delete=SEPARATORS)):
        return None  # as nearly always: found out many times as fast
    plain = _plain(text.decode(errors="replace"))
    return next((plain[start:end].encode() for start, end in _places(plain)), None)


def is_luhn(digits: str) -> bool:
    """Whether the digits pass the Luhn check."""
    numbers = [int(digit) for digit in digits]
    return (sum(numbers[-1::-2]) + sum(DOUBLED[number] for number in numbers[-2::-2])) % 10 == 0


def mask(text: str) -> str:
    """The text with every card number in it made unreadable; for logs and error pages."""
    masked, after = [], 0
    for start, end in _places(_plain(text)):
        masked += [text[after:start], "[card number]"]
        after = end
    return "".join((*masked, text[after:]))


def masked(value: object, how: Callable[[str], str] = mask) -> object:
    """A value of any depth with every card number in it masked, or what else `how` masks; what holds none stays as it is."""
    if isinstance(value, Mapping):
        return {how(str(key)): masked(item, how) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [masked(item, how) for item in value]
    text = str(value)
    hidden = how(text)
    return value if hidden == text else hidden


@cache
def stand_ins() -> str:
    """The characters beyond ASCII that may be a part of a card number: digits, spaces and dashes of all scripts, in order."""
    return "".join(character for character in map(chr, BEYOND) if _plain(character) != character)


def _plain(text: str) -> str:
    """The text with digits, spaces and dashes of all scripts as those of ASCII, each character at its place."""
    return text if text.isascii() else OUTLANDISH.sub(_plain_character, text)


def _plain_character(found: re.Match[str]) -> str:
    digit = unicodedata.decimal(found[0], None)
    if digit is not None:
        return str(digit)
    return " " if unicodedata.category(found[0]) in BLANKS else found[0]


def _places(text: str) -> Iterator[tuple[int, int]]:
    """Where card numbers start and end, in order and apart from each other."""
    for run in RUN.finditer(text):
        yield from _places_in_run(text, *run.span())


def _places_in_run(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A run is groups of digits: the longest row of groups that is a card number is taken, then those after it."""
    borders = [start, *(start + found.end() for found in SEPARATOR.finditer(text[start:end])), end + 1]
    groups = [(first, after - 1) for first, after in pairwise(borders)]
    if len(groups) <= LONGEST and _is_card_number(text, groups, SMALLEST_GROUP):
        yield start, end
        return
    first = 0
    while first < len(groups):
        if groups[first][1] - groups[first][0] < PRINTED_GROUP:
            first += 1
            continue
        farthest = min(len(groups), first + MOST_GROUPS)
        after = next((after for after in range(farthest, first, -1) if _is_card_number(text, groups[first:after], PRINTED_GROUP)), None)
        if after is not None:
            yield groups[first][0], groups[after - 1][1]
        first = after or first + 1


def _is_card_number(text: str, groups: list[tuple[int, int]], smallest: int) -> bool:
    sizes = tuple([end - start for start, end in groups])
    if not SHORTEST <= sum(sizes) <= LONGEST or not _as_printed(sizes, smallest):
        return False
    start, end = groups[0][0], groups[-1][1]
    alone = not text[start - 1 : start].isalnum() and not text[end : end + 1].isalnum()
    return alone and is_luhn("".join([text[first:after] for first, after in groups]))


def _as_printed(sizes: tuple[int, ...], smallest: int) -> bool:
    """In one piece, or in three or more groups of one size, of which the last may be shorter, or as some cards group theirs."""
    if len(sizes) < FEWEST_GROUPS:
        return len(sizes) == 1
    return (smallest <= sizes[0] and sizes[-1] <= sizes[0] and len(set(sizes[:-1])) == 1) or sizes in UNEVEN_GROUPS
