"""Numbered SQL files bring a database from any earlier state to today's."""

from dataclasses import dataclass
from pathlib import Path

import psycopg

from shared.kernel.errors import Refused

FOLDER = Path(__file__).with_name("migrations")
OWN_TABLE = "CREATE TABLE IF NOT EXISTS schema_migrations (number int PRIMARY KEY, name text NOT NULL, at timestamptz NOT NULL)"
LOCK = 0x436C6F  # one migration at a time on a database


@dataclass(frozen=True, kw_only=True, slots=True)
class Migration:
    """One numbered file."""

    number: int
    name: str
    sql: str


def migrations() -> tuple[Migration, ...]:
    """All migrations in order."""
    files = sorted(FOLDER.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    return tuple(Migration(number=int(f.name[:4]), name=f.stem, sql=f.read_text(encoding="utf-8")) for f in files)


def migrate(url: str) -> tuple[str, ...]:
    """Bring the database at `url` (as its owner) up to date, each migration in a transaction of its own; names what was done.

    Raises Refused when the database has a migration that is not known here.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        connection.execute(OWN_TABLE)
        done = {row[0]: row[1] for row in connection.execute("SELECT number, name FROM schema_migrations").fetchall()}
        known = migrations()
        unknown = sorted(set(done.values()) - {m.name for m in known})
        if unknown:
            raise Refused(f"The database is newer than this program: it has {', '.join(unknown)}.")
        due = [m for m in known if m.number not in done]
        for migration in due:
            with connection.transaction():
                connection.execute(migration.sql)
                connection.execute("INSERT INTO schema_migrations VALUES (%s, %s, now())", (migration.number, migration.name))
        return tuple(m.name for m in due)
