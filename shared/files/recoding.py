"""Text in encodings that can't be cut at bytes, as UTF-8, as it is read."""

import codecs
from collections.abc import Iterable, Iterator
from typing import Final

NO_TEXT: Final = "\udcff"
"""Stands for bytes that are no text; in UTF-8 it is none either, so its record alone is turned away."""
MARKED: Final = "clo-no-text"


def recoded(blocks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The same text in UTF-8, but where it is none."""
    decoder = codecs.getincrementaldecoder(encoding)(MARKED)
    for block in blocks:
        yield decoder.decode(block).encode(errors="surrogatepass")
    yield decoder.decode(b"", final=True).encode(errors="surrogatepass")


def _marked(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return NO_TEXT, error.end


codecs.register_error(MARKED, _marked)
