"""The documents tell of every function and event, and their links lead somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from events.catalog import CATALOG
from functions.registry import FUNCTIONS
from shared.cli.artefacts import ROOT
from shared.kernel.reasons import Reason
from shared.kernel.resolutions import Resolution
from shared.platform.settings import Settings

LINK = re.compile(r"\]\(([^)\s]+)\)")
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=[page.relative_to(ROOT).as_posix() for page in PAGES])


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def anchors(page: Path) -> Iterator[str]:
    for heading in re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("name", [function.name for function in FUNCTIONS])
def test_function_has_its_paragraph(name: str) -> None:
    assert f"## {name}\n" in text("docs/reference/functions.md")
    assert f"`{name}`" in text("docs/architecture.md")


@pytest.mark.parametrize("kind", [kind.type for kind in CATALOG])
def test_event_has_its_paragraph(kind: str) -> None:
    assert f"## {kind}\n" in text("docs/reference/events.md")
    assert f"`{kind.removeprefix('clo.')}`" in text("docs/architecture.md")


def test_every_reason_resolution_and_setting_is_listed() -> None:
    assert all(f"`{reason.code}`" in text("docs/reference/reasons.md") for reason in Reason)
    assert all(f"`{resolution.code}`" in text("docs/reference/resolutions.md") for resolution in Resolution)
    assert all(f"`CLO_{name.upper()}`" in text("docs/reference/settings.md") for name in Settings.model_fields)


def test_every_command_is_told_with_what_it_takes() -> None:
    page = text("docs/reference/commands.md")
    for said in ("## clo files watch\n", "## clo trial open\n", "| `FILES...` | (needed) |", "| `--bad` | `0` |", "(`CLO_LAYOUTS`)"):
        assert said in page
    assert "--until-stdin-closes" not in page


@EVERY_PAGE
def test_links_lead_to_files_of_the_repository(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), f"{link} leads nowhere"
        assert ROOT in target.parents, f"{link} leads out of the repository"
        if anchor:
            assert anchor in set(anchors(target)), f"{link} names no heading"


def test_architecture_names_only_tables_that_are_there() -> None:
    created = set(re.findall(r"CREATE TABLE (\w+)", "".join(f.read_text() for f in (ROOT / "shared/platform/migrations").glob("*.sql"))))
    cells = re.search(r"\| event \| function \| writes \|\n(.+?)\n\n", text("docs/architecture.md"), re.DOTALL)
    assert cells
    named = {name for row in cells[1].splitlines()[1:] for name in re.findall(r"`(\w+)`", row.split("|")[3])}
    assert named <= created, named - created
    assert len(named) > 5
