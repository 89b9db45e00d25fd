"""The offers that purchases are held against: compiled once per process and database, and kept as new as the database."""

from collections.abc import Callable, Iterable, Mapping
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
    stops: Mapping[UUID, Timeline]
    catalogue: Catalogue

    def covers(self, revisions: Revisions) -> bool:
        """Whether nothing has changed since."""
        return self.revisions.offers >= revisions.offers and self.revisions.campaigns >= revisions.campaigns


@dataclass(kw_only=True, slots=True)
class Cache:
    """The newest snapshot of one database. Whoever holds the lock makes the next one; who reads needs none."""

    lock: Lock = field(default_factory=Lock)
    snapshot: Snapshot = Snapshot(revisions=Revisions(offers=0, campaigns=0), stops={}, catalogue=Catalogue())


CACHES: Final[WeakKeyDictionary[Database, Cache]] = WeakKeyDictionary()
CACHES_LOCK: Final = Lock()


def catalogue(tx: Transaction) -> Catalogue:
    """All offers that were ever approved, compiled, as new as what the transaction sees: one cheap statement where nothing changed.

    Offers are in it whether live or not, withdrawn ones too: their windows, grants and stops decide about a purchase.
    """
    cache = _cache(tx.database)
    revisions = store.revisions(tx)
    if tx.bumped:  # sees changes of its own that may never come true
        return _newer(tx, cache.snapshot, revisions).catalogue
    if not cache.snapshot.covers(revisions):
        with cache.lock:
            if not cache.snapshot.covers(revisions):
                cache.snapshot = _newer(tx, cache.snapshot, revisions)
    return cache.snapshot.catalogue


def at_hand(database: Database) -> Snapshot:
    """The newest snapshot of this process, for a reader that checks its revisions in the one statement that it runs anyway."""
    return _cache(database).snapshot


def offers_as_of(
    tx: Transaction, offers: Iterable[CompiledOffer], moment: datetime, wanted: Callable[[CompiledOffer], bool]
) -> list[CompiledOffer]:
    """Those of the offers that are wanted, as they were known at a moment: with the versions approved, and the stops told, by then."""
    approved = [known for compiled in offers if (known := _approved_by(compiled, moment)) and wanted(known)]
    timelines = campaigns.timelines_as_of(tx, {compiled.offer.campaign_id for compiled in approved}, moment)
    stops = {timeline.campaign_id: timeline for timeline in timelines}
    return [replace(compiled, offer=_with_stops(compiled.offer, stops.get(compiled.offer.campaign_id))) for compiled in approved]


def _approved_by(compiled: CompiledOffer, moment: datetime) -> CompiledOffer | None:
    offer = compiled.offer
    versions = tuple(version for version in offer.versions if version.approved_at is None or version.approved_at <= moment)
    if not versions:
        return None
    withdrawn_at = offer.withdrawn_at if offer.withdrawn_at and offer.withdrawn_at <= moment else None
    if len(versions) < len(offer.versions):
        return compile_offer(replace(offer, versions=versions, withdrawn_at=withdrawn_at))
    return compiled if withdrawn_at == offer.withdrawn_at else replace(compiled, offer=replace(offer, withdrawn_at=withdrawn_at))


def _cache(database: Database) -> Cache:
    with CACHES_LOCK:
        return CACHES.setdefault(database, Cache())


def _newer(tx: Transaction, old: Snapshot, revisions: Revisions) -> Snapshot:
    """The snapshot brought up to revisions that were read before; what is committed meanwhile is loaded again the next time."""
    timelines = campaigns.timelines_since(tx, old.revisions.campaigns)[1] if revisions.campaigns > old.revisions.campaigns else []
    offers = store.approved_since(tx, old.revisions.offers) if revisions.offers > old.revisions.offers else []
    changed = {timeline.campaign_id: timeline for timeline in timelines}
    stops = {**old.stops, **changed}
    stopped = {compiled.offer.offer_id: compiled.offer for compiled in old.catalogue if compiled.offer.campaign_id in changed}
    affected = {**stopped, **{offer.offer_id: offer for offer in offers}}
    return Snapshot(revisions=revisions, stops=stops, catalogue=old.catalogue.with_changes(_compiled(affected.values(), stops)))


def _compiled(offers: Iterable[Offer], stops: Mapping[UUID, Timeline]) -> Iterable[CompiledOffer]:
    for offer in offers:
        yield compile_offer(_with_stops(offer, stops.get(offer.campaign_id)))


def _with_stops(offer: Offer, stop: Timeline | None) -> Offer:
    pauses = tuple(Interval(start=start, end=end) for start, end in stop.pauses) if stop else ()
    return replace(offer, pauses=pauses, cancelled_at=stop.cancelled_at if stop else None)
