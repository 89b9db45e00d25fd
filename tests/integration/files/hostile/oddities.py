"""Files that other programs packed, manifests and names that almost are what they should be, and Parquet of other makes."""

import gzip
import io
import lzma
import os
import struct
import zlib
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from tests.integration.files.hostile.broken import zip_of
from tests.integration.files.hostile.parquets import PARQUET, ROWS, columns_of, parquet_of
from tests.integration.files.hostile.parquets import sent as of_parquet
from tests.integration.files.hostile.records import DATA, SHA, added, named, told
from tests.integration.files.hostile.sent import CSV, FOLDER, GZIP, MIB, TWO, Sent
from tests.integration.files.place import as_csv, bought

WHOLE = as_csv(TWO)


def packed(data: bytes, plain: bytes = WHOLE) -> Callable[[], Sent]:
    """Data under the name of a gzip file."""
    return lambda: Sent(data=[data], plain=[plain], name=GZIP)


def _wrong_at_the_end() -> Sent:
    rows = tuple(bought(number) for number in range(60_000))
    data = gzip.compress(as_csv(rows), 1)
    return Sent(data=[data[:-8], bytes([data[-8] ^ 1]), data[-7:]], plain=[as_csv(rows)], name=GZIP, rows=rows)


def _raw(bits: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, bits)
    return packer.compress(WHOLE) + packer.flush()


def _members(count: int) -> bytes:
    """A member for every so many bytes."""
    step = max(1, len(WHOLE) // count)
    return b"".join(gzip.compress(WHOLE[at : at + step], mtime=0) for at in range(0, len(WHOLE), step))


OTHERS_PACKED: Mapping[str, Callable[[], Sent]] = {
    "zstd_for_gzip": packed(pa.compress(WHOLE, "zstd", asbytes=True)),
    "deflate_without_gzip": packed(_raw(-15)),
    "zip_in_gzip": packed(gzip.compress(zip_of(WHOLE)), zip_of(WHOLE)),
    "xz_for_csv": lambda: Sent(data=[lzma.compress(WHOLE)]),
    "zstd_for_csv": lambda: Sent(data=[pa.compress(WHOLE, "zstd", asbytes=True)]),
    "spreadsheet_for_csv": lambda: Sent(data=[b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 4096]),
    "xml_for_csv": lambda: Sent(data=[b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>\n']),
    "parquet_for_csv": lambda: Sent(data=[parquet_of(columns_of())]),
    "gzip_member_for_each_byte": packed(_members(len(WHOLE))),
    "gzip_with_a_wrong_checksum_at_the_very_end": _wrong_at_the_end,
    "gzip_with_a_wrong_length": packed(gzip.compress(WHOLE)[:-4] + struct.pack("<I", 7)),
    "gzip_and_another_gzip_of_another_file": packed(gzip.compress(WHOLE) * 2),
    "pgp_that_is_not_taken_here": lambda: Sent(
        data=[b"-----BEGIN PGP MESSAGE-----\n"], name=f"{CSV}.pgp", said={"sha256_cipher": "0" * 64}
    ),
}

TWICE = '"sums": {"USD": "3000", "USD": "3000"}'
ODD_MANIFESTS: Mapping[str, Callable[[], Sent]] = {
    "manifest_with_nan": added('"note": NaN'),
    "manifest_with_an_inner_member_twice": added(TWICE),
    "manifest_behind_a_mark_of_utf_8": lambda: Sent(data=[WHOLE], manifest=[b"\xef\xbb\xbf", *Sent(data=[WHOLE])._right_manifest(SHA)]),
    "manifest_with_something_behind": lambda: Sent(data=[WHOLE], manifest=[*Sent(data=[WHOLE])._right_manifest(SHA), b"{}"]),
    "manifest_of_the_longest_that_is_read": lambda: Sent(
        data=[WHOLE],
        manifest=[b" " * (100_000 - len(b"".join(Sent(data=[WHOLE])._right_manifest(SHA)))), *Sent(data=[WHOLE])._right_manifest(SHA)],
    ),
    "manifest_of_another_file": told(file_id="transactions_mybank_20260112_0002"),
    "count_beyond_64_bits": told(record_count=2**64 + 2),
    "sum_as_a_float": told(sums={"USD": 3000.0}),
    "sum_of_another_currency_of_nothing": told(sums={"USD": "3000", "EUR": "0"}),
    "entry_hash_in_digits_of_another_script": told(entry_hash="\u0660" * 10),
    "schema_version_nobody_has": told(schema_version="9999"),
    "bytes_of_the_file_that_are_not_so": told(file_bytes=7),
    "hash_of_the_file_that_is_not_so": told(file_sha256="0" * 64),
}

ODD_NAMES: Mapping[str, Callable[[], Sent]] = {
    "name_with_an_encoded_end_of_line": named("transactions_mybank%0a_20260112_0001_delta_r1.csv"),
    "name_with_a_slash_that_looks_so": named("transactions_my\u2215bank_20260112_0001_delta_r1.csv"),
    "name_in_capitals": named("TRANSACTIONS_MYBANK_20260112_0001_DELTA_R1.CSV"),
    "name_of_a_part": named("transactions_mybank_20260112_0001_delta_r1.csv.part"),
    "name_with_revision_01": named("transactions_mybank_20260112_0001_delta_r01.csv"),
    "name_of_a_full_revision_7": named("transactions_mybank_20260112_0001_full_r7.csv"),
    "name_of_a_file_in_work": named("work/transactions_mybank_20260112_0001_delta_r1.csv"),
}


def _grown(drops: Path) -> None:
    with (drops / DATA).open("ab") as file:
        file.write(as_csv(TWO))


def _in_other_case(drops: Path) -> None:
    (drops / FOLDER / CSV.replace("mybank", "MyBank")).write_bytes(WHOLE)


def _without_rights(drops: Path) -> None:
    (drops / DATA).write_bytes(b"")


def _swapped(drops: Path) -> None:
    """Other data of as many bytes, at the same moment."""
    kept = (drops / DATA).stat()
    (drops / DATA).write_bytes(WHOLE.replace(b"1500", b"1501"))

    os.utime(drops / DATA, ns=(kept.st_atime_ns, kept.st_mtime_ns))


def right(**other: object) -> Callable[[], Sent]:
    """A right file to which something happens."""
    return lambda: Sent(data=[WHOLE], **other)  # type: ignore[arg-type]


ODD_PLACES: Mapping[str, Callable[[], Sent]] = {
    "grown_after_it_was_noted": right(before=_grown),
    "grown_after_it_was_received": right(between=_grown),
    "same_name_in_other_case_beside_it": right(before=_in_other_case),
    "emptied_before_it_is_read": right(before=_without_rights),
    "other_data_of_as_many_bytes_at_the_same_moment": right(between=_swapped),
}


def _table(**other: object) -> pa.Table:
    return pa.table(dict(columns_of()) | other)


def _written(table: pa.Table, **how: object) -> bytes:
    made = io.BytesIO()
    parquet.write_table(table, made, **how)
    return made.getvalue()


def _in_footer(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def edit(data: bytes) -> bytes:
        start = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
        return data[:start] + data[start:].replace(old, new)

    return edit


def _flipped(every: int) -> bytes:
    data = bytearray(parquet_of(columns_of()))
    for at in range(len(data) - 400, len(data) - 12, every):
        data[at] ^= 0x55
    return bytes(data)


def _many_groups() -> bytes:
    return _written(_table(), row_group_size=1)


def _nulls() -> bytes:
    return _written(_table(transaction_id=pa.nulls(1000, pa.string())))


def _dictionary_of_long_texts() -> bytes:
    words = [f"{number:05}" + "x" * 9_000 for number in range(1_000)]
    return _written(_table(descriptor=pa.array(words).dictionary_encode()))


ODD_PARQUETS: Mapping[str, Callable[[], Sent]] = {
    "parquet_of_a_million_records_that_are_none": of_parquet(
        lambda: _in_footer(b"\x16\xd0\x0f", b"\x16\xfe\x7f")(parquet_of(columns_of()))
    ),
    "parquet_with_a_flipped_footer": of_parquet(lambda: _flipped(7)),
    "parquet_of_a_thousand_groups": of_parquet(_many_groups),
    "parquet_of_no_records": of_parquet(lambda: _written(_table().slice(0, 0)), rows=()),
    "parquet_of_no_columns": of_parquet(lambda: _written(pa.table({}))),
    "parquet_with_a_required_column_of_nulls": of_parquet(_nulls),
    "parquet_with_a_dictionary_of_long_texts": of_parquet(_dictionary_of_long_texts),
    "parquet_with_a_map": of_parquet(
        lambda: _written(_table(descriptor=pa.array([[("a", "b")]] * 1000, pa.map_(pa.string(), pa.string()))))
    ),
    "parquet_with_times_of_nanoseconds": of_parquet(
        lambda: _written(_table(at=pa.array([1768210867000000001] * 1000, pa.timestamp("ns", "UTC"))))
    ),
    "parquet_with_times_of_no_zone": of_parquet(lambda: _written(_table(at=pa.array([1768210867000000] * 1000, pa.timestamp("us"))))),
    "parquet_with_times_beyond_the_calendar": of_parquet(lambda: _written(_table(at=pa.array([2**62] * 1000, pa.timestamp("us", "UTC"))))),
    "parquet_with_times_of_a_zone_nobody_knows": of_parquet(
        lambda: _written(_table(at=pa.array([1768210867000000] * 1000, pa.timestamp("us", "Mars/Olympus"))))
    ),
    "parquet_with_decimals_for_minor_units": of_parquet(
        lambda: _written(_table(amount=pa.array([Decimal("15.00")] * 1000, pa.decimal128(12, 2))))
    ),
    "parquet_with_unsigned_amounts": of_parquet(lambda: _written(_table(amount=pa.array([2**64 - 1] * 1000, pa.uint64())))),
    "parquet_of_the_second_kind_of_pages": of_parquet(lambda: _written(_table(), data_page_version="2.0")),
    "parquet_of_streams_of_split_bytes": of_parquet(
        lambda: _written(_table(), use_dictionary=False, column_encoding={"amount": "BYTE_STREAM_SPLIT"})
    ),
    "parquet_with_names_of_columns_of_a_mib": of_parquet(lambda: _written(_table(**{"x" * MIB: pa.array(["x"] * 1000)}))),
    "parquet_behind_something_else": of_parquet(lambda: b"something" + parquet_of(columns_of())),
    "parquet_twice": of_parquet(lambda: parquet_of(columns_of()) * 2),
    "feather_for_parquet": lambda: Sent(data=[b"ARROW1\0\0" + b"\0" * 100 + b"ARROW1"], rows=ROWS, name=PARQUET),
}
