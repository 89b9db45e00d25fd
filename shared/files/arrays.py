"""Columns of text as bytes: what can be proven of all values at once costs next to nothing."""

import json
from collections.abc import Callable
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

EMPTY: Final = b""
CONTROL: Final = bytes(range(0x20))
FEW: Final = 32


def text_bytes(array: pa.Array) -> bytes:
    """The values of an array of text, one behind the other."""
    if not len(array):
        return EMPTY
    _, offsets, data = array.buffers()
    ends = memoryview(offsets).cast("i")
    start, stop = ends[array.offset], ends[array.offset + len(array)]
    return bytes(memoryview(data)[start:stop]) if stop > start else EMPTY


def first_bytes(array: pa.Array) -> bytes:
    """The first byte of each value of an array of text; none of the values is empty, those that are null are left out."""
    array = array.drop_null() if array.null_count else array
    if not len(array):
        return EMPTY
    _, offsets, data = array.buffers()
    places = pa.Array.from_buffers(pa.int32(), len(array), [None, offsets], offset=array.offset)
    characters = pa.Array.from_buffers(pa.uint8(), data.size, [None, data])
    return bytes(memoryview(characters.take(places).buffers()[1])[: len(array)])


def longest(array: pa.Array) -> int:
    """How many bytes the longest text has; 0 where there is none."""
    return 0 if not pa.types.is_string(array.type) else pc.max(pc.binary_length(array)).as_py() or 0


def without_empty(array: pa.Array) -> pa.Array:
    """The array with empty text as null."""
    if len(array) == array.null_count or pc.min(pc.binary_length(array)).as_py():
        return array
    return pc.if_else(pc.equal(array, ""), pa.scalar(None, array.type), array)


def either(*masks: pa.Array | None) -> pa.Array | None:
    """Where one of the masks is true; None, for nowhere, where all are None."""
    told = [mask for mask in masks if mask is not None]
    if not told:
        return None
    found = told[0]
    for mask in told[1:]:
        found = pc.or_(found, mask)
    return found


def without(batch: pa.RecordBatch, gone: pa.Array) -> pa.RecordBatch:
    """The rows of a batch but those where a mask is true. Where these are few, what lies between them is copied in one piece each."""
    if gone.true_count > FEW:
        return batch.filter(pc.invert(gone))
    stops = [*pc.indices_nonzero(gone).to_pylist(), len(batch)]
    starts = [0, *(stop + 1 for stop in stops)]
    return pa.concat_batches([batch.slice(start, stop - start) for start, stop in zip(starts, stops, strict=False)])


def not_matching(array: pa.Array, pattern: str) -> pa.Array:
    """Where a value does not match a regular expression; null is no value."""
    return pc.fill_null(pc.invert(pc.match_substring_regex(array, pattern)), fill_value=False)


def matching(array: pa.Array, pattern: str) -> pa.Array:
    """Where a value matches a regular expression; null is no value."""
    return pc.fill_null(pc.match_substring_regex(array, pattern), fill_value=False)


def is_utf8(data: bytes) -> bool:
    """Whether bytes are UTF-8, without decoding them."""
    ends = pa.array([0, len(data)], pa.int32()).buffers()[1]
    text = pa.Array.from_buffers(pa.string(), 1, [None, ends, pa.py_buffer(data)])
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def decoded(array: pa.Array) -> pa.Array:
    """The values of an array, side by side."""
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def by_value(array: pa.Array, made: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """What `made` makes of each value by itself; where a dictionary holds the values, of each of these once."""
    if not pa.types.is_dictionary(array.type):
        return made(array)
    if len(array.dictionary) > len(array):
        return made(decoded(array))
    return pa.DictionaryArray.from_arrays(array.indices, made(array.dictionary), safe=False)


def each(array: pa.Array, written: Callable[[str], str | None]) -> pa.Array:
    """Each different text made into another, once; null stays null."""
    encoded = pc.dictionary_encode(array)
    return pa.array([written(value) for value in encoded.dictionary.to_pylist()], pa.string()).take(encoded.indices)


def json_text(array: pa.Array) -> pa.Array:
    """Text as it stands between the quotes of JSON."""
    data = text_bytes(array)
    if len(data.translate(None, CONTROL)) < len(data):
        return each(array, lambda text: json.dumps(text, ensure_ascii=False)[1:-1])
    if b"\\" in data:
        array = pc.replace_substring(array, "\\", "\\\\")
    return pc.replace_substring(array, '"', '\\"') if b'"' in data else array


def iso_text(moments: pa.Array) -> pa.Array:
    """Moments without a zone as ISO 8601 has them: `2026-01-12T14:03:55`, and six decimals where the seconds have a fraction.

    Moments in UTC are viewed as of no zone before: text of moments with a zone takes forty times as long.
    """
    try:
        return _with_t(pc.cast(moments, pa.timestamp("s")))
    except pa.ArrowInvalid:  # there are fractions
        seconds = pc.floor_temporal(moments, unit="second")
    return pc.if_else(pc.equal(seconds, moments), _with_t(pc.cast(seconds, pa.timestamp("s"))), _with_t(moments))


def _with_t(moments: pa.Array) -> pa.Array:
    return pc.binary_replace_slice(pc.cast(moments, pa.string()), 10, 11, "T")
