"""Results of payouts are about the credits of a file that Clo wrote, each once; without one there are none."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.files.frame import FrameBroken
from shared.generator.results import NoCredits, NotCredits
from shared.kernel.errors import Invalid
from tests.unit.files.files import LAYOUTS
from tests.unit.generator.made import credits_file, made, records

LAYOUT = LAYOUTS["clo-payouts-csv"]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_each_credit_has_a_result_of_its_own_amount(tmp_path: Path, *, packed: bool) -> None:
    (file,) = made(tmp_path / "made", LAYOUT, credits=credits_file(tmp_path, 2_000, packed=packed))
    told = records(file, LAYOUT)
    assert file.path.name == "payouts_mybank_20260112_0003_delta_r1.csv"
    assert [row["amount"] for row in told] == list(range(1, 2_001))
    assert len({row["credit_id"] for row in told}) == 2_000
    assert {row["at"] for row in told} == {datetime(2026, 1, 13, 8, tzinfo=UTC)}
    counted = Counter(row["result"] for row in told)
    assert 0.9 < counted["paid"] / 2_000 < 1
    assert counted["failed"] > counted["returned"] > 0
    assert {("code" in row) for row in told if row["result"] == "paid"} == {False}
    assert len({row["code"] for row in told if row["result"] != "paid"}) == 7


def test_without_a_file_of_credits_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(NoCredits, match="--credits"):
        made(tmp_path / "made", LAYOUTS["clo-cards-csv"], LAYOUT, credits=None)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("name", "said"), [("cards_mybank_20260112_0001_full_r1.csv", "no file of statement"), ("credits.csv", "not the name")]
)
def test_another_file_is_no_file_of_credits(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        made(tmp_path / "made", LAYOUT, credits=tmp_path / name)


def test_a_file_of_credits_that_was_cut_off_makes_no_file(tmp_path: Path) -> None:
    whole = credits_file(tmp_path, 100)
    lines = whole.read_bytes().splitlines(keepends=True)
    for kept, error in ((lines[:-1], FrameBroken), ([*lines[:50], lines[-1]], NotCredits)):
        whole.write_bytes(b"".join(kept))
        with pytest.raises(error):
            made(tmp_path / "made", LAYOUT, credits=whole)
        assert list((tmp_path / "made").iterdir()) == []
