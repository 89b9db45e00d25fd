"""A generated file: written as it is made, with the list of its bad lines beside it, and its manifest last."""

import hashlib
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pyarrow as pa

from shared.files.columns import TYPES
from shared.files.kinds import CURRENCY
from shared.files.layout import Layout
from shared.files.manifest import Manifest
from shared.files.names import FileName
from shared.files.parsing import totals_of
from shared.files.totals import Totals
from shared.files.writing import Columns, cells_of, encoded, head, tail
from shared.generator.damage import Bad, Spoiler

PACKED: Final = 16 + zlib.MAX_WBITS
PACKING: Final = 4
"""How hard gzip tries, of 9: quick, and nearly as small."""
BAD_LINES: Final = ".bad.jsonl"


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A file that was made."""

    path: Path
    manifest: Path
    records: int
    bad: int
    bytes: int
    """Of the plain data."""


def write_file(folder: Path, name: FileName, layout: Layout, blocks: Iterator[Columns], spoiler: Spoiler) -> Made:
    """Write a file as it is made, then the list of its bad lines if there are any, then its manifest; what had these names is replaced.

    The totals are those of the good records that the bad lines were made of, as their sender counts them.
    """
    path = folder / str(name)
    bad: list[Bad] = []
    totals = Totals()
    with _Sink(path, packed=name.gzip) as sink:
        first = head(layout, name.file_id)
        sink.write(first)
        before = first.count(b"\n")
        for block in blocks:
            columns = {**block, **_constants(layout, block)}
            count = len(next(iter(columns.values())))
            lines, spoilt = spoiler.lines(cells_of(columns, layout), totals.count, count)
            sink.write(encoded(lines, layout))
            bad += [Bad(line=before + row + 1, field=damage.field, code=damage.code.value) for row, damage in spoilt]
            totals += _totals(columns, layout)
        sink.write(tail(layout, totals))
    _write_bad(path.with_name(f"{path.name}{BAD_LINES}"), bad)
    manifest = folder / name.manifest
    manifest.write_text(_manifest(name, layout, totals, sink.digest).model_dump_json(exclude_none=True) + "\n", encoding="utf-8")
    return Made(path=path, manifest=manifest, records=totals.count, bad=len(bad), bytes=sink.size)


def _constants(layout: Layout, block: Columns) -> Columns:
    """What the layout says of every record, in the place of what the record would say."""
    count = len(next(iter(block.values())))
    return {told.target: pa.repeat(told.constant, count).cast(TYPES[told.type]) for told in layout.fields if told.constant is not None}


def _totals(columns: Columns, layout: Layout) -> Totals:
    record = layout.record
    wanted = [name for name in (record.id, record.at, record.amount, CURRENCY) if name and name in columns]
    return totals_of([pa.RecordBatch.from_pydict({name: columns[name] for name in wanted})], record)


def _manifest(name: FileName, layout: Layout, totals: Totals, digest: str) -> Manifest:
    return Manifest(
        file_id=name.file_id,
        revision=name.revision,
        supersedes=name.revision - 1 or None,
        schema_version=layout.schema_version,
        record_count=totals.count,
        sums={currency: str(minor) for currency, minor in sorted(totals.sums.items())},
        entry_hash=f"{totals.entry_hash:010}",
        sha256_plain=digest,
        first_event_at=totals.first_at,
        last_event_at=totals.last_at,
    )


def _write_bad(path: Path, bad: Sequence[Bad]) -> None:
    if not bad:
        path.unlink(missing_ok=True)
        return
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(line)) + "\n" for line in bad)


class _Sink:
    """A file that is seen whole or not at all; its size and hash are those of the plain data."""

    def __init__(self, path: Path, *, packed: bool) -> None:
        self.size = 0
        self._path = path
        self._hash = hashlib.sha256()
        self._packer = zlib.compressobj(PACKING, zlib.DEFLATED, PACKED) if packed else None
        self._file = path.with_name(f".{path.name}.part").open("wb")

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        self.size += len(data)
        self._hash.update(data)
        self._file.write(self._packer.compress(data) if self._packer else data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._file:
            self._file.write(self._packer.flush() if self._packer else b"")
        made = Path(self._file.name)
        if kind is None:
            made.replace(self._path)
        else:
            made.unlink()
