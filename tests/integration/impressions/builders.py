"""An offer to show, impressions with defaults, and what the tables hold of them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from events.payloads import Impression
from shared.kernel.ids import OFFER, derived_id
from shared.platform.database import Database

OFFER_ID = derived_id("offer")
OTHER_OFFER_ID = derived_id("other offer")
AT = datetime(2017, 3, 14, 15, 9, 26, tzinfo=UTC)


def impression(number: int = 1, **overrides: Any) -> Impression:
    values: dict[str, Any] = {
        "impression_id": f"imp-{number}",
        "kind": "served",
        "customer_id": "c1",
        "offer_id": OFFER_ID,
        "channel": "email",
        "placement": "top",
        "at": AT,
    }
    return Impression(**values | overrides)


def body(impressions: Sequence[Impression | dict[str, Any]]) -> bytes:
    items = [i if isinstance(i, dict) else i.model_dump(mode="json") for i in impressions]
    return json.dumps({"impressions": items}).encode()


def wire(**overrides: Any) -> dict[str, Any]:
    return impression().model_dump(mode="json") | overrides


def offer_text(offer_id: UUID = OFFER_ID) -> str:
    return OFFER.render(offer_id)


def make_offers(database: Database) -> None:
    with database.connection() as connection:
        campaign_id = derived_id("campaign")
        connection.execute(
            "INSERT INTO campaigns VALUES (%s, 'Spring', 'grow', 'retail', 'USD', %s, %s, 'UTC', 'live', 'maya', %s, 1)",
            (campaign_id, AT.replace(month=1), AT.replace(month=12), AT),
        )
        connection.cursor().executemany(
            "INSERT INTO offers (offer_id, campaign_id, name, state, latest_version, created_by, created_at, revision)"
            " VALUES (%s, %s, 'Coffee', 'live', 1, 'maya', %s, 1)",
            [(offer_id, campaign_id, AT) for offer_id in (OFFER_ID, OTHER_OFFER_ID)],
        )


def tables(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All that is known of impressions but when it was recorded."""
    statements = {
        "impressions": "SELECT impression_id, kind, customer_id, offer_id, channel, placement, at FROM impressions",
        "counts": "SELECT offer_id, channel, placement, kind, hour, impressions, coalesce(variant, '') FROM impression_counts",
        "reach": "SELECT offer_id, channel, kind, customer_id, coalesce(variant, '') FROM impression_reach",
    }
    with database.connection() as connection:
        return {name: sorted(tuple(row.values()) for row in connection.execute(text)) for name, text in statements.items()}


def empty(database: Database) -> None:
    with database.connection() as connection:
        for table in ("impressions", "impression_counts", "impression_reach"):
            connection.execute(f"DELETE FROM {table}")
