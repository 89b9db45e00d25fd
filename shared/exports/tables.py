"""Files of Parquet: values keep their types. Parts hold slices of columns, one behind the other, of which one file is made."""

from collections.abc import Iterable, Iterator
from typing import Final

import pyarrow as pa

from shared.exports.kinds import Exported
from shared.files.arrays import decoded
from shared.files.columns import TYPES
from shared.files.lake import as_blocks
from shared.files.layout import WORDS, Layout
from shared.files.staging import staged, unstaged
from shared.files.writing import cells_of

LENGTH: Final = 8
"""Bytes that tell how long a slice is, before each."""


def schema_of(exported: Exported, layout: Layout) -> pa.Schema:
    """The columns of a file, with the types of what is exported; what a value map gives is text."""
    written = [told for told in layout.fields if told.constant is None]
    return pa.schema([(str(told.column), TYPES["text" if told.type in WORDS else exported.columns[told.target]]) for told in written])


def slice_of(columns: dict[str, pa.Array], schema: pa.Schema, layout: Layout) -> bytes:
    """Some records as they are kept in a part."""
    written = [told for told in layout.fields if told.constant is None]
    values = columns | dict(cells_of({told.target: columns[told.target] for told in written if told.type in WORDS}, layout))
    arrays = [decoded(values[told.target]).cast(kind) for told, kind in zip(written, schema.types, strict=True)]
    data = staged([pa.RecordBatch.from_arrays(arrays, schema=schema)])
    return len(data).to_bytes(LENGTH, "big") + data


def as_file(blocks: Iterable[bytes], schema: pa.Schema) -> Iterator[bytes]:
    """The slices of all parts as one file, a row group for each, as it is written."""
    return as_blocks((pa.Table.from_batches(unstaged(data)) for data in _slices(blocks)), schema)


def _slices(blocks: Iterable[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for block in blocks:
        held += block
        while len(held) >= LENGTH and len(held) >= (end := LENGTH + int.from_bytes(held[:LENGTH], "big")):
            yield bytes(held[LENGTH:end])
            del held[:end]
