from pathlib import Path
from typing import Self

import pytest
from typer.testing import CliRunner, Result

from demo import report, run
from demo.api import Gone, Unexpected
from demo.checks import Check
from demo.report import Story
from shared.cli import main_job
from shared.cli.main import app
from shared.cli.terminal import Exit
from tests.unit.demo.builders import a_journey, some_figures

HOLDS = Check(name="One thing", expected="1", actual="1", ok=True)
FAILS = Check(name="Another thing", expected="1", actual="2", ok=False)


class StandIn:
    """In place of a platform."""

    base_url = "http://clo.test"
    living = True

    def __init__(self, *_: object, **__: object) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def alive(self) -> bool:
        return self.living


def demo(folder: Path, monkeypatch: pytest.MonkeyPatch, outcome: list[Check] | Exception, *, living: bool = True) -> Result:
    """The command, with a year that ends as told."""

    def a_run(*_: object) -> Story:
        if isinstance(outcome, Exception):
            raise outcome
        return Story(journey=a_journey(), figures=some_figures(), checks=outcome, recall=1.0, main_job={"a": 1.0}, checking={"b": 1.0})

    monkeypatch.setattr(main_job, "ChildPlatform", StandIn)
    monkeypatch.setattr(StandIn, "living", living)
    monkeypatch.setattr(run, "read_input", lambda: None)
    monkeypatch.setattr(run, "run", a_run)
    monkeypatch.setattr(report, "write_page", lambda _story: "<html>")
    monkeypatch.setattr(report, "print_summary", lambda _story, console: console.print("the summary"))
    return CliRunner().invoke(app, ["demo", "--data", str(folder), "--report", str(folder / "report.html")])


def test_exits_with_0_and_leaves_a_page_when_all_checks_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = demo(tmp_path, monkeypatch, [HOLDS])
    assert result.exit_code == Exit.DONE
    assert result.stdout == "the summary\n"
    assert "All 1 checks hold" in result.stderr
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == "<html>"


def test_exits_with_3_and_names_the_check_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = demo(tmp_path, monkeypatch, [HOLDS, FAILS])
    assert result.exit_code == Exit.CHECK_FAILED
    assert "1 of 2 checks fail: Another thing." in result.stderr
    assert (tmp_path / "report.html").exists()


def test_says_when_the_platform_died_in_the_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = demo(tmp_path, monkeypatch, Gone("POST /v1/transactions was not answered"), living=False)
    assert result.exit_code == Exit.FAULT
    assert "died in the middle" in result.stderr
    assert "it goes on" in result.stderr


@pytest.mark.parametrize(
    "error", [Unexpected("POST /v1/offers: 422"), FileNotFoundError("The package is not installed")], ids=["answer", "data"]
)
def test_passes_on_what_went_wrong(error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = demo(tmp_path, monkeypatch, error)
    assert result.exit_code == Exit.FAULT
    assert str(error) in result.stderr
    assert "died" not in result.stderr
