"""How commands talk: data on standard output, words on standard error, and one table of exit codes."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import Final, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from shared.kernel.errors import CloError, Invalid


class Exit(IntEnum):
    """What a command tells the shell."""

    DONE = 0  # all went well
    FAULT = 1  # something went wrong on our side
    USAGE = 2  # the command was not understood
    CHECK_FAILED = 3  # all ran, and what was checked does not hold
    UNREACHABLE = 4  # the platform or its database can't be reached


EXIT_CODES: Final = "Exit codes: 0 done, 1 our fault, 2 wrong usage, 3 a check failed, 4 platform or database not reachable."

words: Final = Console(stderr=True, highlight=False, soft_wrap=True)
"""For people: notes, progress, errors."""


WIDTH: Final = 140
"""Columns for tables that go into a file or a pipe."""


def output() -> Console:
    """Where data goes; as wide as the terminal, if it is one."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)


def fail(message: str, code: Exit = Exit.FAULT) -> NoReturn:
    """Say what is wrong and leave."""
    words.print(message, style="bold red", markup=False)
    raise typer.Exit(code)


@contextmanager
def refusals() -> Iterator[None]:
    """Tell why something is not done, with every problem of what was given, and leave."""
    try:
        yield
    except CloError as error:
        for problem in error.problems if isinstance(error, Invalid) else ():
            words.print(f"{problem.path}: {problem.message}", markup=False)
        fail(str(error))


def print_json(value: object) -> None:
    """Data for scripts."""
    print(json.dumps(value, indent=2, default=str))


def print_list(found: Sequence[Mapping[str, object]], columns: Sequence[str], what: str, *, as_json: bool) -> None:
    """Data for scripts or these columns of it for people, and how many of what that is."""
    if as_json:
        print_json(found)
    else:
        print_table(columns, [[one[column] for column in columns] for one in found])
    words.print(f"{len(found)} {what}.")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """Data for people."""
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    output().print(table)
