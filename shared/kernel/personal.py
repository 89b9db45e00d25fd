"""What is nobody's business: contact data and card numbers in text that somebody else wrote, made unreadable before it is shown."""

import re
from typing import Final

from shared.kernel.cards import mask, masked

EMAIL: Final = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
PHONE: Final = re.compile(r"(?<![\w.:-])(?:(?:\+|\(?0|\(\d{3}\))[\d ()/.-]{6,18}\d|\d{3}[ .-]\d{3}[ .-]\d{4})(?![\w-])")
"""International, with a leading zero, or grouped as in North America."""
FEWEST_DIGITS: Final = 8


def hide(text: str) -> str:
    """The text with everything that looks like a card number, an e-mail address or a phone number made unreadable."""
    return PHONE.sub(_phone, EMAIL.sub("[e-mail address]", mask(text)))


def hidden(value: object) -> object:
    """A value of any depth with the same made unreadable in it."""
    return masked(value, hide)


def _phone(found: re.Match[str]) -> str:
    return "[phone number]" if sum(map(str.isdigit, found[0])) >= FEWEST_DIGITS else found[0]
