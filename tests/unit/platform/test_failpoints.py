"""Points at which a process may die: said wherever something is committed, and of no effect but in a test."""

import re
from pathlib import Path

import shared
from shared.platform.failpoints import Point, reached, watched

ROOT = Path(shared.__file__).parents[1]
SOURCES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for folder in ("shared", "functions", "events")
    for path in (ROOT / folder).rglob("*.py")
}
COMMITS = re.compile(r"connection\(\) as \w+, \w+\.transaction\(\)|with connection\.transaction\(\)|autocommit=True, row_factory")
COMMIT_OTHERWISE = {
    "shared/platform/migrate.py": "nothing serves while the database is migrated; one migration is one transaction",
}


def test_tells_who_watches_and_nobody_else() -> None:
    came: list[Point] = []
    with watched(came.append):
        reached(Point.COMMIT_DUE)
    reached(Point.COMMITTED)
    assert came == [Point.COMMIT_DUE]


def test_nothing_that_is_deployed_watches_or_kills() -> None:
    assert {name for name, text in SOURCES.items() if "failpoints.watched" in text or "import watched" in text} == set()
    code = SOURCES["shared/platform/failpoints.py"]
    assert re.findall(r"^(?:from|import) (\S+)", code, re.MULTILINE) == ["collections.abc", "contextlib", "enum"]


def test_whoever_commits_says_so() -> None:
    commit = {name for name, text in SOURCES.items() if COMMITS.search(text)} - COMMIT_OTHERWISE.keys()
    assert commit == {name for name, text in SOURCES.items() if "reached(Point.COMMIT_DUE)" in text}


def test_every_point_is_said_somewhere() -> None:
    assert [point for point in Point if not any(f"reached(Point.{point.name})" in text for text in SOURCES.values())] == []
