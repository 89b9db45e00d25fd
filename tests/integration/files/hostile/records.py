"""Files that are whole, with records that are not what they should be; and manifests that lie or are none."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.integration.files.hostile.sent import CSV, FIXED, FOLDER, JSONL, MIB, TWO, Sent, csv, edited, with_details
from tests.integration.files.place import FILE, Row, as_csv, as_jsonl, bought, manifest_of

HEADER = {"record": "header", "file_id": FILE}
CARD = "4111 1111 1111 1111"


def _one_of_two(**other: object) -> Callable[[], Sent]:
    return lambda: csv(bought(1), bought(2, **other))


def _raw(cell: bytes, instead: bytes) -> Callable[[], Sent]:
    """The second of two purchases with something in place of a cell's bytes."""
    return lambda: edited(with_details(lambda rows: rows[0] + rows[1].replace(cell, instead)))


def jsonl(*lines: bytes, rows: tuple[Row, ...] = TWO) -> Sent:
    """Lines of JSON with header and trailer; the trailer tells what is true of `rows`."""
    told = manifest_of(rows)
    sums = " ".join(f"{currency}:{minor}" for currency, minor in told.pop("sums").items())
    trailer = json.dumps({"record": "trailer", **told, "sums": sums}).encode()
    return Sent(data=[b"\n".join([json.dumps(HEADER).encode(), *lines, trailer, b""])], name=JSONL, rows=rows)


def _object(line: bytes) -> Callable[[], Sent]:
    """A good line, and another one."""
    return lambda: jsonl(as_jsonl([bought(1)]).strip(), line)


def _member(name: str, value: bytes) -> Callable[[], Sent]:
    """A good purchase, and one with a member as it is written here."""
    return _object(as_jsonl([bought(2) | {name: "?"}]).strip().replace(b'"?"', value))


def _escapes() -> Sent:
    rows = tuple(bought(number, descriptor="\u00e9 shop") for number in range(30_000))
    return jsonl(*as_jsonl(rows).splitlines(), rows=rows)


def _two_byte_characters() -> Sent:
    return csv(*(bought(number, descriptor="\u00e9" * (80 + number % 2)) for number in range(12_000)))


def _many_faults() -> Sent:
    wrong = {"kind": "?", "currency": "?", "tip": "?", "tax": "?", "channel": "?", "country": "?", "mcc": "?", "network": "?"}
    row = as_csv([bought(1, **wrong)]).splitlines(keepends=True)[2]
    return edited(with_details(lambda rows: b"".join(rows) + row * (20 * MIB // len(row))))


RECORDS: Mapping[str, Callable[[], Sent]] = {
    "amount_with_an_exponent": _one_of_two(amount="1e9"),
    "amount_that_is_no_number": _one_of_two(amount="NaN"),
    "amount_without_end": _one_of_two(amount="Infinity"),
    "amount_in_arabic_digits": _one_of_two(amount="\u0661\u0662\u0663"),
    "amount_below_zero": _one_of_two(amount="-1500"),
    "amount_of_a_hundred_digits": _one_of_two(amount="9" * 100),
    "amount_with_underscores": _one_of_two(amount="1_500"),
    "day_in_the_year_0": _one_of_two(at="0000-01-01T00:00:00Z"),
    "day_in_the_year_10000": _one_of_two(at="10000-01-01T00:00:00Z"),
    "february_30": _one_of_two(at="2026-02-30T00:00:00Z"),
    "second_60": _one_of_two(at="2026-01-12T23:59:60Z"),
    "formula": _one_of_two(descriptor="=HYPERLINK(1)"),
    "formula_behind_a_tab": _one_of_two(descriptor="\t=1+1"),
    "card_number_in_a_free_text": _one_of_two(descriptor=f"PAYMENT {CARD}"),
    "card_number_as_an_id": _one_of_two(card_token=CARD.replace(" ", "")),
    "nul_in_a_cell": _raw(b"shop-1", b"shop\x00-1"),
    "cell_of_900_kb": _one_of_two(descriptor="x" * 900_000),
    "statement_of_a_database_for_an_id": _one_of_two(merchant_id="'); DROP TABLE drops;--"),
    "markup_in_a_free_text": _one_of_two(descriptor="<script>alert(1)</script>"),
    "bell_in_a_free_text": _one_of_two(descriptor="ding\x07"),
    "one_purchase_twice": lambda: csv(bought(1), bought(1)),
    "characters_over_ends_of_blocks": _two_byte_characters,
    "eight_faults_in_each_of_many_records": _many_faults,
    "nested_lines_without_end": _object(b"[" * 900_000),
    "nested_member_without_end": _member("items", b"[" * 200_000 + b"]" * 200_000),
    "nested_member_of_some_hundred": _member("items", b"[" * 480 + b"]" * 480),
    "nested_objects_of_some_hundred": _member("items", b'{"a":' * 480 + b"1" + b"}" * 480),
    "member_twice": _object(as_jsonl([bought(2)]).strip().replace(b'"amount": 1500', b'"amount": 1500, "amount": 1')),
    "no_number_as_json": _member("tip", b"NaN"),
    "number_of_900_kb": _member("tip", b"9" * 900_000),
    "number_with_an_exponent_without_end": _member("tip", b"1e999999999"),
    "half_a_surrogate": _member("descriptor", b'"shop \\ud800"'),
    "escaped_nul": _member("descriptor", b'"shop \\u0000"'),
    "line_that_is_a_list": _object(b"[1, 2]"),
    "member_nobody_knows_with_a_nul": _member("\u0000", b"1"),
    "thirty_thousand_lines_with_escapes": _escapes,
    "fixed_record_too_long": lambda: Sent(data=[b"D" + b" " * 10_000 + b"\n"], name=FIXED),
}


def manifest(raw: bytes) -> Callable[[], Sent]:
    """A right file with this for a manifest."""
    return lambda: Sent(data=[as_csv(TWO)], manifest=[raw])


def told(**said: object) -> Callable[[], Sent]:
    """A right file of which this is said."""
    return lambda: Sent(data=[as_csv(TWO)], said=said)


def added(text: str) -> Callable[[], Sent]:
    """A right file with a manifest that has this before its right members, as it is written."""

    def sent() -> Sent:
        (right,) = Sent(data=[as_csv(TWO)])._right_manifest(SHA)
        return Sent(data=[as_csv(TWO)], manifest=[b"{" + text.encode() + b", " + right[1:]])

    return sent


SHA = "0" * 64

MANIFESTS: Mapping[str, Callable[[], Sent]] = {
    "manifest_that_is_empty": manifest(b""),
    "manifest_that_is_no_json": manifest(b"file_id: transactions"),
    "manifest_that_is_a_list": manifest(b"[]"),
    "manifest_that_is_cut_off": manifest(b'{"file_id": "transactions_myb'),
    "manifest_in_utf_16": manifest('{"file_id": "x"}'.encode("utf-16")),
    "manifest_nested_without_end": manifest(b"[" * 99_000),
    "manifest_with_an_int_of_90_kb": manifest(b'{"record_count": ' + b"9" * 90_000 + b"}"),
    "manifest_of_100_mib": lambda: Sent(data=[as_csv(TWO)], manifest=[b" " * MIB] * 100),
    "manifest_of_a_bomb_of_members": added(", ".join(f'"m{number}": {number}' for number in range(6_000))),
    "manifest_with_a_member_twice": added('"record_count": 7'),
    "manifest_with_half_a_surrogate": added('"note": "\\ud800"'),
    "manifest_with_a_nul_in_a_name": added('"\\u0000": 1'),
    "manifest_with_a_card_number": added(f'"{CARD}": "{CARD}"'),
    "count_below_zero": told(record_count=-1),
    "count_as_a_float": told(record_count=2.5),
    "count_beyond_reason": told(record_count=10**12),
    "sum_below_zero": told(sums={"USD": "-3000"}),
    "sum_of_23_digits": told(sums={"USD": "9" * 23}),
    "sum_of_a_thousand_digits": told(sums={"USD": 10**1000}),
    "sums_of_more_currencies_than_there_are": told(sums={f"{a}{b}{c}": "0" for a in "ABCDEF" for b in "ABCDEF" for c in "ABCDEFGH"}),
    "sum_of_what_is_no_currency": told(sums={"\x00\x01": "1"}),
    "hash_in_large_letters": told(sha256_plain="A" * 64),
    "hash_of_a_cipher_of_a_plain_file": told(sha256_cipher="a" * 64),
    "first_event_after_the_last": told(first_event_at="2026-01-13T00:00:00Z", last_event_at="2026-01-12T00:00:00Z"),
    "event_in_the_year_9999": told(first_event_at="9999-12-31T23:59:59Z", last_event_at="9999-12-31T23:59:59Z"),
    "file_id_that_leads_out": told(file_id="../../etc/passwd"),
    "schema_version_that_leads_out": told(schema_version="../1"),
    "revision_that_takes_its_own_place": told(revision=1, supersedes=1),
    "revision_0": told(revision=0),
}


def named(name: str) -> Callable[[], Sent]:
    """A right file under this name."""
    return lambda: Sent(data=[as_csv(TWO)], name=name)


NAMES: Mapping[str, Callable[[], Sent]] = {
    "name_with_an_encoded_way_out": named("%2e%2e_mybank_20260112_0001_delta_r1.csv"),
    "name_with_a_day_that_is_none": named("transactions_mybank_20260230_0001_delta_r1.csv"),
    "name_with_the_year_0": named("transactions_mybank_00000101_0001_delta_r1.csv"),
    "name_in_arabic_digits": named("transactions_mybank_\u0662\u0660\u0662\u0666\u0660\u0661\u0661\u0662_0001_delta_r1.csv"),
    "name_with_the_sequence_0": named("transactions_mybank_20260112_0000_delta_r1.csv"),
    "name_with_a_sender_that_is_a_formula": named("transactions_=cmd_20260112_0001_delta_r1.csv"),
    "name_packed_twice": named(f"{CSV}.gz.gz"),
    "name_of_an_archive": named(f"{FILE}_delta_r1.csv.zip"),
    "name_without_parts": named("x"),
    "name_of_240_letters": named("t" * 240),
    "name_with_a_card_number": named("4111111111111111_mybank_20260112_0001_delta_r1.csv"),
    "kind_that_is_not_taken": named("credits_mybank_20260112_0001_delta_r1.csv"),
}

DATA = f"{FOLDER}/{CSV}"


def _instead(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def replace(drops: Path) -> None:
        (drops / DATA).unlink()
        make(drops / DATA)

    return replace


def _appended(drops: Path) -> None:
    with (drops / DATA).open("ab") as file:
        file.write(b"more\n")


def _manifest_again(drops: Path) -> None:
    manifest = drops / f"{DATA}.manifest.json"
    kept = manifest.read_bytes()
    manifest.unlink()
    manifest.write_bytes(kept + b" ")


def _manifest_link(drops: Path) -> None:
    manifest = drops / f"{DATA}.manifest.json"
    manifest.rename(drops / "elsewhere")
    manifest.symlink_to(drops / "elsewhere")


def _right(**other: object) -> Callable[[], Sent]:
    return lambda: Sent(data=[as_csv(TWO)], **other)  # type: ignore[arg-type]


PLACE: Mapping[str, Callable[[], Sent]] = {
    "data_that_are_not_there": _right(before=lambda drops: (drops / DATA).unlink()),
    "link_to_data_outside": _right(before=_instead(lambda path: path.symlink_to("/etc/passwd"))),
    "pipe_for_data": _right(before=_instead(os.mkfifo)),
    "folder_for_data": _right(before=_instead(Path.mkdir)),
    "manifest_replaced_before_it_is_read": _right(before=_manifest_again),
    "link_to_the_manifest": _right(before=_manifest_link),
    "replaced_after_it_was_received": _right(between=_instead(lambda path: path.write_bytes(as_csv(TWO)))),
    "removed_after_it_was_received": _right(between=lambda drops: (drops / DATA).unlink()),
    "written_on_after_it_was_received": _right(between=_appended),
}
