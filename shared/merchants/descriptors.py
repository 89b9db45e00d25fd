"""Descriptors in one spelling: what card statements call a merchant, without what differs from till to till. Pure.

Case, accents and punctuation go, so do the prefixes that payment facilitators put before the merchant's name, and the numbers of stores,
tills and telephones: three digits or more, with at most one letter before them, and any number after "#", "No" or "Nr". The first word
always stays: "7-Eleven 34567" is "7 ELEVEN".
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

FACILITATORS: Final = (
    "2CO.COM", "ADY", "EB", "FS", "IZ", "KLARNA", "PAYPAL", "PP", "PY", "SP", "SPO", "SQ", "STRIPE", "SUMUP", "TST", "WPY", "ZETTLE",
)  # fmt: skip
"""What payment facilitators put before a merchant's name, with an asterisk after it."""
PREFIX: Final = re.compile(rf"\s*(?:{'|'.join(map(re.escape, FACILITATORS))})[ _]*\*(?=.*[^\W_])", re.IGNORECASE)
APOSTROPHE: Final = re.compile(r"['`\u00b4\u2018\u2019]")
NUMBER_SIGN: Final = re.compile(r"#\s*(?=\d)")
NO_WORD: Final = re.compile(r"[\W_]+")
NUMBER: Final = re.compile(r"[A-Z]?\d{3,}")
NUMBER_WORDS: Final = frozenset({"NO", "NR"})
REMEMBERED: Final = 65_536


@lru_cache(maxsize=REMEMBERED)
def normalised(descriptor: str) -> str:
    """A descriptor in the one spelling by which it is matched; normalised again it stays as it is."""
    text = descriptor
    while prefix := PREFIX.match(text):
        text = text[prefix.end() :]
    return " ".join(_without_numbers(plain(NUMBER_SIGN.sub(" NO ", text)).split()))


@lru_cache(maxsize=REMEMBERED)
def plain(text: str) -> str:
    """Words in capitals without accents and punctuation, one space between them; text without any word as it is."""
    bare = "".join(char for char in unicodedata.normalize("NFKD", text.upper()) if not unicodedata.combining(char))
    return NO_WORD.sub(" ", APOSTROPHE.sub("", bare)).strip().upper() or text.strip()


def _without_numbers(words: Sequence[str]) -> Sequence[str]:
    kept = [*words[:1]]
    for word in words[1:]:
        if word.isdecimal() and len(kept) > 1 and kept[-1] in NUMBER_WORDS:
            kept.pop()
        elif not NUMBER.fullmatch(word):
            kept.append(word)
    return kept
