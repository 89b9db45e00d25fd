"""Files of partners by layouts alone, from the drop place to their answers."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from shared.files import receiving
from shared.files.library import WrongLayouts, read_layout
from tests.integration.files.place import Place

CASES: Final = Path(__file__).parents[2] / "cases" / "files" / "partners"
NAMES: Final = ["german_bank_csv", "mainframe_fixed", "excel_utf16_tab", "japanese_csv_cp932", "fidel_like_jsonl", "adyen_like_csv"]


def told_of(case: dict[str, Any]) -> dict[str, Any]:
    """What the manifest of a case's file says; records that are bad have no amount that could be told."""
    accepted, rejects = case["accepted"], {line.split()[0] for line in case["rejects"]}
    sums: dict[str, int] = {}
    for record in accepted:
        if "amount" in record:
            sums[record["currency"]] = sums.get(record["currency"], 0) + record["amount"]
    said = (case["totals"] or {}).get("sums") or sums
    return {"record_count": len(accepted) + len(rejects), "sums": {currency: str(minor) for currency, minor in said.items()}}


@pytest.mark.parametrize("name", NAMES)
def test_file_of_a_partner_is_taken_by_its_layout_alone(place: Place, name: str) -> None:
    case = json.loads((CASES / f"{name}.json").read_text())
    layout = read_layout(json.dumps(case["layout"]).encode())
    place.layouts.mkdir()
    (place.layouts / "partner.json").write_text(json.dumps(case["layout"]))
    newline = case.get("newline", "\n")
    data = "".join(f"{line}{newline}" for line in case["file"]).encode(layout.encoding)
    file = f"{layout.kind.value}_partner_20260112_0001_delta_r1.{layout.format.value}"
    place.receive(place.drop(data, name=file, entry_hash="0000000000", **told_of(case)))
    view = place.file()
    assert (view.outcome, view.accepted, view.rejected) == ("partial", len(case["accepted"]), len({r.split()[0] for r in case["rejects"]}))
    assert [f"{told['line']} {told['field']} {told['code']} {told['value']}" for told in place.rejects(file)] == case["rejects"]
    assert place.left() == []


def test_bytes_that_are_no_text_in_an_encoding_of_two_bytes_are_a_line_of_their_own(place: Place) -> None:
    case = json.loads((CASES / "japanese_csv_cp932.json").read_text())
    place.layouts.mkdir()
    (place.layouts / "partner.json").write_text(json.dumps(case["layout"]))
    good, other = (line.encode("cp932") for line in case["file"][:2])
    data = good + b"\n" + other.replace("表示".encode("cp932"), b"\x81\xff") + b"\n"
    name = "transactions_partner_20260112_0001_delta_r1.csv"
    place.receive(place.drop(data, name=name, entry_hash="0000000000", record_count=2, sums={"JPY": "1334"}))
    assert (place.file().accepted, place.file().rejected) == (1, 1)
    assert [(told["line"], told["code"]) for told in place.rejects(name)] == [(2, "encoding")]


def test_files_wait_while_a_layout_is_wrong(place: Place) -> None:
    case = json.loads((CASES / "hive_export.json").read_text())
    place.layouts.mkdir()
    (place.layouts / "partner.json").write_text("{")
    data = f"{case['file'][0]}\n".encode()
    dropped = place.drop(
        data, name="transactions_partner_20260112_0001_delta_r1.csv", entry_hash="0000000000", record_count=1, sums={"USD": "1234"}
    )
    with pytest.raises(WrongLayouts):
        receiving.receive_file(place.call(key="one", consumer="receive_file"), dropped)
    assert place.files() == []
    (place.layouts / "partner.json").write_text(json.dumps(case["layout"]))
    place.receive(dropped)
    assert place.file().problems[0].path == "/entry_hash"
