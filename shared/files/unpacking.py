"""Unpacking gzip as it is read, with bounds: a small file can hold more than any disk."""

import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from shared.kernel.errors import Invalid

MOST_BYTES: Final = 1 << 40
MOST_RATIO: Final = 200
FREE_BYTES: Final = 64 << 20
"""So much may come of anything; only beyond it the ratio counts."""
PIECE: Final = 1 << 20
BITE: Final = 1 << 16
"""Of many small members, what follows each is copied: so much at most."""
GZIP: Final = 16 + zlib.MAX_WBITS


class NotGzip(Invalid):
    """The file is no gzip, or it is damaged or cut off."""

    code = "not_gzip"


class Bomb(Invalid):
    """The file unpacks to more than is taken."""

    code = "unpacks_to_too_much"


def unpacked(blocks: Iterable[bytes], *, most_bytes: int = MOST_BYTES, most_ratio: int = MOST_RATIO) -> Iterator[bytes]:
    """The plain data of gzip data (RFC 1952, one member or several), in pieces of at most 1 MiB.

    Raises NotGzip; Bomb beyond `most_bytes`, or beyond 64 MiB that are more than `most_ratio` times what was read.
    """
    member = zlib.decompressobj(GZIP)
    read = made = 0
    for bite in (block[start : start + BITE] for block in blocks for start in range(0, len(block), BITE)):
        read += len(bite)
        rest = bite
        while rest:
            if member.eof:
                member = zlib.decompressobj(GZIP)
            piece, rest = _piece(member, rest)
            made += len(piece)
            if made > most_bytes or (made > FREE_BYTES and made > most_ratio * read):
                raise Bomb
            if piece:
                yield piece
    if not member.eof:
        raise NotGzip


def _piece(member: "zlib._Decompress", data: bytes) -> tuple[bytes, bytes]:
    try:
        piece = member.decompress(data, PIECE)
    except zlib.error as error:
        raise NotGzip from error
    return piece, member.unused_data if member.eof else member.unconsumed_tail
