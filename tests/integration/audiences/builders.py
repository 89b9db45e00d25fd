"""Customers, segments and launches made through the use cases, and what their events say."""

import json
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from events.catalog import BY_PAYLOAD
from events.payloads import HistoriesChanged, OfferWentLive
from shared.audiences import customers, desk, launch, service
from shared.audiences.api import GrantsAsked, GrantsMade, NewSegment
from shared.kernel.wire import Wire
from shared.platform.batches import BatchAnswer
from tests.conftest import NOW, MakeCall

LIVE_AT: Final = NOW - timedelta(days=2)


def customer(customer_id: str = "c1", **overrides: Any) -> dict[str, Any]:
    return {"customer_id": customer_id, "consent": True, **overrides}


def put(call: MakeCall, *sent: dict[str, Any]) -> BatchAnswer:
    return customers.put_customers(call(), json.dumps({"customers": sent}).encode())


def put_all(call: MakeCall, *customer_ids: str, **overrides: Any) -> None:
    """Customers that are taken, all of them."""
    assert put(call, *(customer(customer_id, **overrides) for customer_id in customer_ids)).rejected == []


def listed(call: MakeCall, *customer_ids: str, name: str = "List") -> UUID:
    return service.create_segment(call(), NewSegment(name=name, kind="list", customers=list(customer_ids))).segment_id


def ruled(call: MakeCall, rule: dict[str, Any], name: str = "Rule") -> UUID:
    body = NewSegment.model_validate_json(json.dumps({"name": name, "kind": "rule", "rule": rule}))
    return service.create_segment(call(), body).segment_id


def issue(call: MakeCall, offer_id: UUID, *customer_ids: str, at: datetime | None = None, key: str | None = None) -> GrantsMade:
    return desk.issue_grants(call(key=key), GrantsAsked(offer_id=offer_id, customers=list(customer_ids), granted_at=at))


def went_live(offer_id: UUID, campaign_id: UUID, **overrides: Any) -> OfferWentLive:
    values: dict[str, Any] = {"version": 1, "live_at": LIVE_AT, "segments_in": [], "segments_out": [], "holdout": 0, "content": []}
    return OfferWentLive(offer_id=offer_id, campaign_id=campaign_id, **values | overrides)


def launched(call: MakeCall, event: OfferWentLive) -> None:
    launch.build_audience(call("build_audience"), event)


def holders(call: MakeCall, offer_id: UUID) -> list[str]:
    """Who holds grants of an offer, once for each grant."""
    with call().reading() as tx:
        found = tx.connection.execute("SELECT customer_id FROM grants WHERE offer_id = %s ORDER BY 1", (offer_id,)).fetchall()
    return [row["customer_id"] for row in found]


def drawn(call: MakeCall, offer_id: UUID) -> dict[str, str | None]:
    """Of which variant each customer's grant is."""
    with call().reading() as tx:
        found = tx.connection.execute("SELECT customer_id, variant FROM grants WHERE offer_id = %s ORDER BY 1", (offer_id,)).fetchall()
    return {row["customer_id"]: row["variant"] for row in found}


def emitted(call: MakeCall, payload: type[Wire]) -> list[Any]:
    """The events of a kind that wait to be delivered, oldest first."""
    with call().reading() as tx:
        found = tx.connection.execute("SELECT payload FROM outbox WHERE type = %s ORDER BY seq", (BY_PAYLOAD[payload].type,)).fetchall()
    return [payload.model_validate_json(row["payload"]) for row in found]


def changed(call: MakeCall) -> set[tuple[str, UUID]]:
    """The customers and offers that are to be folded again."""
    return {pair for event in emitted(call, HistoriesChanged) for pair in event.pairs}
