"""Impressions in PostgreSQL: one statement for a batch of any size."""

from collections.abc import Collection, Sequence
from uuid import UUID

from events.payloads import Impression
from shared.platform.call import Transaction
from shared.platform.database import Queries, one, rows

SQL = Queries(__file__)


def add(tx: Transaction, impressions: Sequence[Impression]) -> int:
    """Store and count the impressions whose id was not seen before; how many those were. The first content of an id stays."""
    row = one(
        tx.connection,
        SQL["add_impressions"],
        ids=[i.impression_id for i in impressions],
        kinds=[i.kind for i in impressions],
        customers=[i.customer_id for i in impressions],
        offers=[i.offer_id for i in impressions],
        channels=[i.channel for i in impressions],
        placements=[i.placement for i in impressions],
        moments=[i.at for i in impressions],
        versions=[i.version for i in impressions],
        variants=[i.variant for i in impressions],
        now=tx.now,
    )
    return int(row["new"]) if row else 0


def known_offers(tx: Transaction, offer_ids: Collection[UUID]) -> set[UUID]:
    """Which of these offers there are."""
    return {row["offer_id"] for row in rows(tx.connection, SQL["known_offers"], offer_ids=list(offer_ids))}
