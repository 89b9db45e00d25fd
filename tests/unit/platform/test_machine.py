"""What a machine lacks is installed where that is possible, and told where it is not."""

import os
import shutil
from pathlib import Path

import pytest

from shared.platform.local.machine import Lacking, install
from tests import gnupg

APT = '#!/bin/sh\necho "$*" >> "$0.calls"\nmv "$0.brings"/* "$(dirname "$0")"/ 2>/dev/null\nexit 0\n'


@pytest.fixture
def apt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The only program there is; what it brings lies aside."""
    found = tmp_path / "apt-get"
    found.write_text(APT, encoding="utf-8")
    found.chmod(0o755)
    (tmp_path / "apt-get.brings").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    monkeypatch.setattr(shutil, "which", lambda name: str(tmp_path / name) if (tmp_path / name).exists() else None)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return found


def calls(apt: Path) -> list[str]:
    told = Path(f"{apt}.calls")
    return told.read_text(encoding="utf-8").splitlines() if told.exists() else []


def test_gnupg_that_is_missing_is_installed_as_root(apt: Path) -> None:
    for name in gnupg.PROGRAMS:
        (apt.parent / "apt-get.brings" / name).touch()
    gnupg.get()
    assert [call.split()[0] for call in calls(apt)] == ["update", "install"]
    assert calls(apt)[1].endswith("gnupg")
    gnupg.get()
    assert len(calls(apt)) == 2


def test_without_root_nothing_is_installed_and_it_is_told_how_to_get_it(apt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Lacking, match="apt-get install gnupg, or brew install gnupg"):
        gnupg.get()
    assert calls(apt) == []


def test_a_test_that_needs_it_fails_and_does_not_skip(apt: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="apt-get install gnupg"), gnupg.gnupg():
        pytest.skip("there is one")


def test_nothing_is_asked_for_where_nothing_is_missing(apt: Path) -> None:
    install([])
    assert calls(apt) == []


def test_what_can_not_be_installed_is_told_with_what_was_said(apt: Path) -> None:
    apt.write_text("#!/bin/sh\necho no route to the mirror; exit 100\n", encoding="utf-8")
    with pytest.raises(Lacking, match="no route to the mirror"):
        install(["gnupg"])
