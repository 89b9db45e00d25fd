"""The use cases of offers, one function each."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from events.payloads import OfferApproved, OfferTurnedDown
from shared.audiences import service as audiences
from shared.campaigns import service as campaigns
from shared.campaigns.api import Why
from shared.campaigns.model import Campaign
from shared.eligibility.terms import Terms
from shared.eligibility.windows import compile_window
from shared.kernel.errors import Conflict, Invalid, NotFound
from shared.kernel.ids import OFFER, CampaignId, OfferId, new_id
from shared.offers import checks, store
from shared.offers.api import (
    Diff,
    DifferenceView,
    DiffQuery,
    NewOffer,
    NewVersion,
    OfferChangeView,
    OfferHistory,
    OfferQuery,
    Offers,
    OfferSummary,
    OfferView,
    ValidationRules,
    ValidationRuleView,
    Versions,
    VersionView,
)
from shared.offers.diff import differences
from shared.offers.model import Change, Offer, Review, State, Version
from shared.platform.call import Call, Transaction

FIRST: Final = 1


def create_offer(call: Call, body: NewOffer) -> OfferView:
    """Design an offer: a draft with its first version."""
    with call.transaction() as tx:
        _require_valid(tx, body.terms, _find_campaign(tx, body.campaign_id), campaign_path="/campaign_id")
        version = _new_version(call, tx, body.offer_id or new_id(tx.now), FIRST, body.terms)
        offer = Offer(
            offer_id=version.offer_id,
            campaign_id=body.campaign_id,
            name=body.name,
            state=State.DRAFT,
            latest_version=FIRST,
            review=version.review,
            created_by=call.caller.subject,
            created_at=tx.now,
        )
        if not store.insert(tx, offer, version, _change(call, tx, "create", None, version, "A new offer.")):
            raise Conflict("There is an offer with this id already.")
        return tx.answer(OfferView.with_terms(offer, version), status=201)


def list_validation_rules(call: Call) -> ValidationRules:  # noqa: ARG001  (the same for everybody)
    """What terms are held against when they are saved, beyond their shape."""
    return ValidationRules(rules=[ValidationRuleView(name=name, asks=asks) for name, asks in checks.rules().items()])


def list_offers(call: Call, query: OfferQuery) -> Offers:
    """Offers without their terms, newest first, of one campaign or of all."""
    with call.reading() as tx:
        found = store.list_all(tx, campaign_id=query.campaign_id, limit=query.limit, offset=query.offset)
        return Offers(offers=[OfferSummary.of(offer) for offer in found])


def get_offer(call: Call, offer_id: OfferId) -> OfferView:
    """One offer with the terms of its newest version."""
    with call.reading() as tx:
        offer = store.read(tx, offer_id)
        return OfferView.with_terms(offer, store.read_version(tx, offer_id, offer.latest_version))


def create_version(call: Call, offer_id: OfferId, body: NewVersion) -> OfferView:
    """Write other terms: they take the place of a draft, or wait beside the version in force until they are approved."""
    with call.transaction() as tx:
        before, latest = _lock(tx, offer_id)
        latest.after("revise")
        version = _new_version(call, tx, offer_id, latest.number + 1, body.terms)
        after = before.with_version(version)
        _require_valid(tx, body.terms, campaigns.require_campaign(tx, before.campaign_id), campaign_path="")
        store.add_version(tx, version)
        store.move(tx, before, after, _change(call, tx, "revise", latest, version, body.reason))
        return tx.answer(OfferView.with_terms(after, version), status=201)


def list_versions(call: Call, offer_id: OfferId) -> Versions:
    """All versions of an offer, oldest first."""
    with call.reading() as tx:
        store.read(tx, offer_id)
        return Versions(versions=[VersionView.of(version) for version in store.list_versions(tx, offer_id)])


def diff_versions(call: Call, offer_id: OfferId, query: DiffQuery) -> Diff:
    """What differs in the terms of two versions; by default of the newest and the one before it."""
    with call.reading() as tx:
        later = query.to_version or store.read(tx, offer_id).latest_version
        earlier = query.from_version or max(later - 1, FIRST)
        before, after = (store.read_version(tx, offer_id, n).terms.model_dump(mode="json") for n in (earlier, later))
        found = [DifferenceView.of(difference) for difference in differences(before, after)]
        return Diff(from_version=earlier, to_version=later, differences=found)


def submit_offer(call: Call, offer_id: OfferId, body: Why) -> OfferView:
    """Hand the newest version in for review; it is locked until another person has decided."""
    with call.transaction() as tx:
        before, version = _lock(tx, offer_id)
        return _reviewed(call, tx, before, version, version.submitted(call.caller.subject), "submit", body.reason)


def approve_offer(call: Call, offer_id: OfferId, body: Why) -> OfferView:
    """Approve the version in review: it never changes again and is in force from now; the first one from whenever its window says."""
    with call.transaction() as tx:
        before, version = _lock(tx, offer_id)
        event = OfferApproved(offer_id=offer_id, campaign_id=before.campaign_id, version=version.number, reason=body.reason)
        tx.emit(event, subject=OFFER.render(offer_id), key=before.campaign_id.hex)
        return _decided(call, tx, before, version, "approve", body.reason)


def request_changes(call: Call, offer_id: OfferId, body: Why) -> OfferView:
    """Send the version in review back with a message."""
    return _turned_down(call, offer_id, "request_changes", body.reason)


def reject_offer(call: Call, offer_id: OfferId, body: Why) -> OfferView:
    """Refuse the version in review for good; another version may be written."""
    return _turned_down(call, offer_id, "reject", body.reason)


def withdraw_offer(call: Call, offer_id: OfferId, body: Why) -> OfferView:
    """Take an offer back for good: nobody gets it any more; who activated it before keeps it."""
    with call.transaction() as tx:
        before, version = _lock(tx, offer_id)
        after = before.withdrawn(tx.now)
        change = Change(
            version=before.version_in_force or before.latest_version,
            action="withdraw",
            from_state=before.state.value,
            to_state=after.state.value,
            by=call.caller.subject,
            at=tx.now,
            reason=body.reason,
        )
        store.move(tx, before, after, change)
        return tx.answer(OfferView.with_terms(after, version))


def offer_history(call: Call, offer_id: OfferId) -> OfferHistory:
    """Who did what with an offer, when and why."""
    with call.reading() as tx:
        store.read(tx, offer_id)
        return OfferHistory(history=[OfferChangeView.of(change) for change in store.history(tx, offer_id)])


def require_offer(tx: Transaction, offer_id: UUID) -> Offer:
    """The offer, for areas that hang things on it. Raises NotFound."""
    return store.read(tx, offer_id)


def offers_by_id(tx: Transaction, offer_ids: Collection[UUID]) -> dict[UUID, Offer]:
    """Name and state of several offers; unknown ids are left out. Their terms are in the catalogue."""
    return {offer.offer_id: offer for offer in store.read_several(tx, offer_ids)}


def _lock(tx: Transaction, offer_id: UUID) -> tuple[Offer, Version]:
    offer = store.lock(tx, offer_id)
    return offer, store.read_version(tx, offer_id, offer.latest_version)


def _turned_down(call: Call, offer_id: UUID, action: str, reason: str) -> OfferView:
    with call.transaction() as tx:
        before, version = _lock(tx, offer_id)
        view = _decided(call, tx, before, version, action, reason)
        said = {"offer_id": offer_id, "campaign_id": before.campaign_id, "version": version.number, "decision": view.review}
        tx.emit(OfferTurnedDown.model_validate(said | {"reason": reason}), subject=OFFER.render(offer_id), key=before.campaign_id.hex)
        return view


def _decided(call: Call, tx: Transaction, before: Offer, version: Version, action: str, reason: str) -> OfferView:
    decided = version.decided(action, by=call.caller.subject, at=tx.now, reason=reason)
    return _reviewed(call, tx, before, version, decided, action, reason)


def _reviewed(call: Call, tx: Transaction, before: Offer, version: Version, reviewed: Version, action: str, reason: str) -> OfferView:
    """Write one step of a review."""
    after = before.with_version(reviewed)
    store.review_version(tx, reviewed)
    store.move(tx, before, after, _change(call, tx, action, version, reviewed, reason))
    return tx.answer(OfferView.with_terms(after, reviewed))


def _new_version(call: Call, tx: Transaction, offer_id: UUID, number: int, terms: Terms) -> Version:
    return Version(
        offer_id=offer_id,
        number=number,
        review=Review.DRAFT,
        terms=terms,
        starts_at=compile_window(terms.window).widest().start,
        authors=(call.caller.subject,),
        created_at=tx.now,
    )


def _find_campaign(tx: Transaction, campaign_id: CampaignId) -> Campaign | None:
    try:
        return campaigns.require_campaign(tx, campaign_id)
    except NotFound:
        return None


def _require_valid(tx: Transaction, terms: Terms, campaign: Campaign | None, *, campaign_path: str) -> None:
    segments = checks.segments(terms)
    named = checks.Named(
        segments=audiences.known_segments(tx, segments) if segments else set(),
        goodwill=_find_campaign(tx, terms.goodwill) if terms.goodwill else None,
    )
    problems = checks.find_problems(terms, campaign, named, campaign_path=campaign_path)
    if problems:
        raise Invalid(problems=problems)


def _change(call: Call, tx: Transaction, action: str, before: Version | None, after: Version, reason: str) -> Change:
    return Change(
        version=after.number,
        action=action,
        from_state=before.review.value if before else None,
        to_state=after.review.value,
        by=call.caller.subject,
        at=tx.now,
        reason=reason,
    )
