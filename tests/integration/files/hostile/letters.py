"""Characters that look like others or like none, ends of lines of other worlds, and figures and days that only some programs read."""

from collections.abc import Callable, Mapping

from tests.integration.files.hostile.records import jsonl
from tests.integration.files.hostile.sent import MIB, TWO, Sent, csv, edited, parts_of, with_details
from tests.integration.files.place import as_csv, as_jsonl, bought


def _cell(**other: object) -> Callable[[], Sent]:
    return lambda: csv(bought(1), bought(2, **other))


def _in_second(cell: bytes, instead: bytes) -> Callable[[], Sent]:
    return lambda: edited(with_details(lambda rows: rows[0] + rows[1].replace(cell, instead)))


def _between(between: bytes) -> Callable[[], Sent]:
    """The end of the first detail is something else."""
    return lambda: edited(with_details(lambda rows: rows[0].rstrip(b"\n") + between + rows[1]))


def _member(name: str, value: bytes) -> Callable[[], Sent]:
    line = as_jsonl([bought(2) | {name: "?"}]).strip().replace(b'"?"', value)
    return lambda: jsonl(as_jsonl([bought(1)]).strip(), line)


def _names(old: bytes, new: bytes) -> Callable[[], Sent]:
    return lambda: edited(lambda whole: whole.replace(old, new, 1))


def _details(details: Callable[[list[bytes]], bytes]) -> Callable[[], Sent]:
    return lambda: edited(with_details(details))


LETTERS: Mapping[str, Callable[[], Sent]] = {
    "mark_of_utf_8_in_the_middle": _details(lambda rows: rows[0] + b"\xef\xbb\xbf" + rows[1]),
    "mark_of_utf_8_twice": lambda: edited(lambda whole: b"\xef\xbb\xbf\xef\xbb\xbf" + whole),
    "overlong_utf_8": _in_second(b"shop-1", b"shop\xc0\xaf1"),
    "surrogate_in_utf_8": _in_second(b"shop-1", b"shop\xed\xa0\x801"),
    "character_beyond_unicode": _in_second(b"shop-1", b"shop\xf4\x90\x80\x801"),
    "line_separator_in_a_text": _cell(descriptor="one\u2028two"),
    "next_line_in_a_text": _cell(descriptor="one\u0085two"),
    "line_separator_for_an_end_of_line": _between("\u2028".encode()),
    "next_line_for_an_end_of_line": _between("\u0085".encode()),
    "vertical_tab_for_an_end_of_line": _between(b"\x0b"),
    "return_for_an_end_of_line": _between(b"\r"),
    "return_within_a_line": _in_second(b"shop-1", b"shop\r-1"),
    "returns_before_an_end_of_line": _between(b"\r\r\n"),
    "end_of_file_of_old": lambda: edited(lambda whole: whole + b"\x1a"),
    "text_from_right_to_left": _cell(descriptor="shop \u202etxt.exe"),
    "text_of_no_width": _cell(descriptor="\u200b\u200c\u200d\ufeff"),
    "id_with_a_character_of_no_width": _cell(merchant_id="shop\u200b-1"),
    "id_from_right_to_left": _cell(merchant_id="\u202eshop-1"),
    "id_in_letters_that_look_the_same": _cell(merchant_id="sh\u043ep-1"),
    "id_of_combining_letters": _cell(merchant_id="shope\u0301"),
    "text_of_a_thousand_accents": _cell(descriptor="e" + "\u0301" * 1000),
    "id_between_blanks": _cell(merchant_id=" shop-1 "),
    "card_number_in_digits_of_several_scripts": _cell(descriptor="pay \uff14111 1111 1111 111\u0661"),
    "card_number_with_characters_of_no_width": _cell(descriptor="pay 4111\u200b1111\u200b1111\u200b1111"),
    "card_number_over_hard_blanks": _cell(descriptor="pay 4111\u00a01111\u00a01111\u00a01111"),
    "columns_named_in_other_letters": _names(b"amount", "\u0430mount".encode()),
    "columns_named_in_capitals": _names(b"amount", b"AMOUNT"),
    "names_of_columns_twice": lambda: edited(lambda whole: whole.replace(parts_of(whole)[0][1], parts_of(whole)[0][1] * 2)),
    "header_and_names_in_the_middle": _details(lambda rows: rows[0] + b"".join(parts_of(as_csv(TWO))[0]) + rows[1]),
    "header_alone": lambda: Sent(data=[parts_of(as_csv(TWO))[0][0]]),
    "header_and_names_alone": lambda: Sent(data=parts_of(as_csv(TWO))[0]),
    "names_of_columns_over_two_lines": _names(b"amount", b'"am\nount"'),
    "two_trailers": lambda: edited(lambda whole: whole + parts_of(whole)[2]),
    "trailer_between_blank_lines": lambda: edited(lambda whole: whole.replace(b"\nT,", b"\n\n\r\n\nT,") + b"\n\r\n\n"),
    "trailer_in_quotes": lambda: edited(lambda whole: whole.replace(b"\nT,2,", b'\n"T","2",')),
    "trailer_over_two_lines": lambda: edited(lambda whole: whole.rstrip(b"\n").replace(b"USD:", b'"USD:') + b'\n"\n'),
    "trailer_below_zero": lambda: edited(lambda whole: whole.replace(b"\nT,2,", b"\nT,-2,")),
    "trailer_beyond_64_bits": lambda: edited(lambda whole: whole.replace(b"\nT,2,", b"\nT,18446744073709551618,")),
    "trailer_of_a_thousand_digits": lambda: edited(lambda whole: whole.replace(b"\nT,2,", b"\nT," + b"2" * 1000 + b",")),
    "trailer_in_digits_of_another_script": lambda: edited(lambda whole: whole.replace(b"\nT,2,", "\nT,\u0662,".encode())),
    "many_details_of_a_trailers_mark": _details(lambda rows: b"".join(rows) + b"T,1,1,\n" * 20_000),
    "quotes_that_open_in_every_line": _details(lambda rows: b"".join(rows) + b'D,"x\n' * (2 * MIB // 5)),
    "quotes_behind_quotes": _details(lambda rows: rows[0] + b"D," + b'"' * 500_001 + b"\n" + rows[1]),
    "cells_of_ends_of_lines": _details(lambda rows: rows[0] + rows[1].replace(b"t2", b'"' + b"\n" * 900_000 + b't2"')),
    "ten_thousand_records_of_many_lines": _details(lambda rows: rows[0] + rows[1].replace(b"t2", b'"t2\n\n\n"') * 9_000),
}

FIGURES: Mapping[str, Callable[[], Sent]] = {
    "amount_with_a_plus": _cell(amount="+1500"),
    "amount_behind_many_zeros": _cell(amount="0" * 17 + "1500"),
    "amount_in_lakhs": _cell(amount="1,00,000.00"),
    "amount_beyond_floats": _cell(amount="1e400"),
    "amount_between_blanks": _cell(amount=" 1500"),
    "amount_of_the_most_there_is": _cell(amount=str(10**15)),
    "amount_of_more_than_that": _cell(amount=str(10**15 + 1)),
    "sequence_beyond_64_bits": _cell(kind="clearing", sequence="9223372036854775808"),
    "day_of_a_leap_year_that_is_none": _cell(at="2100-02-29T00:00:00Z"),
    "hour_24": _cell(at="2026-01-12T24:00:00Z"),
    "offset_of_25_hours": _cell(at="2026-01-12T00:00:00+25:00"),
    "offset_of_seconds": _cell(at="2026-01-12T00:00:00+01:00:30"),
    "moment_of_a_week": _cell(at="2026-W03-1T00:00:00Z"),
    "moment_of_a_day_alone": _cell(at="2026-01-12"),
    "moment_with_a_hundred_decimals": _cell(at=f"2026-01-12T09:41:07.{'1' * 100}Z"),
    "moment_in_seconds": _cell(at="1768210867"),
    "moment_in_the_future": _cell(at="2999-12-31T23:59:59Z"),
    "currency_that_there_is_none_of": _cell(currency="ZZZ"),
    "currency_in_letters_that_look_the_same": _cell(currency="U\u0405D"),
    "number_beyond_64_bits_as_json": _member("amount", b"18446744073709551616"),
    "number_below_nothing_as_json": _member("amount", b"-0"),
    "fraction_of_nothing_as_json": _member("amount", b"1500.0"),
    "number_with_a_plus_as_json": _member("amount", b"+1500"),
    "truth_for_an_amount_as_json": _member("amount", b"true"),
    "id_as_a_number_as_json": _member("transaction_id", b"2"),
    "member_twice_within_a_shape": _member("items", b'[{"product": "p", "product": "q", "amount": 1}]'),
    "comma_too_many_in_json": lambda: jsonl(as_jsonl([bought(1)]).strip(), as_jsonl([bought(2)]).strip().replace(b"}", b",}")),
    "two_objects_in_a_line": lambda: jsonl(as_jsonl([bought(1)]).strip(), as_jsonl([bought(2)]).strip() * 2),
    "object_over_several_lines": lambda: jsonl(as_jsonl([bought(1)]).strip(), as_jsonl([bought(2)]).strip().replace(b", ", b",\n")),
    "one_list_for_all_objects": lambda: jsonl(b"[" + as_jsonl([bought(1)]).strip() + b",", as_jsonl([bought(2)]).strip() + b"]"),
    "member_names_that_are_escaped": lambda: jsonl(
        as_jsonl([bought(1)]).strip(), as_jsonl([bought(2)]).strip().replace(b'"amount"', b'"\\u0061mount"')
    ),
    "same_member_twice_by_escapes": lambda: jsonl(
        as_jsonl([bought(1)]).strip(), as_jsonl([bought(2)]).strip().replace(b'"amount"', b'"\\u0061mount": 1, "amount"')
    ),
    "many_members_nobody_knows": lambda: jsonl(
        as_jsonl([bought(1)]).strip(),
        as_jsonl([bought(2)]).strip().replace(b"}", b"".join(b', "m%d": 1' % number for number in range(60_000)) + b"}"),
    ),
    "a_million_items": _member("items", b"[" + b'{"product":"p","amount":1},' * 35_000 + b'{"product":"p","amount":1}]'),
    "lines_of_many_items": lambda: jsonl(
        *(
            line
            for number in range(100)
            for line in as_jsonl([bought(number) | {"items": [{"product": "p", "amount": 1}] * 1000}]).splitlines()
        ),
        rows=tuple(bought(number) for number in range(100)),
    ),
    "escapes_in_every_line": lambda: jsonl(*[b'{"\\u0061":"' + b"\\u0061" * 20 + b'"}'] * 50_000),
    "decimals_without_end_as_json": _member("amount", b"1." + b"0" * 900_000),
    "exponent_below_reason_as_json": _member("amount", b"1e-999999999999999999999"),
}
