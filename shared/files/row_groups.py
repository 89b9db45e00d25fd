"""Files of Parquet: each row group is a chunk, or some of its records at a time where one is large.

What the footer and the pages claim is held against bounds before it is believed.
"""

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from shared.files.frame import MOST_COLUMNS, MOST_PROBLEMS
from shared.files.layout import WORDS, Filled, Layout, LayoutField, Place
from shared.files.pages import Page, pages
from shared.kernel.errors import Invalid, Problem

MAGIC: Final = b"PAR1"
ENCRYPTED: Final = b"PARE"
TAIL: Final = 8
MOST_FOOTER_BYTES: Final = 4 << 20
LARGE_FOOTER_BYTES: Final = 1 << 17
MOST_RECORDS: Final = 1 << 16
"""Of a chunk."""
MOST_OF_A_GROUP: Final = 1 << 22
"""Records of a row group."""
FEW_GROUPS: Final = 64
FEWEST_RECORDS: Final = 1_000
"""So many a row group must have on an average, where there are more than a few: each is a chunk."""
MOST_BYTES: Final = 64 << 20
"""Of the columns that are read of as many records as a chunk takes, unpacked; and of the pages that are held to read them."""
MOST_PAGE_BYTES: Final = 16 << 20
MOST_TEXT_BYTES: Final = 4 << 20
"""Of a column of as many records as are read at a time; a value that stands once in a dictionary can stand in all of them."""
BATCH_ROWS: Final = 1 << 13
READ_AHEAD: Final = 1 << 18
ENCODINGS: Final = {0: "PLAIN", 2: "PLAIN_DICTIONARY", 3: "RLE", 4: "BIT_PACKED", 8: "RLE_DICTIONARY"}
"""Those in which a value takes no less room than it needs, but for dictionaries."""
IN_DICTIONARY: Final = frozenset({2, 8})
"""A dictionary serves the first pages of a column; what does not fit into it stands plainly in those behind."""


class NotParquet(Invalid):
    """The file is no Parquet, or none that is taken here."""

    code = "not_parquet"


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """A row group, or a slice of one that is large: which records it holds, and where they lie."""

    first_row: int
    """From 1."""
    rows: int
    start: int
    stop: int
    object: str | None = None
    """An object of its own; else the file itself."""


def groups_of(file: BinaryIO, size: int, layout: Layout) -> list[Group]:
    """The row groups of a file of so many bytes. Raises NotParquet with everything that is wrong with its footer."""
    metadata = _opened(file, size).metadata
    problems = tuple(islice(_problems(metadata, layout), MOST_PROBLEMS))
    if problems:
        raise NotParquet(problems=problems)
    columns = _places(metadata, layout)
    if not columns:
        raise _not_parquet("it has none of the columns of its layout")
    groups: list[Group] = []
    first_row = 1
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        spans = [_span(group.column(column)) for column in columns] if group.num_rows else [(len(MAGIC), len(MAGIC))]
        groups.append(
            Group(first_row=first_row, rows=group.num_rows, start=min(start for start, _ in spans), stop=max(stop for _, stop in spans))
        )
        first_row += group.num_rows
    if any(not len(MAGIC) <= group.start <= group.stop <= size for group in groups) or first_row - 1 != metadata.num_rows:
        raise _not_parquet("the row groups are not where the footer says, or not of so many records")
    return groups


def read_group(file: BinaryIO, size: int, number: int, layout: Layout, batch_size: int) -> Iterator[pa.RecordBatch]:
    """The records of a row group, some at a time. Raises NotParquet where its pages, or what comes of them, are not within bounds."""
    yield from _read(file, _opened(file, size).metadata, number, layout, batch_size)


def slices(file: BinaryIO, size: int, groups: Sequence[Group], layout: Layout) -> Iterator[tuple[int, list[pa.RecordBatch]]]:
    """The records of all row groups, as many at a time as a chunk takes: the number of the first, from 1, and batches.

    The footer, which may tell of thousands, is read once. Raises NotParquet as `read_group` does.
    """
    metadata = _opened(file, size).metadata
    for number, group in enumerate(groups):
        first_row, some = group.first_row, list[pa.RecordBatch]()
        for batch in _read(file, metadata, number, layout, BATCH_ROWS):
            count = sum(one.num_rows for one in some)
            if count + batch.num_rows > MOST_RECORDS:
                yield first_row, some
                first_row, some = first_row + count, []
            some.append(batch)
        if some:
            yield first_row, some


def _read(file: BinaryIO, metadata: parquet.FileMetaData, number: int, layout: Layout, batch_size: int) -> Iterator[pa.RecordBatch]:
    places = _places(metadata, layout)
    group = metadata.row_group(number)
    if not group.num_rows:
        return
    pages_of = [_check_pages(file, group.column(place), group.num_rows) for place in places]
    if sum(found.held for found in pages_of) > MOST_BYTES:
        raise _not_parquet(f"the largest pages of its columns have more than {MOST_BYTES:,} bytes together")
    names = [metadata.schema.column(place).path for place in places]
    kinds = {field.name: field.type for field in _arrow_schema(metadata)}
    for name, place, found in zip(names, places, pages_of, strict=True):
        if group.num_rows > MOST_RECORDS and found.is_plain and pa.types.is_dictionary(kinds[name]):
            raise NotParquet(problems=(_of(name, "has more different values than its dictionary: write it as text"),))
        if metadata.schema.column(place).physical_type == "BYTE_ARRAY" and not pa.types.is_decimal(kinds[name]):
            texts = _batches(file, metadata, number, [name], batch_size, read_dictionary=[name])
            if group.num_rows > MOST_RECORDS:
                _check_texts(islice(texts, 1), name, at_most_each=MOST_TEXT_BYTES // batch_size)
                texts = _batches(file, metadata, number, [name], batch_size)
            _check_texts(texts, name)
    read = 0
    for batch in _batches(file, metadata, number, names, batch_size):
        read += batch.num_rows
        if read > group.num_rows:
            raise _not_parquet("there are more records than the footer says")
        yield batch
    if read != group.num_rows:
        raise _not_parquet("there are fewer records than the footer says")


def _batches(
    file: BinaryIO, metadata: parquet.FileMetaData, number: int, names: list[str], size: int, **how: Any
) -> Iterator[pa.RecordBatch]:
    with _told():
        source = parquet.ParquetFile(file, metadata=metadata, buffer_size=READ_AHEAD, pre_buffer=False, **_limits(), **how)
        yield from source.iter_batches(batch_size=size, row_groups=[number], columns=names, use_threads=False)


def _opened(file: BinaryIO, size: int) -> parquet.ParquetFile:
    """Its footer, once that is known to be short."""
    file.seek(max(0, size - TAIL))
    tail = file.read(TAIL)
    if tail[-len(MAGIC) :] == ENCRYPTED:
        raise _not_parquet("its columns are encrypted")
    length = int.from_bytes(tail[: -len(MAGIC)], "little")
    if len(tail) < TAIL or tail[-len(MAGIC) :] != MAGIC or length > size - TAIL - len(MAGIC):
        raise _not_parquet("it does not end as Parquet does: it may be cut off")
    if length > MOST_FOOTER_BYTES:
        raise _not_parquet(f"its footer is longer than {MOST_FOOTER_BYTES:,} bytes: write fewer, larger row groups")
    if length > LARGE_FOOTER_BYTES:
        gc.collect()  # pyarrow's footers and their schemas hold each other: those of before would stay
    with _told():
        return parquet.ParquetFile(file, **_limits())


def _limits() -> dict[str, Any]:
    return {"thrift_string_size_limit": MOST_FOOTER_BYTES, "thrift_container_size_limit": MOST_FOOTER_BYTES}


@contextmanager
def _told() -> Iterator[None]:
    """What the reader can't make sense of is the file's fault."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, RecursionError) as error:
        raise _not_parquet("it is damaged") from error


def _not_parquet(message: str) -> NotParquet:
    return NotParquet(problems=(Problem(path="", message=f"as a file of Parquet, {message}"),))


def _problems(metadata: parquet.FileMetaData, layout: Layout) -> Iterator[Problem]:
    schema = metadata.schema
    if metadata.num_columns > MOST_COLUMNS:
        yield Problem(path="/columns", message=f"there are more than {MOST_COLUMNS:,} columns")
        return
    found = [schema.column(place) for place in range(metadata.num_columns)]
    wanted = {str(place.column): place for place in reversed(list(layout.places.values()))}
    paths = [column.path for column in found]
    for column in found:
        if column.path in wanted and (column.max_repetition_level or column.max_definition_level > 1):
            yield _of(column.path, "must hold one value a record")
        elif column.path not in wanted and layout.other_columns == "refuse":
            yield _of(column.path, "is one that no field has")
    yield from (_of(path, "is there twice") for path in sorted(set(paths)) if path in wanted and paths.count(path) > 1)
    for name, told in wanted.items():
        if name not in paths and isinstance(told, LayoutField) and told.required:
            yield _of(name, "is missing")
    types = {field.name: field.type for field in _arrow_schema(metadata)}
    for name, told in wanted.items():
        if name in types and not _is_taken(types[name], told):
            yield _of(name, f"is {types[name]}, must be {TAKEN[_kind(told)][1]}")
    yield from _about_groups(metadata, layout)


def _about_groups(metadata: parquet.FileMetaData, layout: Layout) -> Iterator[Problem]:
    count = metadata.num_row_groups
    if count > FEW_GROUPS and metadata.num_rows < count * FEWEST_RECORDS:
        message = f"are {count:,} of {metadata.num_rows // count:,} records on an average: write fewer, of {FEWEST_RECORDS:,} or more"
        yield Problem(path="/groups", message=message)
        return
    places = _places(metadata, layout)
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        columns = [group.column(place) for place in places]
        most = _most_bytes(group.num_rows)
        if not 0 <= group.num_rows <= MOST_OF_A_GROUP:
            yield Problem(path=f"/groups/{number}", message=f"must have at most {MOST_OF_A_GROUP:,} records, has {group.num_rows:,}")
        if any(column.total_compressed_size < 0 or column.total_uncompressed_size < 0 for column in columns):
            yield Problem(path=f"/groups/{number}", message="has columns of less than nothing")
        if sum(column.total_uncompressed_size for column in columns) > most:
            yield Problem(path=f"/groups/{number}", message=f"must have at most {most:,} bytes when it is unpacked")


def _most_bytes(rows: int) -> int:
    """Of a row group of so many records."""
    return MOST_BYTES * max(1, -(-rows // MOST_RECORDS))


def _arrow_schema(metadata: parquet.FileMetaData) -> pa.Schema:
    with _told():
        return metadata.schema.to_arrow_schema()


def _of(column: str, message: str) -> Problem:
    return Problem(path=f"/columns/{column}", message=message)


def _places(metadata: parquet.FileMetaData, layout: Layout) -> list[int]:
    """Which columns are read."""
    wanted = {place.column for place in layout.places.values()}
    return [place for place in range(metadata.num_columns) if metadata.schema.column(place).path in wanted]


def _span(column: parquet.ColumnChunkMetaData) -> tuple[int, int]:
    offsets = [column.data_page_offset, *([column.dictionary_page_offset] if column.has_dictionary_page else [])]
    return min(offsets), min(offsets) + column.total_compressed_size


@dataclass(frozen=True, kw_only=True, slots=True)
class Pages:
    """What is known of the pages of a column."""

    held: int
    """So many bytes while it is read: the dictionary and the largest page."""
    is_plain: bool
    """Whether any values stand plainly."""


def _check_pages(file: BinaryIO, column: parquet.ColumnChunkMetaData, rows: int) -> Pages:
    values = plain = dictionary = largest = 0
    plainly = False
    for page in pages(file, *_span(column)):
        if page.is_dictionary:
            dictionary = page.plain_size
        else:
            values, largest = values + page.values, max(largest, page.plain_size)
        plain += page.plain_size
        wrong = _wrong_page(page) or ("goes back to its dictionary" if plainly and page.encoding in IN_DICTIONARY else None)
        plainly = plainly or not (page.is_dictionary or page.encoding in IN_DICTIONARY)
        if wrong or plain > _most_bytes(rows):
            raise NotParquet(problems=(_of(column.path_in_schema, wrong or "has more in its pages than the footer says"),))
    if values != rows or column.num_values != rows:
        raise NotParquet(problems=(_of(column.path_in_schema, f"has {values:,} values for {rows:,} records"),))
    return Pages(held=dictionary + largest, is_plain=plainly)


def _wrong_page(page: Page) -> str | None:
    if max(page.plain_size, page.packed_size) > MOST_PAGE_BYTES:
        return f"has a page of more than {MOST_PAGE_BYTES:,} bytes"
    if page.values > MOST_OF_A_GROUP:
        return f"has a page of more than {MOST_OF_A_GROUP:,} values"
    if page.encoding is not None and page.encoding not in ENCODINGS:
        return f"must be encoded as one of {', '.join(ENCODINGS.values())}"
    return None


def _check_texts(batches: Iterable[pa.RecordBatch], name: str, at_most_each: int | None = None) -> None:
    """A column of text, whose values may still stand in dictionaries: how long they are in all places, and whether they are text.

    `at_most_each`: how long a value of the dictionary may be, all of which come with the first batch. Then the column can be read without,
    which holds no more than a batch: as dictionaries, all different values of a large row group would be held at once.
    """
    for batch in batches:
        column = batch.column(0)
        values = column.dictionary if pa.types.is_dictionary(column.type) else column
        lengths = pc.binary_length(values).take(column.indices) if values is not column else pc.binary_length(values)
        too_long = at_most_each is not None and (pc.max(pc.binary_length(values)).as_py() or 0) > at_most_each
        if too_long or (pc.sum(pc.cast(lengths, pa.int64())).as_py() or 0) > MOST_TEXT_BYTES:
            raise NotParquet(problems=(_of(name, "holds values that are too long together"),))
        try:
            values.validate(full=True)
        except pa.ArrowInvalid as error:
            raise NotParquet(problems=(_of(name, "holds text that is not UTF-8"),)) from error


def _kind(told: Place) -> str:
    if isinstance(told, LayoutField) and told.type not in WORDS:
        return "whole" if told.format.startswith("epoch") else told.type
    return "figures" if isinstance(told, Filled) and told.fill else "text"


def _is_taken(kind: pa.DataType, told: Place) -> bool:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return any(is_kind(value) for is_kind in (*TAKEN[_kind(told)][0], pa.types.is_string, pa.types.is_large_string, pa.types.is_null))


TAKEN: Final[Mapping[str, tuple[tuple[Callable[[pa.DataType], bool], ...], str]]] = {
    "text": ((), "text"),
    "figures": ((pa.types.is_integer, pa.types.is_date32), "whole numbers, or text"),
    "minor": ((pa.types.is_integer,), "whole numbers, or text"),
    "whole": ((pa.types.is_integer,), "whole numbers, or text"),
    "major": ((pa.types.is_integer, pa.types.is_decimal), "decimals, whole numbers, or text"),
    "moment": ((pa.types.is_timestamp, pa.types.is_date32), "timestamps, days, or text"),
    "bool": ((pa.types.is_boolean,), "truths, or text"),
}
"""The types that the values of a field may have, beside text."""
