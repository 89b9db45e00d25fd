"""The page of the command line: each command with its arguments and options, from the commands themselves."""

from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Final

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from shared.cli.main import app
from shared.cli.terminal import EXIT_CODES

MANY: Final = -1
EMPTY: Final[tuple[object, ...]] = ([], ())
Table = Callable[[tuple[str, ...], Iterable[tuple[str, ...]]], str]


def sections(table: Table) -> Iterator[str]:
    """One section a command."""
    yield f"Data goes to standard output, words to standard error. {EXIT_CODES}"
    for name, command in _leaves("clo", get_command(app)):
        rows = [row for parameter in command.params if (row := _row(parameter))]
        said = [f"## {name}", " ".join((command.help or "").split())]
        yield "\n\n".join([*said, table(("argument or option", "default", "what it is"), rows)] if rows else said)


def _leaves(name: str, command: object) -> Iterator[tuple[str, TyperCommand]]:
    if isinstance(command, TyperGroup):
        for word, inner in command.commands.items():
            yield from _leaves(f"{name} {word}", inner)
    elif isinstance(command, TyperCommand) and not command.hidden:
        yield name, command


def _row(parameter: object) -> tuple[str, str, str] | None:
    """How a parameter is given, what holds where it is not, and what it is; None of one that is not shown."""
    if not isinstance(parameter, TyperArgument | TyperOption) or parameter.hidden:
        return None
    given = parameter.opts[0] if isinstance(parameter, TyperOption) else str(parameter.name).upper()
    several = "..." * (parameter.nargs == MANY or parameter.multiple)
    variable = f" (`{parameter.envvar}`)" if parameter.envvar else ""
    return f"`{given}{several}`{variable}", _default(parameter), parameter.help or ""


def _default(parameter: TyperArgument | TyperOption) -> str:
    if parameter.required:
        return "(needed)"
    default = parameter.default.value if isinstance(parameter.default, Enum) else parameter.default
    return "" if default is None or default is False or default in EMPTY or callable(default) else f"`{default}`"
