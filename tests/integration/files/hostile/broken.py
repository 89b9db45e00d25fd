"""Files that are not whole, not text, not what they are packed as, or cut into records at no place."""

import gzip
import io
import random
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping

from tests.integration.files.hostile.sent import FIXED, GZIP, JSONL, MIB, TWO, Sent, damaged, edited, parts_of, with_details
from tests.integration.files.place import as_csv

WHOLE = as_csv(TWO)
LINE = b"D," + b"," * 25 + b"\n"


def _names(edit: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def edited_names(whole: bytes) -> bytes:
        head, rows, trailer = parts_of(whole)
        return head[0] + edit(head[1].rstrip(b"\n")) + b"\n" + b"".join(rows) + trailer

    return edited_names


def _without(number: int) -> Callable[[bytes], bytes]:
    def edit(whole: bytes) -> bytes:
        lines = whole.splitlines(keepends=True)
        del lines[number]
        return b"".join(lines)

    return edit


def _random(size: int) -> bytes:
    return random.Random(7).randbytes(size)


class Bomb:
    """Gzip that unpacks to a MiB again and again: after a full flush the same bytes always unpack to the same."""

    def __init__(self, piece: bytes, times: int, before: bytes = b"") -> None:
        self._piece, self._times, self._before = piece, times, before

    def __iter__(self) -> Iterator[bytes]:
        packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        yield packer.compress(self._before) + packer.compress(self._piece) + packer.flush(zlib.Z_FULL_FLUSH)
        again = packer.compress(self._piece) + packer.flush(zlib.Z_FULL_FLUSH)
        yield from [again] * (self._times - 1)
        yield packer.flush()


def tar_of(data: bytes) -> bytes:
    """The data in an archive."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        entry = tarfile.TarInfo("../../etc/passwd")
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return made.getvalue()


def zip_of(data: bytes) -> bytes:
    """The data in an archive of another make."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("../../etc/passwd", data)
    return made.getvalue()


def _packed(data: bytes, plain: bytes = WHOLE) -> Sent:
    return Sent(data=[data], plain=[plain], name=GZIP)


def _long_named(data: bytes) -> bytes:
    """Gzip with a name and a comment of a MiB in its header."""
    head = b"\x1f\x8b\x08\x18" + b"\0" * 6 + b"n" * MIB + b"\0" + b"c" * MIB + b"\0"
    return head + gzip.compress(data, mtime=0)[10:]


CUT: Mapping[str, Callable[[], Sent]] = {
    "cut_off": lambda: damaged(lambda whole: whole[:-40]),
    "cut_off_and_its_hash_told_of_the_rest": lambda: edited(lambda whole: whole[:-40]),
    "without_trailer": lambda: edited(_without(-1)),
    "without_header": lambda: edited(_without(0)),
    "without_names_of_columns": lambda: edited(_without(1)),
    "trailer_in_the_middle": lambda: edited(with_details(lambda rows: rows[0] + b"T,2,0,USD:3000\n" + rows[1])),
    "details_after_the_trailer": lambda: edited(lambda whole: whole + parts_of(whole)[1][0]),
    "two_files_one_behind_the_other": lambda: edited(lambda whole: whole + whole),
    "header_of_another_file": lambda: edited(lambda whole: whole.replace(b"_0001\n", b"_0002\n")),
    "trailer_with_a_word_for_a_number": lambda: edited(lambda whole: whole.replace(b"T,2,", b"T,two,")),
    "trailer_with_a_card_number_for_a_currency": lambda: edited(lambda whole: whole.replace(b"USD:", b"4111111111111111:")),
    "trailer_of_a_mib": lambda: edited(lambda whole: whole.rstrip(b"\n") + b" USD:1" * 150_000 + b"\n"),
    "trailer_with_a_thousand_currencies": lambda: edited(
        lambda whole: whole.rstrip(b"\n") + b"".join(b" \x01%d:1" % number for number in range(90_000)) + b"\n"
    ),
    "wrong_hash": lambda: Sent(data=[WHOLE], said={"sha256_plain": "0" * 64}),
    "a_column_twice": lambda: edited(_names(lambda names: names.replace(b"posted_at", b"at"))),
    "a_column_too_many": lambda: edited(_names(lambda names: names + b",=cmd|calc")),
    "a_million_columns": lambda: edited(_names(lambda names: names + b",x" * 1_000_000)),
    "as_many_columns_as_a_line_can_hold": lambda: edited(_names(lambda names: names + b",x" * 500_000)),
    "a_row_of_half_a_million_cells": lambda: edited(with_details(lambda rows: b"".join(rows) + b"D" + b"," * 500_000 + b"\n")),
    "a_line_of_two_mib": lambda: edited(with_details(lambda rows: rows[0] + b"D," + b"x" * 2 * MIB + b"\n")),
    "no_end_of_line_in_30_mib": lambda: Sent(data=[b"D" * MIB] * 30),
    "a_quote_that_never_closes": lambda: edited(with_details(lambda rows: rows[0] + rows[1].replace(b"t2,", b'"t2,'))),
    "a_quote_that_never_closes_before_3_mib": lambda: edited(
        with_details(lambda rows: rows[0].replace(b"t1,", b'"t1,') + rows[1] * (3 * MIB // len(rows[1])))
    ),
    "quotes_all_over": lambda: edited(with_details(lambda rows: b"".join(rows) + b'"a"b"c""d"\n' * (4 * MIB // 11))),
    "half_a_character": lambda: edited(with_details(lambda rows: rows[0] + rows[1].replace(b"shop-1", b"shop-\xc3"))),
    "another_encoding": lambda: edited(with_details(lambda rows: rows[0] + rows[1].replace(b"shop-1,,,", b"shop-1,,,Caf\xe9"))),
    "utf_16_with_a_mark": lambda: edited(lambda whole: whole.decode().encode("utf-16")),
    "utf_16_without_a_mark": lambda: edited(lambda whole: whole.decode().encode("utf-16-be")),
    "a_mark_of_utf_8": lambda: edited(lambda whole: b"\xef\xbb\xbf" + whole),
    "ends_of_lines_mixed": lambda: edited(with_details(lambda rows: rows[0].replace(b"\n", b"\r\n") + b"\r\n\n" + rows[1])),
    "ends_of_lines_of_old_macs": lambda: edited(lambda whole: whole.replace(b"\n", b"\r")),
    "blank_lines_of_20_mib": lambda: edited(with_details(lambda rows: rows[0] + b"\n" * 20 * MIB + rows[1])),
    "nothing": lambda: Sent(data=[b""]),
    "an_end_of_line_alone": lambda: Sent(data=[b"\n"]),
    "zeros_of_30_mib": lambda: Sent(data=[b"\0" * MIB] * 30),
    "anything_at_all": lambda: Sent(data=[_random(3 * MIB)]),
    "anything_at_all_as_fixed": lambda: Sent(data=[_random(3 * MIB)], name=FIXED),
    "anything_at_all_as_jsonl": lambda: Sent(data=[_random(3 * MIB)], name=JSONL),
    "lines_of_one_letter": lambda: edited(with_details(lambda rows: b"".join(rows) + b"D\n" * 8 * MIB)),
    "lines_of_empty_cells": lambda: edited(with_details(lambda rows: b"".join(rows) + LINE * (16 * MIB // len(LINE)))),
    "lines_of_an_open_brace": lambda: Sent(data=[b"{\n" * 8 * MIB], name=JSONL),
    "lines_of_a_digit_as_fixed": lambda: Sent(data=[b"1\n" * 8 * MIB], name=FIXED),
}

PACKED: Mapping[str, Callable[[], Sent]] = {
    "gzip_cut_off": lambda: _packed(gzip.compress(WHOLE)[:-20]),
    "gzip_without_its_last_bytes": lambda: _packed(gzip.compress(WHOLE)[:-4]),
    "gzip_with_a_wrong_checksum": lambda: _packed(gzip.compress(WHOLE)[:-8] + b"\0" * 8),
    "gzip_with_something_behind": lambda: _packed(gzip.compress(WHOLE) + b"something"),
    "gzip_with_zeros_behind": lambda: _packed(gzip.compress(WHOLE) + b"\0" * 512),
    "gzip_of_nothing_at_all": lambda: Sent(data=[b""], plain=[b""], name=GZIP),
    "gzip_that_is_none": lambda: _packed(WHOLE),
    "gzip_in_gzip": lambda: _packed(gzip.compress(gzip.compress(WHOLE)), gzip.compress(WHOLE)),
    "gzip_in_two_members": lambda: _packed(gzip.compress(WHOLE[:100]) + gzip.compress(WHOLE[100:])),
    "gzip_whose_second_member_is_cut_off": lambda: _packed(gzip.compress(WHOLE[:100]) + gzip.compress(WHOLE[100:])[:-10]),
    "gzip_of_a_hundred_thousand_empty_members": lambda: _packed(gzip.compress(b"") * 100_000 + gzip.compress(WHOLE)),
    "gzip_with_names_of_a_mib": lambda: _packed(_long_named(WHOLE)),
    "archive_in_gzip": lambda: _packed(gzip.compress(tar_of(WHOLE)), tar_of(WHOLE)),
    "archive_for_gzip": lambda: _packed(zip_of(WHOLE)),
    "archive_for_csv": lambda: Sent(data=[zip_of(WHOLE)]),
    "bomb_of_zeros": lambda: Sent(data=Bomb(b"\0" * MIB, 4096), name=GZIP),
    "bomb_of_blank_lines": lambda: Sent(data=Bomb(b"\n" * MIB, 4096, before=b"".join(parts_of(WHOLE)[0])), name=GZIP),
    "bomb_of_details": lambda: Sent(data=Bomb(LINE * (MIB // len(LINE)), 4096, before=b"".join(parts_of(WHOLE)[0])), name=GZIP),
}
