"""What the reports read, of all areas' tables; they write nothing."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from shared.platform.call import Call, Transaction
from shared.platform.database import Queries, one, rows

SQL = Queries(__file__)
Grouped = Mapping[UUID, list[DictRow]]


@contextmanager
def snapshot(call: Call) -> Iterator[Transaction]:
    """A connection on which all questions see the same state of the database."""
    with call.reading() as tx, tx.connection.transaction():
        tx.connection.execute(SQL["one_snapshot"])
        tx.connection.execute(SQL["roomy"])
        yield tx


def by_campaign(tx: Transaction, statement: str, campaign_ids: Sequence[UUID]) -> Grouped:
    """The rows of a statement about several campaigns, by campaign."""
    found: dict[UUID, list[DictRow]] = {campaign_id: [] for campaign_id in campaign_ids}
    for row in rows(tx.connection, SQL[statement], campaign_ids=list(campaign_ids)):
        found[row.pop("campaign_id")].append(row)
    return found


def ledger_totals(tx: Transaction, campaign_id: UUID) -> list[DictRow]:
    """The postings of a campaign summed up by step."""
    return rows(tx.connection, SQL["ledger_totals"], campaign_id=campaign_id)


def has_posting(tx: Transaction, campaign_id: UUID, posting_id: UUID) -> bool:
    """Whether the posting is one of the campaign's."""
    return one(tx.connection, SQL["posting_of"], campaign_id=campaign_id, posting_id=posting_id) is not None


def postings(tx: Transaction, campaign_id: UUID, *, after: UUID | None, limit: int) -> list[DictRow]:
    """At most `limit` postings of a campaign, in the order in which they were sealed."""
    return rows(tx.connection, SQL["list_postings"], campaign_id=campaign_id, after=after, limit=limit)


def sealed(tx: Transaction, campaign_id: UUID, *, after: UUID | None, limit: int) -> list[DictRow]:
    """At most `limit` postings of a campaign with all columns and the hash of their seal, in the order in which they were sealed."""
    return rows(tx.connection, SQL["list_sealed"], campaign_id=campaign_id, after=after, limit=limit)


def redemptions(tx: Transaction, conditions: Mapping[str, Any]) -> list[DictRow]:
    """At most `limit` redemptions that meet the conditions, by id."""
    return rows(tx.connection, SQL["list_redemptions"], **conditions)


def unknown_cards(tx: Transaction, *, after: str | None, limit: int) -> list[DictRow]:
    """At most `limit` cards that purchases wait for, by token."""
    return rows(tx.connection, SQL["list_unknown_cards"], after=after, limit=limit)


def trial_balance(tx: Transaction) -> list[DictRow]:
    """Each kind of account by currency."""
    return rows(tx.connection, SQL["trial_balance"])
