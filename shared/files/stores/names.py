"""Names of objects: relative and plain, with one meaning in every store."""

import unicodedata
from collections.abc import Callable
from typing import Final

from shared.kernel.errors import Invalid, Problem

MAX_BYTES: Final = 512
MAX_PART_BYTES: Final = 255

FAULTS: Final[tuple[tuple[Callable[[str], bool], str], ...]] = (
    (lambda text: _size(text) > MAX_BYTES, f"is longer than {MAX_BYTES} bytes in UTF-8"),
    (lambda text: any(_size(part) > MAX_PART_BYTES for part in text.split("/")), f"has a part longer than {MAX_PART_BYTES} bytes in UTF-8"),
    (lambda text: not text.isprintable(), "holds a character that cannot be seen"),
    (lambda text: "\\" in text, "holds a backslash"),
    (lambda text: "" in text.split("/"), "is empty or has an empty part: no slash at an end, no two in a row"),
    (lambda text: any(part.startswith(".") for part in text.split("/")), "has a part that begins with a dot"),
    (lambda text: not unicodedata.is_normalized("NFC", text), "is not in Unicode's composed form (NFC)"),
)
"""What a name may not be. Parts that begin with a dot are `..`, and what programs hide while they write it."""


def faults(text: str) -> tuple[str, ...]:
    """Everything that is wrong with a name; nothing when it is the name of an object."""
    return tuple(message for has_fault, message in FAULTS if has_fault(text))


def object_name(text: str) -> str:
    """The same text, proven to be the name of an object. Raises Invalid with everything that is wrong with it."""
    if wrong := faults(text):
        problems = tuple(Problem(path="", message=message) for message in wrong)
        raise Invalid(f"This is no name of an object: it {'; it '.join(wrong)}.", problems)
    return text


def _size(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))
