"""Options that several commands share."""

from datetime import date, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

import typer
from pydantic_core import PydanticCustomError

from shared.kernel.clock import SystemClock
from shared.kernel.ids import Prefix

DATA: Final = Path(".clo")


class Bus(Enum):
    """How events travel on a local platform."""

    EMBEDDED = "embedded"
    KAFKA = "kafka"


URL: Final = "http://127.0.0.1:8080"


def moment(text: str) -> datetime:
    """A moment from an option. Raises typer.BadParameter, which says how to write it."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no moment; write it like 2016-11-01T00:00:00Z") from error
    if found.tzinfo is None:
        raise typer.BadParameter(f"{text!r} lacks its offset; write it like 2016-11-01T00:00:00Z")
    return found


def day_of(day: datetime | None) -> date:
    """The day of files: yesterday where none is given."""
    return day.date() if day else (SystemClock().now() - timedelta(days=1)).date()


def id_from(text: str, prefix: Prefix, name: str) -> UUID:
    """An id from an argument or option of that name. Raises typer.BadParameter, which says what shape it must have."""
    try:
        return prefix.parse(text)
    except PydanticCustomError as error:
        raise typer.BadParameter(f"{text!r}: {error.message()}", param_hint=name) from error


Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day of the files; yesterday where not given.")]
Seed = Annotated[int, typer.Option(min=0, max=9_999, help="Another seed, another bank.")]
Data = Annotated[Path, typer.Option("--data", help="Folder of the local platform.")]
DatabaseUrl = Annotated[
    str | None, typer.Option("--database-url", envvar="CLO_DATABASE_URL", help="A PostgreSQL to use in place of the local platform's.")
]
Url = Annotated[str, typer.Option("--url", help="Where the platform listens.")]
OnBus = Annotated[Bus, typer.Option("--bus", help="How events travel: embedded, or kafka for a real Apache Kafka.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
