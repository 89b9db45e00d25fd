"""Who may send which kinds of files, and from where, as data: a file that is checked as a whole when it is read."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, ValidationError

from shared.files.names import FileName, Kind
from shared.kernel.errors import Broken, Problem
from shared.kernel.wire import Wire
from shared.platform.operations import problems_of


class Sender(Wire):
    """Who may drop files."""

    sender: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    """As the names of its files say it."""
    kinds: Annotated[frozenset[Kind], Field(strict=False, min_length=1)]
    """What it may send."""
    folder: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*$", max_length=200)] | None = None
    """Where alone its files may lie: a folder of the drop place in which nobody else may write. Anywhere where left out."""


class SendersSaid(Wire):
    """The file of senders."""

    senders: Annotated[list[Sender], Field(max_length=1000)]


class NotSenders(Broken):
    """The file of senders is not valid."""

    code = "not_senders"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Carry every problem, so that it can be mended in one go."""
        self.problems = problems
        super().__init__(f"The file of senders is not valid. {'; '.join(f'{one.path}: {one.message}' for one in problems)}")


def load_senders(path: str) -> Mapping[str, Sender]:
    """The senders of a file by their names, as it is now. Raises NotSenders with every problem."""
    file = Path(path)
    try:
        return _read_again(path, file.stat().st_mtime_ns)
    except OSError as error:
        raise NotSenders((Problem(path="", message=f"can't be read: {error.strerror}"),)) from error


@lru_cache(maxsize=4)
def _read_again(path: str, _changed: int) -> Mapping[str, Sender]:
    return read_senders(Path(path).read_bytes())


def read_senders(raw: bytes) -> Mapping[str, Sender]:
    """Read the file of senders. Raises NotSenders with every problem."""
    try:
        said = SendersSaid.model_validate_json(raw).senders
    except ValidationError as error:
        raise NotSenders(tuple(problems_of(error))) from error
    names = [one.sender for one in said]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise NotSenders(tuple(Problem(path="/senders", message=f"sender {name} is there twice") for name in twice))
    return {one.sender: one for one in said}


def why_not(senders: Mapping[str, Sender], name: FileName, folder: str) -> str | None:
    """Why a file of this name in this folder is not taken; None where it may be sent."""
    sender = senders.get(name.sender)
    if sender is None:
        return f"no files of {name.sender} are taken here"
    if name.kind not in sender.kinds:
        return f"{name.sender} may not send {name.kind.value}, only {', '.join(sorted(kind.value for kind in sender.kinds))}"
    if sender.folder not in {None, folder}:
        return f"files of {name.sender} are taken from {sender.folder} alone"
    return None
