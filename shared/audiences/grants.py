"""The use cases of grants: an offer given to customers by name or to a segment, besides what its launch gives."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from shared.audiences import store
from shared.audiences.api import GrantMade, Grants, GrantsAsked, GrantsMade, GrantsQuery, GrantView
from shared.audiences.histories import emit_changed
from shared.audiences.model import Candidate
from shared.audiences.service import require_segments, select
from shared.campaigns import service as campaigns
from shared.campaigns.model import SCHEDULED_STATES
from shared.eligibility.model import Offer
from shared.kernel.errors import Conflict, Invalid, NotFound, Problem
from shared.kernel.ids import derived_id, new_id
from shared.kernel.shards import shard_of
from shared.offers.catalogue import offer_timeline
from shared.platform.batches import Rejected
from shared.platform.call import Call, Transaction
from shared.platform.locks import lock_shards

WHY: Final = "an offer was granted"


def issue_grants(call: Call, body: GrantsAsked) -> GrantsMade:
    """Give an offer to customers once more. A customer without consent, held out or not known gets none and is named."""
    with call.transaction() as tx:
        granted_at = body.granted_at or tx.now
        if granted_at > tx.now:
            raise Invalid(problems=(Problem(path="/granted_at", message="must not be in the future"),))
        offer = _offer(tx, body.offer_id)
        seed = derived_id("grants", call.once.source, call.once.key) if call.once else new_id(tx.now)
        if body.segment_id is not None:
            made = _to_segment(call, tx, offer, body.segment_id, granted_at, seed)
        else:
            made = _to_customers(call, tx, offer, body.customers or [], granted_at, seed)
        return tx.answer(made, status=201)


def list_grants(call: Call, query: GrantsQuery) -> Grants:
    """The grants of a customer or of an offer, in order of their ids."""
    with call.reading() as tx:
        if query.customer_id is not None:
            found = store.grants_of_customer(tx, query.customer_id, query.offer_id, limit=query.limit, after=query.after)
        elif query.offer_id is not None:
            found = store.grants_of_offer(tx, query.offer_id, limit=query.limit, after=query.after)
        else:
            found = []
        return Grants(grants=[GrantView.of(grant) for grant in found])


def _offer(tx: Transaction, offer_id: UUID) -> Offer:
    """The offer, if it may still be given. Raises Invalid or Conflict."""
    try:
        offer = offer_timeline(tx, offer_id)
    except NotFound as error:
        raise Invalid(problems=(Problem(path="/offer_id", message="is no offer with an approved version"),)) from error
    if offer.withdrawn_at or offer.cancelled_at:
        raise Conflict("The offer is over: it was withdrawn, or its campaign was cancelled.")
    if campaigns.require_campaign(tx, offer.campaign_id).state not in SCHEDULED_STATES:
        raise Conflict("The offer's campaign is not scheduled: until then nobody is given its offers.")
    return offer


def _to_segment(call: Call, tx: Transaction, offer: Offer, segment_id: UUID, granted_at: datetime, seed: UUID) -> GrantsMade:
    require_segments(tx, {"/segment_id": segment_id})
    lock_shards(tx, range(call.shards))
    given = store.grant_audience(
        tx, select(tx, [segment_id], []), offer_id=offer.offer_id, campaign_id=offer.campaign_id, granted_at=granted_at, seed=seed.hex
    )
    emit_changed(call, tx, [(customer_id, offer.offer_id) for customer_id in given.changed], WHY)
    return GrantsMade(granted=given.made, granted_at=granted_at, grants=[], rejected=[])


def _to_customers(call: Call, tx: Transaction, offer: Offer, customers: list[str], granted_at: datetime, seed: UUID) -> GrantsMade:
    lock_shards(tx, {shard_of(customer_id, call.shards) for customer_id in customers})
    known = store.candidates(tx, offer.campaign_id, customers)
    rejected = _rejected(customers, known)
    refused = {item.index for item in rejected}
    grants = {customer_id: derived_id(seed, customer_id) for index, customer_id in enumerate(customers) if index not in refused}
    store.insert_grants(tx, grants, offer_id=offer.offer_id, campaign_id=offer.campaign_id, granted_at=granted_at)
    emit_changed(call, tx, store.changed_pairs(tx, dict.fromkeys(grants, granted_at), offer.offer_id), WHY)
    made = [GrantMade(grant_id=grant_id, customer_id=customer_id) for customer_id, grant_id in grants.items()]
    return GrantsMade(granted=len(made), granted_at=granted_at, grants=made, rejected=rejected)


def _rejected(customers: list[str], known: Mapping[str, Candidate]) -> list[Rejected]:
    first = {customer_id: index for index, customer_id in reversed(list(enumerate(customers)))}
    rejected = []
    for index, customer_id in enumerate(customers):
        why = _why_not(known.get(customer_id), repeated=first[customer_id] < index)
        if why:
            rejected.append(Rejected.because(index, customer_id, f"/customers/{index}", why))
    return rejected


def _why_not(candidate: Candidate | None, *, repeated: bool) -> str | None:
    if candidate is None:
        return "is no known customer"
    if not candidate.consent:
        return "has not consented to offers"
    if candidate.held_out:
        return "belongs to the campaign's hold-out group"
    return "is in the list twice; another request gives another grant" if repeated else None
