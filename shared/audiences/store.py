"""Audiences in PostgreSQL: values in, values out."""

from collections.abc import Collection
from uuid import UUID

from shared.platform.call import Transaction
from shared.platform.database import Queries, rows

SQL = Queries(__file__)


def known_segments(tx: Transaction, segment_ids: Collection[UUID]) -> set[UUID]:
    """Those of the segments that exist."""
    return {row["segment_id"] for row in rows(tx.connection, SQL["known_segments"], segment_ids=list(segment_ids))}
