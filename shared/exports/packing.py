"""A file as its partner gets it: packed with gzip, encrypted for it, or as it is. Block by block."""

import zlib
from collections.abc import Iterable, Iterator

from shared.exports.model import Export
from shared.exports.places import Places
from shared.files.sealed import sealed
from shared.files.unpacking import GZIP
from shared.kernel.errors import Broken


def as_sent(blocks: Iterator[bytes], export: Export, places: Places) -> Iterator[bytes]:
    """What the partner gets of the data of an export. Raises Broken where it can't be encrypted for it."""
    if export.gzip:
        blocks = gzipped(blocks)
    if not export.pgp:
        return blocks
    if places.pgp is None:
        raise Broken("The settings don't say what files are encrypted with: CLO_PGP_KEY and CLO_PGP_SENDERS.")
    return sealed(blocks, places.pgp, export.partner)


def gzipped(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The blocks as one member of gzip (RFC 1952) without a name and a time: of the same blocks always the same."""
    packer = zlib.compressobj(wbits=GZIP)
    for block in blocks:
        yield packer.compress(block)
    yield packer.flush()
