"""What a column must hold so that the row model takes it: proven of the whole column where that can be, found out by value else."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from string import ascii_letters, digits
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ConfigDict, TypeAdapter, ValidationError

from shared.files.arrays import either, first_bytes, matching, not_matching, text_bytes
from shared.kernel.cards import SEPARATORS, SHORTEST, find_card_number
from shared.kernel.money import MAX_MINOR
from shared.kernel.wire import YEARS, Amount, Descriptor, ExternalId, Moment, Region, Text, Wire

Check = Callable[[pa.Array, int], pa.Array | None]
"""Where values are that are not proven, None for nowhere; null is no value. Beside text stands how many bytes the longest has."""

ALPHANUMERIC: Final = (ascii_letters + digits).encode()
ID_BYTES: Final = ALPHANUMERIC + b"_.:-"
ID_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$"
LONGEST_ID: Final = 64
CONTROL: Final = bytes(range(0x20)) + b"\x7f"
CARD_PATTERN: Final = r"(?:^|[^0-9A-Za-z])(?:[0-9]{13,19}|[0-9]+(?:[ ._-][0-9]+){2,})(?:[^0-9A-Za-z]|$)"
FIRST_MOMENT: Final = pa.scalar(datetime(YEARS[0], 1, 1, tzinfo=UTC), pa.timestamp("us", "UTC"))
END_OF_MOMENTS: Final = pa.scalar(datetime(YEARS[-1] + 1, 1, 1, tzinfo=UTC), pa.timestamp("us", "UTC"))
ENOUGH_DIGITS: Final = b"0" * SHORTEST
BEYOND_ASCII: Final = bytes(range(0x80, 0x100))
AS_DIGITS: Final = bytes.maketrans(b"123456789" + BEYOND_ASCII, b"0" * (9 + len(BEYOND_ASCII)))
"""What is a digit, or a part of one of another script as far as a byte can tell."""
SMALLEST_CARD_NUMBER: Final = 10 ** (SHORTEST - 1)
MOST_REMEMBERED: Final = 1 << 10


@cache
def check_of(model: type[Wire], name: str) -> Check:
    """The check of a field of the row model."""
    hint = _without_none(get_type_hints(model, include_extras=True)[name])
    return next((check for known, check in CHECKS if known == hint), None) or _by_value(hint)


def card_numbers(array: pa.Array, size: int) -> pa.Array | None:
    """Where a column of text or whole numbers holds a card number, or may."""
    if pa.types.is_integer(array.type):
        return _above(array, SMALLEST_CARD_NUMBER - 1)
    if not pa.types.is_string(array.type) or size < SHORTEST or _lacks_digits(text_bytes(array)):
        return None
    candidates = matching(array, CARD_PATTERN)
    if not text_bytes(array).isascii():
        outlandish = pc.and_(pc.invert(pc.string_is_ascii(array)), pc.greater_equal(pc.utf8_length(array), SHORTEST))
        candidates = pc.or_(candidates, pc.fill_null(outlandish, fill_value=False))
    if not pc.any(candidates).as_py():
        return None
    texts = pc.if_else(candidates, array, pa.scalar(None, array.type)).to_pylist()
    return pa.array([text is not None and find_card_number(text.encode()) is not None for text in texts])


def _lacks_digits(data: bytes) -> bool:
    """Whether there are not even as many digits in a row as a card number has, separators and borders of values left out."""
    return ENOUGH_DIGITS not in data.translate(AS_DIGITS, SEPARATORS)


def _above(numbers: pa.Array, most: int) -> pa.Array | None:
    """Where numbers are larger."""
    bound = pa.scalar(most, numbers.type) if pa.types.is_uint64(numbers.type) else most  # which no other type compares with
    return pc.fill_null(pc.greater(numbers, bound), fill_value=False) if (pc.max(numbers).as_py() or 0) > most else None


def formulas(array: pa.Array) -> pa.Array | None:
    """Where text begins as a formula does."""
    first = first_bytes(array)
    return matching(array, "^[=+@-]") if len(first.translate(None, b"=+-@")) < len(first) else None


def _without_none(hint: Any) -> Any:  # noqa: ANN401  (hints have no common type)
    if get_origin(hint) in {Union, UnionType}:
        inner = [part for part in get_args(hint) if part is not NoneType]
        return inner[0] if len(inner) == 1 else Union[tuple(inner)]  # noqa: UP007  (of a list)
    return hint


def _id(array: pa.Array, size: int) -> pa.Array | None:
    data = text_bytes(array)
    proven = data.isalnum() or (not data.translate(None, ID_BYTES) and not first_bytes(array).translate(None, ALPHANUMERIC))
    return None if proven and size <= LONGEST_ID else not_matching(array, ID_PATTERN)


def _text(most: int, allowed: bytes = b"") -> Check:
    control = CONTROL.translate(None, allowed)
    pattern = "[" + "".join(rf"\x{{{byte:x}}}" for byte in control) + "]"

    def check(array: pa.Array, size: int) -> pa.Array | None:
        data = text_bytes(array)
        bad = matching(array, pattern) if len(data.translate(None, control)) < len(data) else None
        if size <= most:
            return bad
        long = pc.fill_null(pc.greater(pc.utf8_length(array), most), fill_value=False)
        return long if bad is None else pc.or_(long, bad)

    return check


def _descriptor(array: pa.Array, size: int) -> pa.Array | None:
    """With a letter or digit in it, which is proven of those that begin with one."""
    wordless = not_matching(array, "[0-9A-Za-z]") if first_bytes(array).translate(None, ALPHANUMERIC) else None
    return either(wordless, FREE_TEXT(array, size))


def _amount(array: pa.Array, _size: int) -> pa.Array | None:
    """Amounts are never negative as they are read."""
    return _above(array, MAX_MINOR)


def _moment(array: pa.Array, _size: int) -> pa.Array | None:
    ends = pc.min_max(array)
    if not ends["min"].is_valid or (ends["min"].value >= FIRST_MOMENT.value and ends["max"].value < END_OF_MOMENTS.value):
        return None
    outside = pc.or_(pc.less(array, FIRST_MOMENT), pc.greater_equal(array, END_OF_MOMENTS))
    return pc.fill_null(outside, fill_value=False)


def _by_value(hint: Any) -> Check:  # noqa: ANN401
    """By asking the row model of each value once."""
    adapter: TypeAdapter[Any] = TypeAdapter(hint, config=ConfigDict(strict=True))
    known: dict[pa.DataType, pa.Array] = {}
    """Values that were found good, and null."""

    def is_bad(value: object) -> bool:
        try:
            adapter.validate_python(value)
        except ValidationError:
            return True
        return False

    def check(array: pa.Array, _size: int) -> pa.Array | None:
        good = known.setdefault(array.type, pa.nulls(1, array.type))
        if pc.all(pc.is_in(array, value_set=good)).as_py():
            return None
        encoded = pc.dictionary_encode(array)
        bad = pa.array([is_bad(value) for value in encoded.dictionary.to_pylist()], pa.bool_())
        found = pc.unique(pa.concat_arrays([good, encoded.dictionary.filter(pc.invert(bad))]))
        known[array.type] = found if len(found) <= MOST_REMEMBERED else good
        return pc.fill_null(bad.take(encoded.indices), fill_value=False) if pc.any(bad).as_py() else None

    return check


FREE_TEXT: Final = _text(100)
CHECKS: Final[tuple[tuple[Any, Check], ...]] = (
    (ExternalId, _id),
    (Region, _text(64)),
    (Text, _text(500, b"\t\n\r")),
    (Descriptor, _descriptor),
    (Amount, _amount),
    (Moment, _moment),
)
