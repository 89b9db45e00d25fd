"""The engine takes generated files whole, and refuses of them exactly the lines that were asked to be bad."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.files.library import Library
from shared.files.names import Format, Kind
from shared.files.rejects import Code
from shared.files.totals import Totals
from shared.generator import portfolio
from shared.generator.damage import NothingToSpoil, damages_of
from shared.generator.orders import GENERATED, NotWritten, choose
from shared.kernel.errors import NotFound
from tests.unit.files.files import LAYOUTS, refused
from tests.unit.generator.made import BANK, CSV, bad_lines, credits_file, made, manifest, plain, read, records, total

WRITTEN = [name for name, layout in LAYOUTS.items() if layout.format is not Format.PARQUET and layout.kind in GENERATED]


@pytest.mark.parametrize("name", WRITTEN)
def test_every_record_is_taken_and_adds_up_to_what_the_manifest_says(tmp_path: Path, name: str) -> None:
    layout = LAYOUTS[name]
    (file,) = made(tmp_path, layout)
    parsed = read(file, layout)
    assert [reject for part in parsed for reject in part.rejects] == []
    assert total(parsed) == manifest(file).totals
    assert file.records == manifest(file).record_count == total(parsed).count
    assert manifest(file).sha256_plain == hashlib.sha256(plain(file)).hexdigest()
    assert bad_lines(file) == []


@pytest.mark.parametrize("name", WRITTEN)
def test_lines_asked_to_be_bad_are_refused_code_for_code_and_no_others(tmp_path: Path, name: str) -> None:
    layout = LAYOUTS[name]
    bank = portfolio.Portfolio(seed=1, customers=2_000, merchants=2_000)
    (file,) = made(tmp_path, layout, portfolio=bank, bad=0.5, rows=2_000 if layout.kind is Kind.TRANSACTIONS else 20_000)
    parsed = read(file, layout)
    found = sorted(line for part in parsed for line in refused(part))
    assert found == bad_lines(file)
    assert file.bad == len(found) == sum(part.rejected for part in parsed)
    assert 0.4 < file.bad / file.records < 0.6
    assert total(parsed).count + file.bad == manifest(file).record_count == file.records
    wanted = {(damage.field, damage.code.value) for damage in damages_of(layout)}
    assert {(field, code) for _, field, code in found} == wanted


def test_lines_are_bad_by_the_codes_that_were_asked_for(tmp_path: Path) -> None:
    (file,) = made(tmp_path, bad=0.1, codes=["amount", "mark"])
    assert {code for _, _, code in bad_lines(file)} == {"amount", "mark"}
    with pytest.raises(NothingToSpoil, match="bool"):
        damages_of(CSV, ["bool"])


def test_nearly_every_code_of_rejects_can_be_asked_for() -> None:
    possible = {damage.code for name in WRITTEN for damage in damages_of(LAYOUTS[name])}
    assert set(Code) - possible == {Code.NUL, Code.NOT_TEXT, Code.CLOCK, Code.REFUSED}


def test_files_are_bad_in_lines_of_their_own(tmp_path: Path) -> None:
    first, second = made(tmp_path, bad=0.1, days=2)
    assert {line for line, _, _ in bad_lines(first)} != {line for line, _, _ in bad_lines(second)}


def test_a_packed_file_holds_the_same(tmp_path: Path) -> None:
    (file,) = made(tmp_path / "plain")
    (packed,) = made(tmp_path / "packed", packed=True)
    assert packed.path.name == f"{file.path.name}.gz"
    assert plain(packed) == plain(file)
    assert packed.path.stat().st_size < file.path.stat().st_size / 2


def test_the_same_order_is_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    kinds = [kind.value for kind in GENERATED]
    size = ["--rows", "3000", "--credits", str(credits_file(tmp_path, 100))]
    command = [sys.executable, "-m", "shared.cli", "generate", *kinds, *size, "--bad", "0.1", "--gzip"]
    for seed in ("1", "2"):
        where = [*command, "--day", "2026-01-12", "--out", str(tmp_path / seed)]
        subprocess.run(where, check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": seed})
    files = sorted(file.name for file in (tmp_path / "1").iterdir())
    assert len(files) == 3 * len(GENERATED)
    for name in files:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_another_seed_is_another_bank(tmp_path: Path) -> None:
    other = portfolio.Portfolio(seed=8, customers=BANK.customers, merchants=BANK.merchants)
    (file,), (another,) = made(tmp_path / "7"), made(tmp_path / "8", portfolio=other)
    assert not {row["transaction_id"] for row in records(file)} & {row["transaction_id"] for row in records(another)}


def test_the_size_of_blocks_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layouts = [LAYOUTS[f"clo-{kind.value}-csv"] for kind in GENERATED]
    files = made(tmp_path / "large", *layouts, bad=0.1)
    monkeypatch.setattr(portfolio, "BLOCK", 77)
    for file, same in zip(files, made(tmp_path / "small", *layouts, bad=0.1), strict=True):
        assert plain(same) == plain(file)
        assert bad_lines(same) == bad_lines(file)


def test_what_is_generated_again_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    made(tmp_path, bad=0.5)
    (file,) = made(tmp_path, rows=10)
    assert (bad_lines(file), file.records) == ([], 10)
    assert sorted(found.name for found in tmp_path.iterdir()) == sorted((file.path.name, file.manifest.name))


def test_no_rows_are_a_file_of_none(tmp_path: Path) -> None:
    (file,) = made(tmp_path, rows=0)
    assert read(file, CSV) == []
    assert manifest(file).totals == Totals()


@pytest.mark.parametrize(("rows", "customers", "merchants"), [(1, 1, 1), (130, 3, 2), (127, 5, 7)])
def test_small_numbers_are_kept_exactly(tmp_path: Path, rows: int, customers: int, merchants: int) -> None:
    bank = portfolio.Portfolio(seed=1, customers=customers, merchants=merchants)
    layouts = [LAYOUTS[f"clo-{kind}-csv"] for kind in ("merchants", "customers", "cards", "transactions")]
    files = made(tmp_path, *layouts, portfolio=bank, rows=rows)
    held = [len(read(file, layout)[0].rejects) for file, layout in zip(files, layouts, strict=True)]
    assert held == [0, 0, 0, 0]
    assert [file.records for file in files] == [merchants, customers, portfolio.card_count(bank), rows]


def test_a_layout_is_found_by_its_name_or_its_kind() -> None:
    library = Library(layouts=LAYOUTS)
    own = LAYOUTS["partner-transactions-csv"]
    assert choose(library, [Kind.CARDS, Kind.TRANSACTIONS], [own.name]) == [LAYOUTS["clo-cards-csv"], own]
    with pytest.raises(NotFound, match="clo-cards-csv"):
        choose(library, [Kind.CARDS], ["no-such-layout"])
    with pytest.raises(NotWritten):
        choose(library, [Kind.TRANSACTIONS], ["clo-transactions-parquet"])


def test_a_partners_file_has_its_name(tmp_path: Path) -> None:
    (file,) = made(tmp_path, LAYOUTS["partner-transactions-csv"])
    assert file.path.name == "transactions_partner_20260112_0001_delta_r1.csv"
