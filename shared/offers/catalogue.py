"""The offers that purchases are held against: compiled once per process and database, and kept as new as the database."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Lock
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary

from shared.campaigns import service as campaigns
from shared.campaigns.model import Timeline
from shared.eligibility.compile import CompiledOffer, compile_offer
from shared.eligibility.matching import Catalogue
from shared.eligibility.model import Interval, Offer
from shared.offers import store
from shared.offers.model import Revisions
from shared.platform.call import Transaction
from shared.platform.database import Database


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """The catalogue as of some revisions, with what it was made from."""

    revisions: Revisions
    timelines: Mapping[UUID, Timeline]
    catalogue: Catalogue

    def covers(self, revisions: Revisions) -> bool:
        """Whether nothing has changed since."""
        return self.revisions.offers >= revisions.offers and self.revisions.campaigns >= revisions.campaigns

    def as_of(self, offer_ids: Iterable[UUID], moment: datetime) -> Catalogue:
        """These offers, and those that they must be folded with, as they were known: with versions approved, and stops told, by then."""
        together = {known for offer_id in offer_ids for known in self.catalogue.judged_together(offer_id)}
        then = (self._known(compiled, moment) for compiled in filter(None, map(self.catalogue.get, together)))
        return Catalogue.of(filter(None, then))

    def _known(self, compiled: CompiledOffer, moment: datetime) -> CompiledOffer | None:
        offer, timeline = compiled.offer, self.timelines.get(compiled.offer.campaign_id)
        versions = tuple(version for version in offer.versions if version.approved_at is None or version.approved_at <= moment)
        withdrawn_at = offer.withdrawn_at if offer.withdrawn_at and offer.withdrawn_at <= moment else None
        known = _with_stops(replace(offer, versions=versions, withdrawn_at=withdrawn_at), timeline.as_of(moment) if timeline else None)
        if len(versions) == len(offer.versions):
            return replace(compiled, offer=known)
        return compile_offer(known) if versions else None


@dataclass(kw_only=True, slots=True)
class Cache:
    """The newest snapshot of one database. Whoever holds the lock makes the next one; who reads needs none."""

    lock: Lock = field(default_factory=Lock)
    snapshot: Snapshot = Snapshot(revisions=Revisions(offers=0, campaigns=0), timelines={}, catalogue=Catalogue())


CACHES: Final[WeakKeyDictionary[Database, Cache]] = WeakKeyDictionary()
CACHES_LOCK: Final = Lock()


def catalogue(tx: Transaction) -> Catalogue:
    """All offers that were ever approved, compiled, as new as what the transaction sees: one cheap statement where nothing changed.

    Offers are in it whether live or not, withdrawn ones too: their windows, grants and stops decide about a purchase.
    """
    return snapshot(tx).catalogue


def snapshot(tx: Transaction) -> Snapshot:
    """The catalogue, as new as what the transaction sees, with what it was made from."""
    cache = _cache(tx.database)
    revisions = store.revisions(tx)
    if tx.bumped:  # sees changes of its own that may never come true
        return _newer(tx, cache.snapshot, revisions)
    if not cache.snapshot.covers(revisions):
        with cache.lock:
            if not cache.snapshot.covers(revisions):
                cache.snapshot = _newer(tx, cache.snapshot, revisions)
    return cache.snapshot


def at_hand(database: Database) -> Snapshot:
    """The newest snapshot of this process, for a reader that checks its revisions in the one statement that it runs anyway."""
    return _cache(database).snapshot


def _cache(database: Database) -> Cache:
    with CACHES_LOCK:
        return CACHES.setdefault(database, Cache())


def _newer(tx: Transaction, old: Snapshot, revisions: Revisions) -> Snapshot:
    """The snapshot brought up to revisions that were read before; what is committed meanwhile is loaded again the next time."""
    changed = campaigns.timelines_since(tx, old.revisions.campaigns) if revisions.campaigns > old.revisions.campaigns else []
    offers = store.approved_since(tx, old.revisions.offers) if revisions.offers > old.revisions.offers else []
    timelines = {**old.timelines, **{timeline.campaign_id: timeline for timeline in changed}}
    moved = {timeline.campaign_id for timeline in changed}
    stopped = {compiled.offer.offer_id: compiled.offer for compiled in old.catalogue if compiled.offer.campaign_id in moved}
    affected = {**stopped, **{offer.offer_id: offer for offer in offers}}
    return Snapshot(revisions=revisions, timelines=timelines, catalogue=old.catalogue.with_changes(_compiled(affected.values(), timelines)))


def _compiled(offers: Iterable[Offer], timelines: Mapping[UUID, Timeline]) -> Iterable[CompiledOffer]:
    for offer in offers:
        yield compile_offer(_with_stops(offer, timelines.get(offer.campaign_id)))


def _with_stops(offer: Offer, timeline: Timeline | None) -> Offer:
    pauses = tuple(Interval(start=start, end=end) for start, end in timeline.pauses) if timeline else ()
    return replace(offer, pauses=pauses, cancelled_at=timeline.cancelled_at if timeline else None)
