"""The use cases of grants: an offer given to customers by name or to a segment, besides what its launch gives."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from shared.audiences import store
from shared.audiences.api import GrantMade, Grants, GrantsAsked, GrantsMade, GrantsQuery, GrantView
from shared.audiences.histories import emit_changed
from shared.audiences.model import Candidate
from shared.audiences.service import require_segments, select, select_variants
from shared.audiences.store import Giving, GrantRow
from shared.campaigns import service as campaigns
from shared.campaigns.model import SCHEDULED_STATES
from shared.kernel.errors import Conflict, Invalid, Problem
from shared.kernel.ids import derived_id, new_id
from shared.kernel.shards import shard_of
from shared.offers.catalogue import catalogue
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
        giving = giving_of(tx, body.offer_id, granted_at)
        seed = derived_id("grants", call.once.source, call.once.key) if call.once else new_id(tx.now)
        if body.segment_id is not None:
            made = _to_segment(call, tx, giving, body.segment_id, seed)
        else:
            made = _to_customers(call, tx, giving, body.customers or [], seed)
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


def giving_of(tx: Transaction, offer_id: UUID, granted_at: datetime) -> Giving:
    """The offer, if it may still be given, with its variants as they are now. Raises Invalid or Conflict."""
    compiled = catalogue(tx).get(offer_id)
    if compiled is None:
        raise Invalid(problems=(Problem(path="/offer_id", message="is no offer with an approved version"),))
    offer = compiled.offer
    if offer.withdrawn_at or offer.cancelled_at:
        raise Conflict("The offer is over: it was withdrawn, or its campaign was cancelled.")
    if campaigns.require_campaign(tx, offer.campaign_id).state not in SCHEDULED_STATES:
        raise Conflict("The offer's campaign is not scheduled: until then nobody is given its offers.")
    variants = {variant.name: variant.segments for variant in compiled.version_at(tx.now).terms.variants}
    return Giving(offer_id, offer.campaign_id, granted_at, select_variants(tx, variants))


def _to_segment(call: Call, tx: Transaction, giving: Giving, segment_id: UUID, seed: UUID) -> GrantsMade:
    require_segments(tx, {"/segment_id": segment_id})
    lock_shards(tx, range(call.shards))
    given = store.grant_audience(tx, select(tx, [segment_id], []), giving, seed=seed.hex)
    emit_changed(call, tx, [(customer_id, giving.offer_id) for customer_id in given.changed], WHY)
    return GrantsMade(granted=given.made, granted_at=giving.granted_at, grants=[], rejected=[])


def _to_customers(call: Call, tx: Transaction, giving: Giving, customers: list[str], seed: UUID) -> GrantsMade:
    lock_shards(tx, {shard_of(customer_id, call.shards) for customer_id in customers})
    known = store.candidates(tx, giving.campaign_id, customers)
    rejected = _rejected(customers, known)
    refused = {item.index for item in rejected}
    grants = {customer_id: derived_id(seed, customer_id) for index, customer_id in enumerate(customers) if index not in refused}
    store.insert_grants(tx, [GrantRow(grant_id, customer_id, giving.granted_at) for customer_id, grant_id in grants.items()], giving)
    emit_changed(call, tx, store.changed_pairs(tx, dict.fromkeys(grants, giving.granted_at), giving.offer_id), WHY)
    made = [GrantMade(grant_id=grant_id, customer_id=customer_id) for customer_id, grant_id in grants.items()]
    return GrantsMade(granted=len(made), granted_at=giving.granted_at, grants=made, rejected=rejected)


def _rejected(customers: list[str], known: Mapping[str, Candidate]) -> list[Rejected]:
    first = {customer_id: index for index, customer_id in reversed(list(enumerate(customers)))}
    rejected = []
    for index, customer_id in enumerate(customers):
        twice = "is in the list twice; another request gives another grant" if first[customer_id] < index else None
        why = why_no_grant(known.get(customer_id)) or twice
        if why:
            rejected.append(Rejected.because(index, customer_id, f"/customers/{index}", why))
    return rejected


def why_no_grant(candidate: Candidate | None) -> str | None:
    """Why a customer may get no grant in a campaign, as far as it is for the customer."""
    if candidate is None:
        return "is no known customer"
    if not candidate.consent:
        return "has not consented to offers"
    return "belongs to the campaign's hold-out group" if candidate.held_out else None
