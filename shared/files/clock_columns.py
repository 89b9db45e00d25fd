"""Columns of moments: by formats of directives made into ISO 8601, and by the clocks of zones. The same as `clocks` does one by one."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.files.arrays import each, matching
from shared.files.clocks import FRACTION, WIDTHS, Pieces, day_of, directives, hour_of, pattern_of, split_format, zone_of

UTC_MOMENT: Final = pa.timestamp("us", "UTC")
LOCAL_MOMENT: Final = pa.timestamp("us")
LOCAL_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001  (what a clock shows)
QUARTER: Final = 15 * 60 * 1_000_000
DAY: Final = frozenset("Yymbdj")
HOUR: Final = frozenset("HIp")


def iso_texts(array: pa.Array, form: str) -> pa.Array:
    """Moments by a format as ISO 8601 has them; null where the text is none."""
    pieces = _pieces(array, form)
    zero = pa.scalar("00")
    day = _together({name: piece for name, piece in pieces.items() if name in DAY}, "Ymd", "-", day_of)
    hours = {name: piece for name, piece in pieces.items() if name in HOUR}
    hour = _together(hours, "H", "", hour_of) if hours else pc.if_else(day.is_valid(), zero, None)
    time = pc.binary_join_element_wise(hour, pieces.get("M", zero), pieces.get("S", zero), ":")
    texts = [pc.binary_join_element_wise(day, time, "T")]
    if "f" in pieces:
        texts.append(pc.binary_join_element_wise(".", pc.ascii_rpad(pieces["f"], FRACTION, "0"), ""))
    if "z" in pieces:
        texts.append(pieces["z"])
    return pc.binary_join_element_wise(*texts, "") if len(texts) > 1 else texts[0]


def _pieces(array: pa.Array, form: str) -> dict[str, pa.Array]:
    """What stands for each directive; null where the text does not fit."""
    names = directives(form)
    if not all(name in WIDTHS for name in names):
        found = pc.extract_regex(array, f"^{pattern_of(form)}$")
        return {name[-1]: pc.struct_field(found, name[-1]) for name in names}
    fitting = pc.if_else(matching(array, f"^{pattern_of(form)}$"), array, pa.scalar(None, array.type))
    first, pairs = split_format(form)
    pieces, at = {}, len(first)
    for name, behind in pairs:
        pieces[name] = pc.utf8_slice_codeunits(fitting, at, at + WIDTHS[name])
        at += WIDTHS[name] + len(behind)
    return pieces


def _together(pieces: Mapping[str, pa.Array], plain: str, between: str, made: Callable[[Pieces], str | None]) -> pa.Array:
    """Pieces as one text: side by side where that is all, else made of each different ones once."""
    if set(pieces) == set(plain) and all(pc.min(pc.binary_length(piece)).as_py() != 1 for piece in pieces.values()):
        return pc.binary_join_element_wise(*(pieces[name] for name in plain), between) if len(plain) > 1 else pieces[plain]
    names = list(pieces)
    joined = pc.binary_join_element_wise(*pieces.values(), "|") if len(names) > 1 else pieces[names[0]]
    return each(joined, lambda text: made(dict(zip(names, text.split("|"), strict=True))))


def by_clock(local: pa.Array, zone: str) -> pa.Array:
    """Moments in UTC of what the clocks of a zone showed; null where that is not the same for a whole quarter of an hour."""
    quarters = _quarters(local)
    offsets = [_offset(start, zone) for start in quarters.dictionary.to_pylist()]
    return _minus(local, pa.array(offsets, pa.int64()).take(quarters.indices))


def by_clocks(local: pa.Array, zones: pa.Array) -> pa.Array:
    """The same, of a zone for each of them; null where there is no such zone."""
    quarters, named = _quarters(local), pc.dictionary_encode(zones)
    count = max(1, len(named.dictionary))
    places = pc.dictionary_encode(pc.add(pc.multiply(pc.cast(quarters.indices, pa.int64()), count), pc.cast(named.indices, pa.int64())))
    starts, names = quarters.dictionary.to_pylist(), named.dictionary.to_pylist()
    offsets = [_offset(starts[place // count], names[place % count]) for place in places.dictionary.to_pylist()]
    return _minus(local, pa.array(offsets, pa.int64()).take(places.indices))


def _quarters(local: pa.Array) -> pa.DictionaryArray:
    return pc.dictionary_encode(pc.floor_temporal(local, 15, "minute").view(pa.int64()))


def _minus(local: pa.Array, offsets: pa.Array) -> pa.Array:
    return pc.subtract(local.view(pa.int64()), offsets).view(UTC_MOMENT)


@lru_cache(maxsize=1 << 16)
def _offset(start: int, name: str) -> int | None:
    """By how many microseconds the clock was ahead of UTC during a quarter of an hour."""
    zone = zone_of(name)
    try:
        moments = [LOCAL_EPOCH + timedelta(microseconds=start + after) for after in (0, QUARTER - 1)]
        offsets = {moment.replace(tzinfo=zone).utcoffset() for moment in moments}
        shown = [moment.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) for moment in moments]
    except OverflowError:
        return None
    only = offsets.pop()
    if offsets or shown != moments or only is None:
        return None
    return round(only / timedelta(microseconds=1))
