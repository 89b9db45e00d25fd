"""PostgreSQL: the pool, and SQL as named statements in files."""

import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, LiteralString
from uuid import UUID

import orjson
from psycopg import AsyncConnection, Connection, DataError, OperationalError
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool, ConnectionPool, PoolTimeout

from shared.kernel.errors import Broken, Busy, Invalid

STATEMENT: Final = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
OPTIONS: Final = "-c jit=off"
NEVER: Final = 1 << 31

Connected = Connection[DictRow]
ConnectedToLoop = AsyncConnection[DictRow]


class Database:
    """Pools of connections to one database: one for threads, and one for the event loop that asks questions."""

    def __init__(self, url: str, *, pool_size: int, timeout_seconds: float) -> None:
        """Open lazily: connections are made as they are needed, at most `pool_size` of each kind.

        Nothing is prepared unless asked for: a plan that was kept from when a table was empty is ruinous once it is full.
        """
        options: dict[str, Any] = {"row_factory": dict_row, "autocommit": True, "prepare_threshold": NEVER, "options": OPTIONS}
        sizes: dict[str, Any] = {"min_size": 0, "max_size": pool_size, "timeout": timeout_seconds}
        self._pool = ConnectionPool[Connected](url, open=True, configure=_configure, kwargs=options, **sizes)
        self._loop_pool = AsyncConnectionPool[ConnectedToLoop](url, open=False, configure=_configure_to_loop, kwargs=options, **sizes)

    @contextmanager
    def connection(self) -> Iterator[Connected]:
        """A connection for a while. Raises Busy where the database can't be reached or breaks off (deadlock, timeout): try again."""
        with _errors_as_ours(), self._pool.connection() as connection:
            yield connection

    @asynccontextmanager
    async def connection_to_loop(self) -> AsyncIterator[ConnectedToLoop]:
        """A connection for the running event loop, which must be the same each time. Raises as `connection` does."""
        with _errors_as_ours():
            await self._loop_pool.open()
            async with self._loop_pool.connection() as connection:
                yield connection

    def close(self) -> None:
        """Give all connections of threads back."""
        self._pool.close()

    async def leave_loop(self) -> None:
        """Give all connections of the event loop back; without it they end with the process."""
        await self._loop_pool.close()


@contextmanager
def _errors_as_ours() -> Iterator[None]:
    try:
        yield
    except (OperationalError, PoolTimeout) as error:
        raise Busy("The database can't be reached or is overloaded.") from error
    except DataError as error:
        raise Invalid("The input holds a value that can't be stored.") from error


def _configure(connection: Connected) -> None:
    set_json_loads(orjson.loads, connection)


async def _configure_to_loop(connection: ConnectedToLoop) -> None:
    set_json_loads(orjson.loads, connection)


class Queries:
    """The statements of one `queries.sql`: `-- name: x`, a line that says what for, the SQL. `queries["x"]` is its text."""

    def __init__(self, module_file: str) -> None:
        """Read `queries.sql` beside the module."""
        parts = STATEMENT.split(Path(module_file).with_name("queries.sql").read_text(encoding="utf-8"))
        self._statements: Mapping[str, str] = dict(zip(parts[1::2], map(_without_margin, parts[2::2]), strict=True))

    def __getitem__(self, name: str) -> LiteralString:
        """The statement of that name; a file of ours is as good as a literal."""
        return self._statements[name]

    def __iter__(self) -> Iterator[str]:
        """The names of the statements."""
        return iter(self._statements)


def _without_margin(statement: str) -> str:
    """Without comments and indentation: the driver reads long statements anew each time, up to 4,096 characters once."""
    return "\n".join(line.strip() for line in statement.splitlines() if line and not line.startswith("--"))


def one(connection: Connected, statement: LiteralString, **values: Any) -> DictRow | None:
    """Run a statement and return its first row, or None."""
    return connection.execute(statement, values).fetchone()


def exactly_one(connection: Connected, statement: LiteralString, **values: Any) -> DictRow:
    """Run a statement that always has a row and return it. Raises Broken where it has none."""
    row = connection.execute(statement, values).fetchone()
    if row is None:
        raise Broken("A row that is always there is missing.")
    return row


def joined(ids: Iterable[object]) -> str:
    """Ids as one text, for `string_to_array(..., ',')`: many are sent far quicker so than as an array. No id holds a comma."""
    return ",".join([one.hex if isinstance(one, UUID) else str(one) for one in ids])


def copy_rows(connection: Connected, statement: LiteralString, types: Sequence[str], values: Iterable[Sequence[object]]) -> None:
    """Add rows by a `COPY ... FROM STDIN (FORMAT binary)` statement; `types` are the PostgreSQL types of its columns."""
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(types)
        for row in values:
            copy.write_row(row)


def rows(connection: Connected, statement: LiteralString, **values: Any) -> list[DictRow]:
    """Run a statement and return all its rows."""
    return connection.execute(statement, values).fetchall()


def prepared(connection: Connected, statement: LiteralString, **values: Any) -> list[DictRow]:
    """As `rows`, with a plan that is kept until statistics of its tables change: for a statement that always looks up little by keys."""
    return connection.execute(statement, values, prepare=True).fetchall()
