"""Text in encodings that can't be cut at bytes, as UTF-8, as it is read."""

import codecs
from collections.abc import Iterable, Iterator
from typing import Final

from shared.files.splitting import NoText

NO_TEXT: Final = "\udcff"
"""Stands for bytes that are no text; in UTF-8 it is none either, so its record alone is turned away."""
MARKED: Final = "clo-no-text"


def recoded(blocks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The same text in UTF-8, but where it is none. Raises NoText of UTF-16 that does not begin with its mark."""
    decoder = codecs.getincrementaldecoder(encoding)(MARKED)
    try:
        for block in blocks:
            yield decoder.decode(block).encode(errors="surrogatepass")
        yield decoder.decode(b"", final=True).encode(errors="surrogatepass")
    except UnicodeError as error:
        raise NoText(f"The file does not begin with the mark of {encoding.upper()}.") from error


def _marked(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return NO_TEXT, error.end


codecs.register_error(MARKED, _marked)
