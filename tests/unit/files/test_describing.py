"""A file whose sender writes no manifest gets one that is taken: it says what is found when the file is read."""

import gzip
import hashlib
import json
from pathlib import Path
from typing import Final

import pyarrow as pa
import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from shared.cli.files import app
from shared.files.describing import manifest_for
from shared.files.library import load
from shared.files.manifest import read_manifest
from shared.files.names import read_name
from shared.files.splitting import RecordTooLong
from tests.unit.files.files import CASES, USUAL, csv_file

FILE: Final = "transactions_partner_20260112_0001_delta_r"
PAGE: Final = Path(__file__).parents[3] / "docs/howto/layouts.md"


def written(folder: Path, case: str, encoding: str) -> Path:
    """The file of a partner's case, and its layout in a folder beside it."""
    said = json.loads((CASES / "partners" / f"{case}.json").read_text())
    (folder / "layouts").mkdir()
    (folder / "layouts" / "partner.json").write_text(json.dumps(said["layout"]))
    (folder / "file.txt").write_bytes("".join(f"{line}\n" for line in said["file"]).encode(encoding))
    return folder / "file.txt"


@pytest.mark.parametrize(("case", "encoding"), [("german_bank_csv", "windows-1252"), ("japanese_csv_cp932", "cp932")])
def test_file_of_a_partner_is_wrapped_by_its_layout(tmp_path: Path, case: str, encoding: str) -> None:
    path = written(tmp_path, case, encoding)
    name = f"{FILE}1.csv"
    done = CliRunner().invoke(
        app, ["wrap", str(path), "--as", name, "--layouts", str(tmp_path / "layouts"), "--out", str(tmp_path / "out")]
    )
    assert (done.exit_code, done.stdout.strip()) == (0, str(tmp_path / "out" / name)), done.output
    said = json.loads((CASES / "partners" / f"{case}.json").read_text())
    manifest = read_manifest((tmp_path / "out" / f"{name}.manifest.json").read_bytes(), read_name(name))
    assert manifest.sha256_plain == hashlib.sha256(path.read_bytes()).hexdigest()
    assert manifest.record_count == len(said["accepted"]) + len({told.split()[0] for told in said["rejects"]})
    assert sum(map(int, manifest.sums.values())) == sum(record["amount"] for record in said["accepted"])
    assert (tmp_path / "out" / name).read_bytes() == path.read_bytes()


def test_packed_file_is_told_of_as_it_is_unpacked(tmp_path: Path) -> None:
    layout = load(CASES / "layouts").layouts["clo-transactions-csv"]
    plain = b"H,x\n" + b"record," + ",".join(str(told.column) for told in layout.fields).encode() + b"\n" + csv_file([USUAL]) + b"T,1,0,\n"
    (tmp_path / "file").write_bytes(gzip.compress(plain))
    manifest = manifest_for(tmp_path / "file", read_name(f"{FILE}3.csv.gz"), layout)
    assert (manifest.record_count, manifest.supersedes, manifest.sums) == (1, 2, {"USD": "2350"})
    assert manifest.sha256_plain == hashlib.sha256(plain).hexdigest()


def test_parquet_is_told_of_by_all_its_groups(tmp_path: Path) -> None:
    table = pa.table({name: [value] * 5 for name, value in (USUAL | {"amount": 7}).items()})
    parquet.write_table(table, tmp_path / "file", row_group_size=2)
    manifest = manifest_for(tmp_path / "file", read_name(f"{FILE}1.parquet"), load().layouts["clo-transactions-parquet"])
    assert (manifest.record_count, manifest.sums) == (5, {"USD": "35"})
    assert manifest.sha256_plain == hashlib.sha256((tmp_path / "file").read_bytes()).hexdigest()


def test_file_that_can_not_be_read_gets_no_manifest(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * (3 << 20))
    with pytest.raises(RecordTooLong):
        manifest_for(tmp_path / "file", read_name(f"{FILE}1.csv"), load().layouts["clo-transactions-csv"])
    done = CliRunner().invoke(app, ["wrap", str(tmp_path / "file"), "--as", f"{FILE}1.csv", "--out", str(tmp_path / "out")])
    assert done.exit_code != 0
    assert not (tmp_path / "out").exists()
