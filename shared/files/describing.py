"""The manifest of a file whose sender writes none: what its records come to, as they are read here."""

import hashlib
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import BinaryIO

from shared.files.frame import way_of
from shared.files.layout import RECODED, Layout
from shared.files.manifest import Manifest
from shared.files.names import FileName, Format
from shared.files.parsing import Parsed, parse, parse_rows
from shared.files.recoding import recoded
from shared.files.row_groups import groups_of, slices
from shared.files.splitting import Splitter
from shared.files.stores.streams import blocks_of, digested, hashed
from shared.files.totals import Totals
from shared.files.unpacking import unpacked
from shared.files.way import Way


def manifest_for(path: Path, name: FileName, layout: Layout) -> Manifest:
    """What the manifest of a file says that is to have this name: the hash, how many records there are, what the good ones come to.

    What the file itself tells, in its trailer, is held against that when it is taken in. Raises NoText, Unsplittable, FrameBroken,
    NotGzip or NotParquet of what can't be read, as it would be then.
    """
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        read = _row_groups(stream, path.stat().st_size, layout) if name.format is Format.PARQUET else _chunks(stream, name, layout, digest)
        totals, rejected = reduce(_with, read, (Totals(), 0))
        if name.format is Format.PARQUET:
            stream.seek(0)
            digested(stream, digest)
    return Manifest(
        file_id=name.file_id,
        revision=name.revision,
        supersedes=name.revision - 1 or None,
        schema_version=layout.schema_version,
        record_count=totals.count + rejected,
        sums={currency: str(minor) for currency, minor in sorted(totals.sums.items())},
        entry_hash=f"{totals.entry_hash:010}",
        sha256_plain=digest.hexdigest(),
    )


def _with(sofar: tuple[Totals, int], parsed: Parsed) -> tuple[Totals, int]:
    totals, rejected = sofar
    return totals + parsed.totals, rejected + parsed.rejected


def _chunks(stream: BinaryIO, name: FileName, layout: Layout, digest: "hashlib._Hash") -> Iterator[Parsed]:
    splitter = Splitter(layout=layout)
    blocks = unpacked(blocks_of(stream)) if name.gzip else blocks_of(stream)
    plain = hashed(blocks, digest)
    for chunk in splitter.split(recoded(plain, layout.encoding) if layout.encoding in RECODED else plain):
        yield parse(chunk.data, way_of(splitter), chunk.first_line)


def _row_groups(stream: BinaryIO, size: int, layout: Layout) -> Iterator[Parsed]:
    for first_row, batches in slices(stream, size, groups_of(stream, size, layout), layout):
        yield parse_rows(batches, Way(layout=layout), first_row)
