"""`clo generate` writes files and says which."""

from pathlib import Path

from typer.testing import CliRunner

from shared.cli.main import app
from tests.unit.files.files import CASES


def test_names_of_files_go_to_standard_output(tmp_path: Path) -> None:
    arguments = "generate cards transactions --rows 50 --bad 0.2 --code mark --day 2026-01-12 --days 2 --sender other-bank".split()
    answer = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "new")])
    assert answer.exit_code == 0, answer.output
    assert [Path(line).name for line in answer.stdout.splitlines()] == [
        "cards_other-bank_20260112_0001_full_r1.csv",
        "transactions_other-bank_20260112_0001_delta_r1.csv",
        "transactions_other-bank_20260113_0001_delta_r1.csv",
    ]
    assert all(Path(line).is_file() for line in answer.stdout.splitlines())


def test_layouts_of_ones_own_are_written_too(tmp_path: Path) -> None:
    own = ["--layout", "partner-transactions-csv", "--layouts", str(CASES / "layouts")]
    answer = CliRunner().invoke(app, ["generate", "transactions", "--rows", "5", *own, "--day", "2026-01-12", "--out", str(tmp_path)])
    assert answer.exit_code == 0, answer.output
    assert "SUMME;5;" in (tmp_path / "transactions_partner_20260112_0001_delta_r1.csv").read_text(encoding="iso-8859-1")


def test_what_can_not_be_asked_for_is_said_and_nothing_is_written(tmp_path: Path) -> None:
    for wrong in (["--layout", "none-such"], ["--bad", "0.1", "--code", "bool"], ["--layout", "clo-transactions-parquet"]):
        answer = CliRunner().invoke(app, ["generate", "transactions", *wrong, "--out", str(tmp_path)])
        assert answer.exit_code == 1
        assert answer.stdout == ""
        assert list(tmp_path.iterdir()) == []


def test_names_that_no_file_may_have_are_refused(tmp_path: Path) -> None:
    for wrong in (["--sender", "My Bank"], ["--partner", "Acme"]):
        answer = CliRunner().invoke(app, ["generate", "cards", "offers", *wrong, "--out", str(tmp_path / wrong[0])])
        assert (answer.exit_code, "small letters" in answer.stderr) == (1, True)


def test_a_campaign_that_is_none_is_wrong_usage(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["generate", "offers", "--campaign", "off_1", "--out", str(tmp_path)]).exit_code == 2


def test_a_kind_that_is_none_is_wrong_usage(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["generate", "weather", "--out", str(tmp_path)]).exit_code == 2
