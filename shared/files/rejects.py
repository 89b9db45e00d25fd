"""Why a record is not taken: stable codes, and what is told of a record without showing it."""

import re
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import Final, Self

from shared.kernel.cards import mask


class Code(Enum):
    """What is wrong with a record or one of its fields, with a sentence."""

    sentence: str

    def __new__(cls, code: str, sentence: str) -> Self:
        """Let the code be the member's value and keep the sentence beside it."""
        member = object.__new__(cls)
        member._value_ = code
        member.sentence = sentence
        return member

    ENCODING = "encoding", "The record holds bytes that are no text in the layout's encoding."
    NUL = "nul", "A cell holds a NUL character."
    TOO_FEW_CELLS = "too_few_cells", "The record has fewer cells, or is shorter, than the layout says."
    TOO_MANY_CELLS = "too_many_cells", "The record has more cells, or is longer, than the layout says."
    MARK = "mark", "The record does not begin with the mark of a detail."
    UNREADABLE = "unreadable", "The record is no JSON object, or has a member twice."
    UNKNOWN_MEMBER = "unknown_member", "The record has a member that the layout does not name."
    MISSING = "missing", "A field that is required is empty."
    NOT_TEXT = "not_text", "The value must be text."
    NOT_MAPPED = "not_mapped", "The value is none of those that the layout gives a meaning."
    AMOUNT = "amount", "The amount is no plain number, or too large."
    DECIMALS = "decimals", "The amount has more decimals than its currency."
    WHOLE = "whole", "The value is no whole number."
    MOMENT = "moment", "The value is no point in time as the layout writes it, or is not in the years 1900 to 2999."
    CLOCK = "clock", "The clocks of the zone never showed this time: they were set forward over it."
    BOOL = "bool", "The value is neither true nor false."
    FORMULA = "formula", "The text begins as a formula of a spreadsheet does: with = + - or @."
    CARD_NUMBER = "card_number", "A cell holds a card number. Card numbers are never taken: send a token."
    PATTERN = "pattern", "The value has characters that it can't have, or they are not in the right places."
    LENGTH = "length", "The value is too long, or there are too many."
    RANGE = "range", "The number is too small or too large."
    NOT_LISTED = "not_listed", "The value is none of those that there are."
    CONTRADICTION = "contradiction", "The fields of the record contradict each other, or one that they ask for is missing."
    INVALID = "invalid", "The value is not valid."
    REFUSED = "refused", "The record is valid, and what it says can't take effect as things stand: the note tells why."


@dataclass(frozen=True, kw_only=True, slots=True)
class Reject:
    """One thing that is wrong with a record. A record that is not taken has one or more."""

    line: int
    """Where the record begins, from 1."""
    field: str
    """The field of the canonical record; empty where it is about the whole."""
    code: Code
    value: str
    """What was found, masked."""
    line_hash: str
    """SHA-256 of the original record without its end of line, in hexadecimal: its sender can find it again."""
    note: str = ""
    """Of a contradiction: what contradicts what. Of what was refused: why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One thing that is wrong with a record, before it is told where that stands."""

    field: str
    code: Code
    value: object = None
    note: str = ""

    def at(self, line: int, record: bytes) -> Reject:
        """The fault of a record of a line."""
        return self.of(line, hash_of_line(record))

    def of(self, line: int, line_hash: str) -> Reject:
        """The fault of a record of a line of which the hash is known."""
        return Reject(line=line, field=self.field, code=self.code, value=masked_value(self.value), line_hash=line_hash, note=self.note)


def hash_of_line(record: bytes) -> str:
    """What tells a record to its sender without showing it."""
    return sha256(record.rstrip(b"\r\n")).hexdigest()


MOST_SHOWN: Final = 40
FIGURES: Final = re.compile(r"[0-9eE+.,:TZ/ -]{1,32}")
LARGE: Final = re.compile(r"[^\W\d_a-z]|[A-Z]")
SMALL: Final = re.compile(r"[^\W\d_A-Z]")
DIGIT: Final = re.compile(r"\d")
UNSEEN: Final = re.compile(r"[^ -~]")


def masked_value(value: object) -> str:
    """What may be shown of a value: numbers and moments as they are, of anything else its shape, card numbers never.

    Of a shape, `A` stands for a large letter, `a` for a small one, `9` for a digit, `?` for what can't be seen.
    """
    if value is None:
        return ""
    text = mask(str(value)[: MOST_SHOWN * 4])
    if not FIGURES.fullmatch(text):
        text = UNSEEN.sub("?", DIGIT.sub("9", SMALL.sub("a", LARGE.sub("A", text))))
    return text[:MOST_SHOWN]
