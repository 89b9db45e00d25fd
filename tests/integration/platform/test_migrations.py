"""Migrations: the same schema whichever way it was reached, and a role that can't rewrite the past."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from shared.kernel.errors import Refused
from shared.platform import migrate as module
from shared.platform.database import Database
from shared.platform.local.postgres import EmbeddedPostgres
from shared.platform.migrate import Migration, migrate, migrations

SCHEMA = """
SELECT 'column', table_name, column_name, data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '') || ' ' || is_identity
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'right', table_name, grantee, string_agg(privilege_type, ' ' ORDER BY privilege_type)
    FROM information_schema.role_table_grants WHERE table_schema = 'public' GROUP BY table_name, grantee
"""


@pytest.fixture
def fresh(postgres: EmbeddedPostgres) -> Iterator[str]:
    """An empty database of its own."""
    name = f"fresh_{uuid4().hex}"
    with psycopg.connect(postgres.owner_url(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield postgres.owner_url(name)
    with psycopg.connect(postgres.owner_url(), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def schema(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return sorted(connection.execute(SCHEMA).fetchall())


def test_numbers_follow_each_other_and_each_file_says_when_it_runs() -> None:
    found = migrations()
    assert [migration.number for migration in found] == list(range(1, len(found) + 1))
    assert all(migration.sql.startswith(("-- before deploy\n", "-- after deploy\n")) for migration in found)


def test_one_by_one_gives_the_same_schema_as_all_at_once(fresh: str, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = migrations()
    for count in range(1, len(everything) + 1):
        monkeypatch.setattr(module, "migrations", lambda known=everything[:count]: known)
        assert migrate(fresh) == (everything[count - 1].name,)
    assert schema(fresh) == schema(postgres.owner_url())


def test_database_that_is_up_to_date_is_left_alone(fresh: str) -> None:
    assert migrate(fresh) == tuple(migration.name for migration in migrations())
    before = schema(fresh)
    assert migrate(fresh) == ()
    assert schema(fresh) == before


def test_newer_database_is_refused_and_left_alone(fresh: str, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate(fresh)
    *known, newest = migrations()
    monkeypatch.setattr(module, "migrations", lambda: tuple(known))
    with pytest.raises(Refused, match=newest.name):
        migrate(fresh)


def test_migration_that_fails_leaves_the_earlier_ones_and_nothing_of_itself(fresh: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = Migration(number=2, name="0002_bad", sql="CREATE TABLE half (a int); SELECT 1 / 0;")
    good = Migration(number=1, name="0001_good", sql="CREATE TABLE good (a int)")
    monkeypatch.setattr(module, "migrations", lambda: (good, bad))
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(fresh)
    assert {row[1] for row in schema(fresh) if row[0] == "column"} == {"good", "schema_migrations"}
    monkeypatch.setattr(module, "migrations", lambda: (good,))
    assert migrate(fresh) == ()


FOREVER = (
    "postings", "seals", "campaign_history", "offer_history", "consents", "statement_credits", "activations", "customer_zones", "filings",
    "redemption_revisions", "merchants_before", "locations_before", "aliases_before",
)  # fmt: skip
KEPT = ("accounts", "reservations", "redemptions", "refunds_let_go", "grants", "holdouts", "offer_versions", "budget_requests")


@pytest.mark.parametrize(
    "statement",
    [
        *(f"{command} {table}" for table in FOREVER for command in ("DELETE FROM", "TRUNCATE", "DROP TABLE")),
        *(f"{command} {table}" for table in KEPT for command in ("DELETE FROM", "TRUNCATE")),
        "TRUNCATE transactions",
        "ALTER TABLE transactions DISABLE TRIGGER keep_history",
        "UPDATE refund_decisions SET reason = ''",
        "DELETE FROM refund_decisions",
        "UPDATE postings SET amount_minor = 1",
        "UPDATE seals SET postings = 1",
        "UPDATE campaign_history SET reason = ''",
        "UPDATE offer_history SET reason = ''",
        "UPDATE consents SET given = true",
        "UPDATE statement_credits SET amount_minor = 1",
        "UPDATE activations SET at = now()",
        "UPDATE redemption_revisions SET reward_minor = 0",
        "ALTER TABLE postings ADD COLUMN note text",
        "ALTER TABLE offer_versions DISABLE TRIGGER ALL",
        "INSERT INTO schema_migrations VALUES (999, 'x', now())",
        "CREATE TABLE mine (a int)",
        "SET ROLE postgres",
    ],
)
def test_role_of_the_functions_can_not_rewrite_the_past(database: Database, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.connection() as connection:
        connection.execute(statement.encode())


def test_approved_version_of_an_offer_never_changes(database: Database, postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.owner_url(), autocommit=True) as owner:
        owner.execute("""
            INSERT INTO campaigns VALUES ('00000000-0000-0000-0000-000000000001', 'n', 'o', 'p', 'USD', now(), now() + interval '1 day',
                'UTC', 'draft', 'maya', now(), 1);
            INSERT INTO offers (offer_id, campaign_id, name, state, latest_version, created_by, created_at, revision)
                SELECT '00000000-0000-0000-0000-000000000002', campaign_id, 'n', 'approved', 1, 'maya', now(), 1 FROM campaigns;
            INSERT INTO offer_versions (offer_id, version, state, terms, starts_at, authors, created_at)
                VALUES ('00000000-0000-0000-0000-000000000002', 1, 'approved', '{}', now(), '{maya}', now());
        """)
    with pytest.raises(psycopg.errors.RaiseException, match="never changes"), database.connection() as connection:
        connection.execute("UPDATE offer_versions SET terms = '{\"reward\": 1}'")
