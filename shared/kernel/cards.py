"""Card numbers never enter: finding them in text, whatever separates their digits."""

import re
from typing import Final

# 13 to 19 digits, single spaces or dashes between, standing alone: hexadecimal ids and longer numbers do not count.
CANDIDATE: Final = re.compile(rb"(?<![0-9A-Za-z])[0-9](?:[ -]?[0-9]){12,18}(?![0-9A-Za-z])")
DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def find_card_number(text: bytes) -> bytes | None:
    """The first run of 13 to 19 digits that passes the Luhn check (ISO/IEC 7812-1), or None."""
    return next((match[0] for match in CANDIDATE.finditer(text) if is_luhn(match[0])), None)


def is_luhn(text: bytes) -> bool:
    """Whether the digits in the text pass the Luhn check."""
    digits = [int(chr(byte)) for byte in text if chr(byte).isdigit()]
    return (sum(digits[-1::-2]) + sum(DOUBLED[digit] for digit in digits[-2::-2])) % 10 == 0


def mask(text: str) -> str:
    """The text with every card number in it made unreadable; for logs and error pages."""
    return CANDIDATE.sub(lambda match: b"[card number]" if is_luhn(match[0]) else match[0], text.encode()).decode()
