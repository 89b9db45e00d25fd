"""Audiences in PostgreSQL: values in, values out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from shared.audiences.model import (
    Candidate,
    Consent,
    Customer,
    Grant,
    Held,
    Holder,
    Holding,
    Segment,
    SegmentKind,
    Selection,
    Size,
    Standing,
    VariantSelection,
)
from shared.kernel.errors import NotFound
from shared.platform.call import Transaction
from shared.platform.database import Queries, one, rows

SQL = Queries(__file__)


class CustomerRow(NamedTuple):
    """A customer as it is written."""

    customer_id: str
    shard: int
    zone: str | None
    attributes: Mapping[str, object]
    consent: bool


class ConsentRow(NamedTuple):
    """A line of a customer's consent as it is written."""

    customer_id: str
    at: datetime
    given: bool


Member = tuple[UUID, str]
"""A segment that is a list, and a customer."""


class GrantRow(NamedTuple):
    """A grant as it is written."""

    grant_id: UUID
    customer_id: str
    granted_at: datetime


class Giving(NamedTuple):
    """An offer that is given as of a moment; which variants it has, in their order."""

    offer_id: UUID
    campaign_id: UUID
    granted_at: datetime
    variants: Sequence[VariantSelection]


class Granted(NamedTuple):
    """What giving an offer to an audience came to."""

    made: int
    standing: int
    """Grants that the offer has afterwards."""
    changed: list[str]
    """Customers with purchases that may count for the new grants."""


def standings(tx: Transaction, moments: Mapping[str, datetime]) -> dict[str, Standing]:
    """What is on record about those of the customers who are known, as of the moment that is told for each."""
    found = rows(tx.connection, SQL["read_standings"], customer_ids=list(moments), moments=list(moments.values()))
    return {row.pop("customer_id"): Standing(**row) for row in found}


def put_customers(tx: Transaction, customers: Sequence[CustomerRow]) -> None:
    """Store customers, each id once."""
    values = {
        "customer_ids": [c.customer_id for c in customers],
        "shards": [c.shard for c in customers],
        "zones": [c.zone for c in customers],
        "attributes": [orjson.dumps(c.attributes).decode() for c in customers],
        "consents": [c.consent for c in customers],
        "now": tx.now,
    }
    tx.connection.execute(SQL["upsert_customers"], values)


def add_consents(tx: Transaction, said: Sequence[ConsentRow]) -> None:
    """Add to the histories of consent."""
    values = {"customer_ids": [c.customer_id for c in said], "moments": [c.at for c in said], "givens": [c.given for c in said]}
    tx.connection.execute(SQL["add_consents"], values | {"now": tx.now})


def add_cards(tx: Transaction, said: Sequence[Holding]) -> set[str]:
    """Store what is said of cards, each token and beginning once; of which cards it is new."""
    values = {field.name: [getattr(holding, field.name) for holding in said] for field in fields(Holding)}
    return {row["card_token"] for row in rows(tx.connection, SQL["add_cards"], **values, now=tx.now)}


def customer(tx: Transaction, customer_id: str) -> Customer:
    """One customer. Raises NotFound."""
    row = one(tx.connection, SQL["read_customer"], customer_id=customer_id)
    if row is None:
        raise NotFound("There is no such customer.")
    return Customer(**row)


def erased(tx: Transaction, customer_ids: Collection[str]) -> set[str]:
    """Those of the customers who were erased."""
    return {row["customer_id"] for row in rows(tx.connection, SQL["erased"], customer_ids=list(customer_ids))}


def erase(tx: Transaction, customer_id: str) -> None:
    """Take away what tells of a customer, and revoke what was given."""
    tx.connection.execute(SQL["erase"], {"customer_id": customer_id, "now": tx.now})


def consents(tx: Transaction, customer_id: str) -> list[Consent]:
    """The history of a customer's consent, oldest first."""
    return [Consent(**row) for row in rows(tx.connection, SQL["read_consents"], customer_id=customer_id)]


def cards(tx: Transaction, customer_id: str) -> list[Holding]:
    """The cards of a customer."""
    return [Holding(**row) for row in rows(tx.connection, SQL["read_cards"], customer_id=customer_id)]


def card(tx: Transaction, card_token: str) -> list[Holding]:
    """Whose a card was, oldest first."""
    return [Holding(**row) for row in rows(tx.connection, SQL["read_card"], card_token=card_token)]


def holders(tx: Transaction, asked: Collection[tuple[str, datetime]], as_of: datetime | None) -> dict[tuple[str, datetime], Holder]:
    """Whose cards were at moments, of those that were somebody's; by what was known at another moment, where one is told."""
    values = {"card_tokens": [card_token for card_token, _ in asked], "moments": [at for _, at in asked], "as_of": as_of}
    return {(row.pop("card_token"), row.pop("at")): Holder(**row) for row in rows(tx.connection, SQL["holders"], **values)}


def changed_pairs(tx: Transaction, since: Mapping[str, datetime], offer_id: UUID | None = None) -> list[tuple[str, UUID]]:
    """Customers and offers whose purchases may be judged otherwise, given from when each customer's facts changed."""
    found = rows(tx.connection, SQL["changed_pairs"], customer_ids=list(since), moments=list(since.values()), offer_id=offer_id)
    return [(row["customer_id"], row["offer_id"]) for row in found]


def known_segments(tx: Transaction, segment_ids: Collection[UUID]) -> set[UUID]:
    """Those of the segments that exist."""
    return {row["segment_id"] for row in rows(tx.connection, SQL["known_segments"], segment_ids=list(segment_ids))}


def insert_segment(tx: Transaction, segment: Segment, customer_ids: Sequence[str]) -> bool:
    """Store a new segment and the customers of a list; False when its id is taken."""
    if one(tx.connection, SQL["insert_segment"], **asdict(segment) | {"kind": segment.kind.value}) is None:
        return False
    if customer_ids:
        tx.connection.execute(SQL["add_members"], {"segment_id": segment.segment_id, "customer_ids": list(customer_ids)})
    return True


def lock_segments(tx: Transaction, segment_ids: Collection[UUID]) -> dict[UUID, Segment]:
    """Those of the segments that exist, held until the transaction ends."""
    return {row["segment_id"]: _segment(row) for row in rows(tx.connection, SQL["lock_segments"], segment_ids=list(segment_ids))}


def put_members(tx: Transaction, members: Sequence[Member]) -> None:
    """Let customers be in lists; the segments are held."""
    tx.connection.execute(SQL["put_members"], _members(members))


def drop_members(tx: Transaction, members: Sequence[Member]) -> None:
    """Let customers be in lists no more; the segments are held."""
    tx.connection.execute(SQL["drop_members"], _members(members))


def stage_members(tx: Transaction, upload_id: UUID, members: Sequence[Member]) -> None:
    """Keep a part of lists that are to take the place of what there is."""
    tx.connection.execute(SQL["stage_members"], _members(members) | {"upload_id": upload_id})


def replace_lists(tx: Transaction, upload_id: UUID) -> None:
    """Let the lists of an upload take the place of what there is, in one go."""
    segment_ids = [row["segment_id"] for row in rows(tx.connection, SQL["staged_segments"], upload_id=upload_id)]
    tx.connection.execute(SQL["replace_lists"], {"upload_id": upload_id, "segment_ids": segment_ids})


def list_segments(tx: Transaction, *, limit: int, offset: int) -> list[Segment]:
    """Segments, newest first."""
    return [_segment(row) for row in rows(tx.connection, SQL["list_segments"], limit=limit, offset=offset)]


def segments(tx: Transaction, segment_ids: Collection[UUID]) -> list[Segment]:
    """Those of the segments that exist."""
    return [_segment(row) for row in rows(tx.connection, SQL["read_segments"], segment_ids=list(segment_ids))]


def list_size(tx: Transaction, segment_id: UUID) -> tuple[int, int]:
    """Ids of a list that are known customers, and those that are not."""
    return _counts(*rows(tx.connection, SQL["list_size"], segment_id=segment_id))


def rule_size(tx: Transaction, predicate: str) -> tuple[int, int]:
    """Customers that a rule (as jsonpath) takes in now; a rule knows no unknown ones."""
    return _counts(*rows(tx.connection, SQL["rule_size"], rule=predicate))


def audience_size(tx: Transaction, selection: Selection, campaign_id: UUID | None) -> Size:
    """How large an audience is, and how its hold-out stands in a campaign."""
    return Size(**rows(tx.connection, SQL["audience_size"], **_selected(selection), campaign_id=campaign_id)[0])


def draw_holdout(tx: Transaction, selection: Selection, campaign_id: UUID, holdout: int) -> None:
    """Draw a share (basis points) of an audience at random, of those who were never drawn in the campaign."""
    values = {**_selected(selection), "campaign_id": campaign_id, "holdout": holdout, "now": tx.now}
    tx.connection.execute(SQL["draw_holdout"], values)


def grant_audience(tx: Transaction, selection: Selection, giving: Giving, *, seed: str) -> Granted:
    """Give an offer to an audience. The same seed gives each customer the same grant again, which is none."""
    [row] = rows(tx.connection, SQL["grant_audience"], **_selected(selection), **_given(giving), seed=seed, now=tx.now)
    return Granted(made=row["made"], standing=row["standing"], changed=row["changed"] or [])


def candidates(tx: Transaction, campaign_id: UUID, customer_ids: Collection[str]) -> dict[str, Candidate]:
    """What decides whether customers may get a grant, of those who are known."""
    found = rows(tx.connection, SQL["read_candidates"], campaign_id=campaign_id, customer_ids=list(customer_ids))
    return {row["customer_id"]: Candidate(consent=row["consent"], held_out=row["held_out"]) for row in found}


def insert_grants(tx: Transaction, grants: Sequence[GrantRow], giving: Giving) -> None:
    """Give an offer to customers by name."""
    values = {
        "grant_ids": [grant.grant_id for grant in grants],
        "customer_ids": [grant.customer_id for grant in grants],
        "moments": [grant.granted_at for grant in grants],
    }
    tx.connection.execute(SQL["insert_grants"], _given(giving) | values | {"now": tx.now})


def grants(tx: Transaction, grant_ids: Collection[UUID]) -> dict[UUID, Grant]:
    """Those of the grants that exist."""
    return {row["grant_id"]: Grant(**row) for row in rows(tx.connection, SQL["read_grants_by_id"], grant_ids=list(grant_ids))}


def revoke(tx: Transaction, grant_ids: Collection[UUID]) -> None:
    """Take grants back from now on; what was taken back before stays as it is."""
    tx.connection.execute(SQL["revoke"], {"grant_ids": list(grant_ids), "now": tx.now})


def grants_of_customer(tx: Transaction, customer_id: str, offer_id: UUID | None, *, limit: int, after: UUID | None) -> list[Grant]:
    """The grants of a customer, of one offer or of all, in order of their ids."""
    values = {"customer_id": customer_id, "offer_id": offer_id, "limit": limit, "after": after}
    return [Grant(**row) for row in rows(tx.connection, SQL["grants_of_customer"], **values)]


def grants_of_offer(tx: Transaction, offer_id: UUID, *, limit: int, after: UUID | None) -> list[Grant]:
    """The grants of an offer in order of their ids."""
    return [Grant(**row) for row in rows(tx.connection, SQL["grants_of_offer"], offer_id=offer_id, limit=limit, after=after)]


def grant(tx: Transaction, grant_id: UUID) -> Grant | None:
    """One grant."""
    row = one(tx.connection, SQL["read_grant"], grant_id=grant_id)
    return Grant(**row) if row else None


def activate(tx: Transaction, grant_id: UUID, at: datetime) -> bool:
    """Set when a grant was activated, or move it to an earlier moment; False where it was activated no later before."""
    return one(tx.connection, SQL["activate"], grant_id=grant_id, at=at, now=tx.now) is not None


def wallet(tx: Transaction, customer_id: str) -> list[Held]:
    """A customer's grants in campaigns that are live now, newest first."""
    found = rows(tx.connection, SQL["wallet"], customer_id=customer_id, now=tx.now)
    names = [field.name for field in fields(Grant)]
    return [Held(grant=Grant(**{name: row.pop(name) for name in names}), **row) for row in found]


def bought_before(tx: Transaction, grant_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """When customers had last bought something in scope before grants; of those who had not, nothing."""
    return {row["grant_id"]: row["at"] for row in rows(tx.connection, SQL["bought_before"], grant_ids=list(grant_ids))}


def shown_often(tx: Transaction, customer_id: str, caps: Mapping[UUID, tuple[datetime, int]]) -> set[UUID]:
    """Offers that a customer was served as often as allowed, given for each from when impressions count and how many are the most."""
    values = {"sinces": [since for since, _ in caps.values()], "mosts": [most for _, most in caps.values()]}
    found = rows(tx.connection, SQL["shown_often"], customer_id=customer_id, offer_ids=list(caps), **values)
    return {row["offer_id"] for row in found}


def _members(members: Sequence[Member]) -> dict[str, object]:
    return {"segment_ids": [segment_id for segment_id, _ in members], "customer_ids": [customer_id for _, customer_id in members]}


def _counts(row: Mapping[str, int]) -> tuple[int, int]:
    return row["customers"], row["unknown"]


def _selected(selection: Selection) -> dict[str, object]:
    return {
        "lists_in": list(selection.lists_in),
        "rule_in": selection.rule_in,
        "lists_out": list(selection.lists_out),
        "rule_out": selection.rule_out,
    }


def _given(giving: Giving) -> dict[str, object]:
    variants = [
        {"variant": one.variant, "place": place, "lists": [str(segment) for segment in one.lists], "rule": one.rule}
        for place, one in enumerate(giving.variants)
    ]
    moment = {"offer_id": giving.offer_id, "campaign_id": giving.campaign_id, "granted_at": giving.granted_at}
    return moment | {"variants": orjson.dumps(variants).decode()}


def _segment(row: Mapping[str, object]) -> Segment:
    return Segment(**{**row, "kind": SegmentKind(row["kind"])})  # type: ignore[arg-type]
