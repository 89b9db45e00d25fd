"""Offers in PostgreSQL: values in, values out."""

import sys
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Final
from uuid import UUID

from psycopg.rows import DictRow

from shared.eligibility import model as fold
from shared.eligibility.terms import Places, Terms
from shared.kernel.errors import NotFound
from shared.offers.model import Change, Offer, Review, Revisions, State, Version
from shared.platform.call import Transaction
from shared.platform.database import Queries, one, prepared, rows

SQL = Queries(__file__)
ALWAYS: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Launched:
    """An offer that has just gone live, with the terms in force."""

    offer_id: UUID
    campaign_id: UUID
    live_at: datetime
    version: int
    terms: Terms


def insert(tx: Transaction, offer: Offer, version: Version, change: Change) -> bool:
    """Store a new offer with its first version; False when its id is taken."""
    if one(tx.connection, SQL["insert_offer"], **asdict(offer) | {"state": offer.state.value}) is None:
        return False
    add_version(tx, version)
    _add_history(tx, offer.offer_id, change)
    return True


def add_version(tx: Transaction, version: Version) -> None:
    """Store a new version of an offer."""
    tx.connection.execute(SQL["insert_version"], _values(version) | {"terms": version.terms.model_dump_json()})


def review_version(tx: Transaction, version: Version) -> None:
    """Write where a version is in its review."""
    tx.connection.execute(SQL["review_version"], _values(version))


def move(tx: Transaction, before: Offer, after: Offer, change: Change) -> None:
    """Write an offer's new state and the line of history that goes with it; what purchases depend on gets a new revision."""
    is_cached = (before.version_in_force, before.withdrawn_at) != (after.version_in_force, after.withdrawn_at)
    values = {
        "offer_id": after.offer_id,
        "state": after.state.value,
        "latest_version": after.latest_version,
        "withdrawn_at": after.withdrawn_at,
        "revision": tx.bump("offers") if is_cached else None,
    }
    tx.connection.execute(SQL["move_offer"], values)
    _add_history(tx, after.offer_id, change)


def read(tx: Transaction, offer_id: UUID) -> Offer:
    """One offer. Raises NotFound."""
    row = one(tx.connection, SQL["read_offer"], offer_id=offer_id)
    if row is None:
        raise NotFound("There is no such offer.")
    return _offer(row)


def lock(tx: Transaction, offer_id: UUID) -> Offer:
    """One offer, held until the end of the transaction. Raises NotFound."""
    tx.connection.execute(SQL["lock_offer"], {"offer_id": offer_id})
    return read(tx, offer_id)


def read_several(tx: Transaction, offer_ids: Collection[UUID]) -> list[Offer]:
    """Offers by id, in no stated order; unknown ids are left out."""
    return [_offer(row) for row in rows(tx.connection, SQL["read_offers"], offer_ids=list(offer_ids))]


def list_all(tx: Transaction, *, campaign_id: UUID | None, limit: int, offset: int) -> list[Offer]:
    """Offers newest first, of one campaign or of all."""
    return [_offer(row) for row in rows(tx.connection, SQL["list_offers"], campaign_id=campaign_id, limit=limit, offset=offset)]


def read_version(tx: Transaction, offer_id: UUID, number: int) -> Version:
    """One version. Raises NotFound."""
    row = one(tx.connection, SQL["read_version"], offer_id=offer_id, number=number)
    if row is None:
        raise NotFound("The offer has no such version.")
    return _version(row)


def list_versions(tx: Transaction, offer_id: UUID) -> list[Version]:
    """The versions of an offer, oldest first."""
    return [_version(row) for row in rows(tx.connection, SQL["list_versions"], offer_id=offer_id)]


def history(tx: Transaction, offer_id: UUID) -> list[Change]:
    """The audit trail of an offer, oldest first."""
    return [Change(**row) for row in rows(tx.connection, SQL["read_history"], offer_id=offer_id)]


def launch(tx: Transaction, campaign_id: UUID | None, *, by: str, most: int) -> list[Launched]:
    """Make live what is due of a campaign, or of all, at most so many; what has gone live."""
    due = rows(tx.connection, SQL["lock_launchable"], campaign_id=campaign_id, now=tx.now, most=most)
    if not due:
        return []
    launched = rows(tx.connection, SQL["launch"], offer_ids=[row["offer_id"] for row in due], by=by)
    return [Launched(**row | {"terms": _terms(row["terms"])}) for row in launched]


def revisions(tx: Transaction) -> Revisions:
    """How far offers and campaigns have moved."""
    (row,) = prepared(tx.connection, SQL["read_revisions"])
    return Revisions(**row)


def approved_since(tx: Transaction, revision: int) -> list[fold.Offer]:
    """Offers with an approved version that changed after a revision, as the fold sees them; their campaigns' stops are left out."""
    found = rows(tx.connection, SQL["approved_since"], revision=revision)
    return [_over_time(versions) for _, versions in groupby(found, key=itemgetter("offer_id"))]


def _over_time(found: Iterable[DictRow]) -> fold.Offer:
    """The first version is in force from always, for its window says when it applies; a later one from its approval."""
    of_one = list(found)
    versions = tuple(
        fold.Version(
            number=row["version"],
            in_force_from=row["decided_at"] if place else ALWAYS,
            terms=_shared(_terms(row["terms"])),
            approved_at=row["decided_at"],
        )
        for place, row in enumerate(of_one)
    )
    first = of_one[0]
    return fold.Offer(offer_id=first["offer_id"], campaign_id=first["campaign_id"], versions=versions, withdrawn_at=first["withdrawn_at"])


def _shared(terms: Terms) -> Terms:
    """The same terms with their codes as strings that all offers share: a product is named by dozens of them."""
    for places in (terms.scope.include, terms.scope.exclude):
        for name in Places.model_fields:
            codes = getattr(places, name)
            if codes:
                codes[:] = map(sys.intern, codes)
    return terms


def _terms(text: str) -> Terms:
    return Terms.model_validate_json(text)


def _offer(row: DictRow) -> Offer:
    return Offer(**row | {"state": State(row["state"]), "review": Review(row["review"])})


def _version(row: DictRow) -> Version:
    return Version(**row | {"review": Review(row["review"]), "terms": _terms(row["terms"]), "authors": tuple(row["authors"])})


def _values(version: Version) -> dict[str, object]:
    return {
        "offer_id": version.offer_id,
        "number": version.number,
        "review": version.review.value,
        "starts_at": version.starts_at,
        "authors": list(version.authors),
        "created_at": version.created_at,
        "decided_by": version.decided_by,
        "decided_at": version.decided_at,
        "decision_reason": version.decision_reason,
    }


def _add_history(tx: Transaction, offer_id: UUID, change: Change) -> None:
    tx.connection.execute(SQL["add_history"], asdict(change) | {"offer_id": offer_id})
