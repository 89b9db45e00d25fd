"""Layouts are data: those that come with Clo, one of a partner, and every way in which one is refused."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest

from shared.files.layout_checks import read_only
from shared.files.library import NoLayout, NotALayout, WrongLayouts, load, load_as_now, read_layout
from shared.files.names import FileName, Format, Kind, Scope
from shared.files.writing import Unwritable, head

PARTNER: Final = Path(__file__).parents[2] / "cases" / "files" / "layouts"


def named(**other: Any) -> FileName:
    usual = {"kind": Kind.TRANSACTIONS, "sender": "bank", "day": date(2026, 1, 12), "sequence": 1, "scope": Scope.DELTA, "revision": 1}
    return FileName(**{**usual, "format": Format.CSV, **other})


def test_own_layouts_are_there_for_all_formats_of_transactions_and_for_the_other_kinds() -> None:
    library = load()
    assert [library.find(named(format=form), "1").name for form in Format] == [f"clo-transactions-{form.value}" for form in Format]
    for kind in (
        Kind.CUSTOMERS,
        Kind.CARDS,
        Kind.MERCHANTS,
        Kind.SEGMENTS,
        Kind.GRANTS,
        Kind.PAYOUTS,
        Kind.REDEMPTIONS,
        Kind.SETTLEMENT,
        Kind.OFFERS,
    ):
        assert library.find(named(kind=kind), "1").kind is kind


def test_a_partners_layout_goes_before_the_one_for_everybody() -> None:
    library = load(PARTNER)
    assert library.find(named(sender="partner"), "1").name == "partner-transactions-csv"
    assert library.find(named(sender="bank"), "1").name == "clo-transactions-csv"


@pytest.mark.parametrize("other", [{"kind": Kind.CREDITS}, {"format": Format.FIXED, "kind": Kind.CARDS}])
def test_says_where_there_is_no_layout(other: dict[str, Any]) -> None:
    with pytest.raises(NoLayout, match="There is no layout for"):
        load().find(named(**other), "1")
    with pytest.raises(NoLayout, match="version 2"):
        load().find(named(), "2")


def test_a_layout_of_the_same_name_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    own = load().layouts["clo-cards-csv"].model_dump(mode="json") | {"delimiter": "|"}
    (tmp_path / "cards.json").write_text(json.dumps(own))
    assert load(tmp_path).layouts["clo-cards-csv"].delimiter == "|"


def test_two_layouts_for_the_same_files_are_refused(tmp_path: Path) -> None:
    own = load().layouts["clo-cards-csv"].model_dump(mode="json") | {"name": "another"}
    (tmp_path / "cards.json").write_text(json.dumps(own))
    with pytest.raises(NotALayout) as refused:
        load(tmp_path)
    assert "2 layouts are for cards as csv" in refused.value.problems[0].message


def test_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text("{")
    (tmp_path / "two.json").write_text('{"name": "two"}')
    with pytest.raises(NotALayout) as refused:
        load(tmp_path)
    assert [problem.path for problem in refused.value.problems] == ["one.json#", "two.json#/kind", "two.json#/format", "two.json#/fields"]


def changed(base: dict[str, Any], path: str, value: object) -> bytes:
    *way, last = [int(part) if part.isdigit() else part for part in path.split("/")[1:]]
    at: Any = base
    for part in way:
        at = at[part]
    if isinstance(at, list):
        at.insert(int(last), value)
    elif value is None:
        at.pop(last)
    else:
        at[last] = value
    return json.dumps(base).encode()


def csv_layout() -> dict[str, Any]:
    return json.loads((PARTNER / "partner-transactions-csv.json").read_text())  # type: ignore[no-any-return]


def fixed_layout() -> dict[str, Any]:
    return json.loads(load().layouts["clo-transactions-fixed"].model_dump_json(exclude_defaults=True))  # type: ignore[no-any-return]


def jsonl_layout() -> dict[str, Any]:
    return json.loads(load().layouts["clo-transactions-jsonl"].model_dump_json(exclude_defaults=True))  # type: ignore[no-any-return]


TWICE = {"target": "at", "type": "moment", "position": 7}
SIGN = {"target": "channel", "type": "sign", "of": "amount", "values": {"+": "online"}}
MAJOR = {"mark": "SUMME", "sums": {"position": 3}, "major": True}
SIGNED = {"target": "tip", "type": "major", "position": 7, "signs": {"-": "-"}}
TIP = {"target": "tip", "type": "minor", "position": 7}


@pytest.mark.parametrize(
    ("base", "path", "value", "where", "words"),
    [
        (csv_layout, "/kind", "credits", "/kind", "no canonical record"),
        (csv_layout, "/fields/0", TWICE, "/fields", "at is filled twice"),
        (csv_layout, "/fields/0", TIP | {"target": "gratuity"}, "/fields", "no field of the canonical record"),
        (csv_layout, "/fields/0/target", "card_token", "/fields", "transaction_id must be filled"),
        (csv_layout, "/fields/3/target", "country", "/fields", "amounts need the currency"),
        (csv_layout, "/format", "jsonl", "", "jsonl is always UTF-8"),
        (csv_layout, "/quote", ";", "", "quote and delimiter must differ"),
        (jsonl_layout, "/detail", "D", "", "only csv and fixed mark their details"),
        (jsonl_layout, "/column_names", True, "", "only csv has a line"),
        (jsonl_layout, "/format", "parquet", "", "parquet has no header"),
        (fixed_layout, "/fields/1/position", 33, "", "kind begins before transaction_id ends"),
        (fixed_layout, "/length", 10, "", "ends after the record does"),
        (fixed_layout, "/detail", "DETAIL", "", "transaction_id begins before the mark ends"),
        (csv_layout, "/fields/0/zone", "Europe/Berlin", "/fields/0", "only moments have"),
        (csv_layout, "/fields/0/decimal_mark", ",", "/fields/0", "only amounts in major units"),
        (csv_layout, "/fields/2/values", {"1": "2"}, "/fields/2", "only words have a value map"),
        (csv_layout, "/fields/1/format", "%d.%m %H", "/fields/1", "must have year, month and day"),
        (csv_layout, "/fields/1/format", "%d.%m.%Y %d", "/fields/1", "nothing twice"),
        (csv_layout, "/fields/1/format", "%d.%m.%Q", "/fields/1/format", "should match"),
        (csv_layout, "/fields/1/zone", None, "/fields/1", "needs a zone"),
        (csv_layout, "/fields/1/zone", "Berlin", "/fields/1/zone", "IANA"),
        (csv_layout, "/fields/3/position", 3, "/fields/3", "a constant is written nowhere"),
        (csv_layout, "/fields/0/type", "json", "/fields/0", "only jsonl has"),
        (csv_layout, "/fields/0/width", 3, "/fields/0", "csv asks for"),
        (csv_layout, "/fields/0/column", "id", "/fields/0", "say its position"),
        (csv_layout, "/fields/0/position", 9, "/fields/0", "there are fewer cells"),
        (csv_layout, "/column_names", True, "/fields/0", "say the name of the column"),
        (fixed_layout, "/fields/0/width", None, "/fields/0", "fixed asks for"),
        (jsonl_layout, "/fields/0/column", None, "/fields/0", "ask for a column"),
        (csv_layout, "/trailer/sums", {"column": "sum"}, "/trailer/sums", "say its position"),
        (fixed_layout, "/header/file_id", {"position": 2}, "/header/file_id", "fixed asks for"),
        (csv_layout, "/delimiter", ";;", "/delimiter", "should match"),
        (csv_layout, "/fields/1/format", "%d.%m.%Y %-H%M", "/fields/1", "needs something behind it"),
        (csv_layout, "/fields/1/format", "%d.%m.%Y %I", "/fields/1", "needs AM or PM"),
        (csv_layout, "/fields/1/format", "%j.%m.%Y", "/fields/1", "must have year, month and day"),
        (csv_layout, "/fields/1/parts", [{"column": "time"}], "/fields/1", "say its position"),
        (csv_layout, "/fields/1/grouping", ".", "/fields/1", "only amounts in major units have groups"),
        (csv_layout, "/fields/2/grouping", ",", "/fields/2", "need different marks"),
        (csv_layout, "/fields/1/decimals", 2, "/fields/1", "only amounts in major units have a number of decimals"),
        (csv_layout, "/fields/0/signs", {"-": "-"}, "/fields/0", "only amounts have a sign"),
        (csv_layout, "/fields/2", SIGNED | {"zoned": True}, "/fields/2", "in its last figure or beside it"),
        (csv_layout, "/fields/4", SIGN | {"of": "tip"}, "/fields", "tip is no field with an amount"),
        (csv_layout, "/fields/4", SIGN | {"of": None}, "/fields/4", "a sign is of an amount"),
        (csv_layout, "/fields/4", SIGN | {"position": 3}, "/fields/4", "a sign is written nowhere"),
        (csv_layout, "/fields/0/otherwise", "x", "/fields/0", "beside a value map"),
        (csv_layout, "/fields/2/case", "upper", "/fields/2", "large and small letters"),
        (csv_layout, "/fields/2/fill", 4, "/fields/2", "filled with zeros"),
        (csv_layout, "/fields/0/of", "amount", "/fields/0", "only a sign is of an amount"),
        (csv_layout, "/fields/0/table", "currencies", "/fields/0/table", "should be"),
        (csv_layout, "/fields/0/zone_place", {"position": 7}, "/fields/0", "only moments have a place"),
        (csv_layout, "/trailer", MAJOR, "", "say which"),
        (csv_layout, "/trailer/grouping", ",", "", "only a sum in major units"),
        (csv_layout, "/trailer/mark", "SUM;ME", "", "can't hold the delimiter"),
        (csv_layout, "/left_out", {"column": "type", "values": ["x"]}, "/left_out", "say its position"),
        (jsonl_layout, "/trim", True, "", "only csv has cells with blanks"),
        (jsonl_layout, "/fields/0/column", "//id", "/fields/0", "behind each /"),
        (csv_layout, "/encoding", "utf-7", "/encoding", "should be"),
    ],
)
def test_refuses_what_does_not_fit_together(base: Callable[[], dict[str, Any]], path: str, value: object, where: str, words: str) -> None:
    read_layout(json.dumps(base()).encode())
    with pytest.raises(NotALayout) as refused:
        read_layout(changed(base(), path, value))
    assert any(problem.path == where and words in problem.message for problem in refused.value.problems), refused.value.problems


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("/fields/2/signs", {"-": "-"}, "amount: a sign can be read"),
        ("/fields/0/fill", 9, "transaction_id: what is filled"),
        ("/fields/0/parts", [{"position": 7}], "transaction_id: what stands in parts"),
        ("/fields/2/decimals", 2, "amount: a number of decimals can be read"),
        ("/fields/1/format", "%d.%m.%y", "at: such a format can be read"),
        ("/lines_before", 1, "lines_before as it is told"),
        ("/trailer/others_counted", 2, "trailer as it is told"),
        ("/encoding", "utf-16", "encoding as it is told"),
    ],
)
def test_nothing_is_written_by_a_layout_that_can_be_read_alone(path: str, value: object, words: str) -> None:
    assert list(read_only(read_layout(json.dumps(csv_layout()).encode()))) == []
    layout = csv_layout()
    at: Any = layout
    last = path.rsplit("/", maxsplit=1)[-1]
    for step in path.split("/")[1:-1]:
        at = at[int(step) if step.isdigit() else step]
    at[last] = value
    said = read_layout(json.dumps(layout).encode())
    assert any(words in message for message in read_only(said))
    with pytest.raises(Unwritable):
        head(said, "any")


def test_a_sign_that_nothing_tells_would_be_lost() -> None:
    layout = csv_layout()
    layout["fields"][2]["signs"] = {"-": "-"}
    layout["fields"] = [field for field in layout["fields"] if field["target"] != "kind"]
    with pytest.raises(NotALayout) as refused:
        read_layout(json.dumps(layout).encode())
    assert "the sign of amount would be lost" in refused.value.problems[0].message


def test_layouts_of_a_folder_are_read_again_when_they_change(tmp_path: Path) -> None:
    assert "partner" not in {sender for layout in load_as_now(str(tmp_path)).layouts.values() for sender in layout.senders}
    (tmp_path / "partner.json").write_text(json.dumps(csv_layout()))
    assert load_as_now(str(tmp_path)).find(named(sender="partner"), "1").delimiter == ";"
    assert load_as_now(str(tmp_path)) is load_as_now(str(tmp_path))
    (tmp_path / "partner.json").write_text(json.dumps(csv_layout() | {"quote": None, "delimiter": "|"}))
    assert load_as_now(str(tmp_path)).find(named(sender="partner"), "1").delimiter == "|"
    (tmp_path / "partner.json").write_text("{")
    with pytest.raises(WrongLayouts, match="is not valid JSON"):
        load_as_now(str(tmp_path))
    (tmp_path / "partner.json").unlink()
    assert load_as_now(str(tmp_path)).layouts == load_as_now(None).layouts


def test_folder_of_layouts_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(WrongLayouts, match="can't be read"):
        load_as_now(str(tmp_path / "nowhere"))
