"""The layouts at hand: those that come with Clo, and those of a folder; which of them a file is read with."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from shared.files.layout import Layout
from shared.files.layout_checks import problems_of_layout
from shared.files.names import FileName, Format, Kind
from shared.kernel.errors import Broken, Invalid, NotFound, Problem
from shared.platform.operations import problems_of

PACKAGED: Final = Path(__file__).parent / "layouts"


class NotALayout(Invalid):
    """A layout is not valid."""

    code = "not_a_layout"


class WrongLayouts(Broken):
    """The layouts are not valid."""

    code = "wrong_layouts"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Carry every problem: files wait until the layouts are mended."""
        self.problems = problems
        super().__init__(f"The layouts are not valid. {'; '.join(f'{one.path}: {one.message}' for one in problems)}")


class NoLayout(NotFound):
    """There is no layout for such a file."""

    code = "no_layout"


@dataclass(frozen=True, kw_only=True, slots=True)
class Library:
    """Layouts by their names."""

    layouts: Mapping[str, Layout]

    def find(self, name: FileName, schema_version: str) -> Layout:
        """The layout of a file: its sender's own, else the one for everybody. Raises NoLayout."""
        fitting = [layout for layout in self.layouts.values() if _use(layout) == (name.kind, name.format, schema_version)]
        own = [layout for layout in fitting if name.sender in layout.senders] or [layout for layout in fitting if not layout.senders]
        if not own:
            raise NoLayout(f"There is no layout for {name.kind.value} as {name.format.value}, version {schema_version}.")
        return own[0]


def load(*folders: Path) -> Library:
    """The layouts that come with Clo and those of the folders (`*.json`); a later one of a name takes the place of an earlier.

    Raises NotALayout with every problem of every file.
    """
    layouts: dict[str, Layout] = {}
    problems: list[Problem] = []
    for file in (file for folder in (PACKAGED, *folders) for file in sorted(folder.glob("*.json"))):
        try:
            layout = read_layout(file.read_bytes())
            layouts[layout.name] = layout
        except NotALayout as error:
            problems += [Problem(path=f"{file.name}#{problem.path}", message=problem.message) for problem in error.problems]
    problems += [Problem(path="", message=message) for message in _ambiguous(layouts)]
    if problems:
        raise NotALayout(problems=tuple(problems))
    return Library(layouts=layouts)


def load_as_now(folder: str | None) -> Library:
    """The layouts that come with Clo and those of a folder as they are now. Raises WrongLayouts with every problem."""
    try:
        files = sorted(file for file in Path(folder).iterdir() if file.suffix == ".json") if folder else []
        return _load_again(folder, tuple((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files))
    except NotALayout as error:
        raise WrongLayouts(error.problems) from error
    except OSError as error:
        raise WrongLayouts((Problem(path="", message=f"can't be read: {error.strerror}"),)) from error


@lru_cache(maxsize=4)
def _load_again(folder: str | None, _files: tuple[tuple[str, int, int], ...]) -> Library:
    return load(*([Path(folder)] if folder else []))


def read_layout(raw: bytes) -> Layout:
    """Read one layout. Raises NotALayout with every problem."""
    try:
        layout = Layout.model_validate_json(raw)
    except ValidationError as error:
        malformed = any(detail["type"] == "json_invalid" for detail in error.errors(include_url=False, include_input=False))
        problems = [Problem(path="", message="is not valid JSON")] if malformed else problems_of(error, body=raw)
        raise NotALayout(problems=tuple(problems)) from error
    problems = list(problems_of_layout(layout))
    if problems:
        raise NotALayout(problems=tuple(problems))
    return layout


def _use(layout: Layout) -> tuple[Kind, Format, str]:
    return layout.kind, layout.format, layout.schema_version


def _ambiguous(layouts: Mapping[str, Layout]) -> Iterator[str]:
    """Where two layouts are for the same files."""
    uses = Counter((*_use(layout), sender) for layout in layouts.values() for sender in layout.senders or ("",))
    for (kind, form, version, sender), count in uses.items():
        if count > 1:
            yield f"{count} layouts are for {kind.value} as {form.value}, version {version}, of {sender or 'everybody'}"
