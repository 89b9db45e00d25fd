"""Files of Parquet whose footer or pages lie, that unpack to more than is good, or hold what no field can take."""

import io
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from tests.integration.files.hostile.sent import MIB, TWO, Sent
from tests.integration.files.place import FILE, as_csv, bought

PARQUET = f"{FILE}_delta_r1.parquet"
ROWS = tuple(bought(number) for number in range(1_000))
Columns = Mapping[str, Any]


def columns_of(rows: tuple[Mapping[str, object], ...] = ROWS) -> dict[str, Any]:
    """The rows as columns."""
    return {name: [row[name] for row in rows] for name in rows[0]}


def parquet_of(columns: Columns, **how: object) -> bytes:
    """A file of these columns."""
    made = io.BytesIO()
    parquet.write_table(pa.table(dict(columns)), made, **how)
    return made.getvalue()


def sent(build: Callable[[], bytes], rows: tuple[Mapping[str, object], ...] = ROWS, name: str = PARQUET) -> Callable[[], Sent]:
    """A file whose manifest tells what is true of these rows."""
    return lambda: Sent(data=[build()], rows=rows, name=name)


def _with(**other: Any) -> Callable[[], Sent]:
    """A thousand purchases with other columns."""
    return sent(lambda: parquet_of(columns_of() | other))


def _edited(edit: Callable[[bytes], bytes], **how: object) -> Callable[[], Sent]:
    return sent(lambda: edit(parquet_of(columns_of(), **how)))


def _in_footer(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """Numbers of the footer changed to others of as many bytes."""

    def edit(data: bytes) -> bytes:
        start = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
        assert old in data[start:]
        return data[:start] + data[start:].replace(old, new)

    return edit


def _length(number: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:-8] + number.to_bytes(4, "little") + data[-4:]


def _page_of_64_mib(data: bytes) -> bytes:
    """The first page says that it unpacks to nearly 64 MiB: a number of four bytes, as its own is."""
    assert data[4:7] == b"\x15\x00\x15"
    assert data[10] < 0x80 <= min(data[7:10])
    return data[:7] + b"\xfe\xff\xff\x3f" + data[11:]


def _long(count: int, size: int) -> dict[str, Any]:
    return _many(count) | {"descriptor": ["x" * size] * count}


def _many(count: int) -> dict[str, Any]:
    return columns_of(tuple(bought(number) for number in range(count)))


def _one_for_all(count: int, size: int) -> pa.Array:
    """One long value that stands in every record, and once in the file."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), pa.array(["x" * size]))


PLAIN = {"use_dictionary": False, "compression": "none", "data_page_size": 8 * MIB}

PARQUETS: Mapping[str, Callable[[], Sent]] = {
    "parquet": _with(),
    "parquet_cut_off": _edited(lambda data: data[:-20]),
    "parquet_without_its_beginning": _edited(lambda data: data[200:]),
    "parquet_of_zeros": _edited(lambda data: b"\0" * len(data)),
    "parquet_of_nothing": sent(lambda: b""),
    "parquet_of_its_mark_alone": sent(lambda: b"PAR1"),
    "parquet_of_anything_for_a_footer": _edited(lambda data: data[:-600] + b"\x15" * 592 + data[-8:]),
    "parquet_with_a_footer_of_4_gib": _edited(_length(2**32 - 1)),
    "parquet_with_a_footer_beyond_its_beginning": _edited(_length(10**6)),
    "parquet_with_a_footer_of_5_mib": sent(lambda: b"PAR1" + b"\0" * 5 * MIB + (5 * MIB).to_bytes(4, "little") + b"PAR1"),
    "parquet_that_is_encrypted": _edited(lambda data: data[:-4] + b"PARE"),
    "parquet_that_is_csv": sent(lambda: as_csv(TWO), TWO),
    "parquet_that_is_packed": sent(lambda: parquet_of(columns_of()), name=f"{PARQUET}.gz"),
    "parquet_that_says_it_has_more_records": _edited(_in_footer(b"\xd0\x0f", b"\xd2\x0f")),
    "parquet_that_says_it_has_fewer_records": _edited(_in_footer(b"\xd0\x0f", b"\xce\x0f")),
    "parquet_that_says_it_has_less_than_none": _edited(_in_footer(b"\xd0\x0f", b"\xd1\x0f")),
    "parquet_that_ends_who_reads_it": _edited(_in_footer(b"\x25\x02\x18", b"\x25\x00\x18")),
    "parquet_with_a_page_of_64_mib": sent(
        lambda: _page_of_64_mib(parquet_of({"transaction_id": ["t" * 1100] * 1_000} | _without_id(), **PLAIN))
    ),
    "parquet_with_pages_of_anything": _edited(lambda data: data[:4] + bytes(range(256)) * 8 + data[2052:]),
    "parquet_whose_values_are_anything": _edited(lambda data: data[:60] + b"\xff" * 100 + data[160:], compression="none"),
    "parquet_bomb_of_values": sent(lambda: parquet_of(_long(100_000, 1_000), use_dictionary=False, compression="zstd")),
    "parquet_bomb_of_a_dictionary": sent(
        lambda: parquet_of(_long(60_000, 1) | {"descriptor": _one_for_all(60_000, 900_000)}, compression="zstd")
    ),
    "parquet_bomb_of_prefixes": sent(
        lambda: parquet_of(_long(2_000, 9_000), use_dictionary=False, column_encoding={"descriptor": "DELTA_BYTE_ARRAY"})
    ),
    "parquet_with_a_long_value_in_a_group_of_70_000": sent(lambda: parquet_of(_many(70_000) | {"descriptor": _one_for_all(70_000, 600)})),
    "parquet_with_a_list": _with(descriptor=[["a", "b"]] * 1_000),
    "parquet_with_a_struct": _with(descriptor=[{"a": 1}] * 1_000),
    "parquet_with_nested_lists": _with(descriptor=[[[[[1]]]]] * 1_000),
    "parquet_with_amounts_as_floats": _with(amount=[float("nan")] * 1_000),
    "parquet_with_ids_as_numbers": _with(transaction_id=list(range(1_000))),
    "parquet_with_bytes_for_text": _with(descriptor=[b"\xff\xfe"] * 1_000),
    "parquet_with_dates_for_moments": _with(at=pa.array([20_000] * 1_000, pa.date32())),
    "parquet_without_a_column": sent(lambda: parquet_of(_without_id())),
    "parquet_with_an_unknown_column": _with(**{"=cmd|calc": [1] * 1_000}),
    "parquet_with_2000_columns": _with(**{f"c{number}": [1] * 1_000 for number in range(2_000)}),
    "parquet_with_text_that_is_none": sent(
        lambda: parquet_of(columns_of() | {"descriptor": ["shop 7"] * 1_000}, compression="none").replace(b"shop 7", b"shop \xff")
    ),
    "parquet_with_an_amount_below_zero": _with(amount=[-1500] + [1500] * 999),
    "parquet_with_an_amount_beyond_reason": _with(amount=[2**62] + [1500] * 999),
    "parquet_with_a_card_number": _with(descriptor=["4111 1111 1111 1111"] + ["shop"] * 999),
    "parquet_with_nobodys_purchases": _with(customer_id=[None] * 1_000),
}


def _without_id() -> dict[str, Any]:
    return {name: column for name, column in columns_of().items() if name != "transaction_id"}
