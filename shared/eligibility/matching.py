"""The catalogue: which offers a purchase could be for, found by the codes in it rather than by asking every offer."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final
from uuid import UUID

from shared.eligibility.compile import CompiledOffer
from shared.eligibility.listings import EVERYWHERE, Bucket, Found, Listing, bucket_of, matcher, scopes_in_force
from shared.eligibility.model import Purchase
from shared.eligibility.scope import CompiledScope, asks_beside

KINDS: Final = ("locations", "merchants", "products", "network_merchant_ids", "brands", "mccs")
"""The include lists by which a scope can be found; the first of those that are equally selective is taken."""

Key = tuple[str, str]
"""A kind of list and a code."""


class Catalogue:
    """Compiled offers and an inverted index over their include lists. Never changed once made; a changed one shares what is the same.

    Each scope is listed under the codes of one of its include lists: the one whose codes have the fewest listings so far.
    """

    __slots__ = ("_indexes", "_match", "_offers", "_together")

    def __init__(self) -> None:
        self._offers: dict[UUID, CompiledOffer] = {}
        self._indexes: dict[str, dict[str, Bucket]] = {kind: {} for kind in (*KINDS, EVERYWHERE)}
        self._together: dict[UUID, frozenset[UUID]] = {}
        self._match = matcher({})

    @classmethod
    def of(cls, offers: Iterable[CompiledOffer]) -> "Catalogue":
        """A catalogue of these offers; of several with the same id the last."""
        return cls().with_changes(offers)

    def with_changes(self, changed: Iterable[CompiledOffer]) -> "Catalogue":
        """A catalogue in which these offers are new or take the place of those with the same id."""
        new = {offer.offer.offer_id: offer for offer in changed}
        old = {self._offers[offer_id] for offer_id in new if offer_id in self._offers}
        after = Catalogue()
        after._offers = {**self._offers, **new}
        after._indexes = {kind: dict(index) for kind, index in self._indexes.items()}
        after._list(new.values(), self._without(old))
        after._match = matcher({kind: index for kind, index in after._indexes.items() if index})
        after._together = {offer_id: frozenset([offer_id]) for offer_id in after._offers} | dict(_stacked(after))
        return after

    def get(self, offer_id: UUID) -> CompiledOffer | None:
        """The offer of that id, if it is in the catalogue."""
        return self._offers.get(offer_id)

    def judged_together(self, offer_id: UUID) -> frozenset[UUID]:
        """The offers that must be folded with this one, itself included: those that it shares stacking groups with, at any remove."""
        return self._together.get(offer_id) or frozenset([offer_id])

    def with_rivals(self, compiled: CompiledOffer) -> list[CompiledOffer]:
        """An offer, and the others that must be folded with it."""
        together = self._together.get(compiled.offer.offer_id, ())
        return [compiled, *(self._offers[offer_id] for offer_id in together if offer_id != compiled.offer.offer_id)]

    def may_hold(self, codes: Iterable[tuple[str, str | None]]) -> bool:
        """Whether any version of an offer, of whatever time, may have a purchase in scope that has these codes, by kind, and no others."""
        indexes = self._indexes
        for kind, code in codes:
            if code in indexes[kind]:
                return True
        return bool(indexes[EVERYWHERE])

    def match(self, purchases: Iterable[Purchase]) -> Iterator[Found]:
        """Of one purchase after the other the offers whose version in force has it in scope, and whose coarse range of time holds it.

        Each offer once, in no stated order.
        """
        return self._match(purchases)

    def candidates(self, purchase: Purchase) -> Found:
        """The same of one purchase."""
        return next(self._match((purchase,)))

    def __len__(self) -> int:
        return len(self._offers)

    def __iter__(self) -> Iterator[CompiledOffer]:
        return iter(self._offers.values())

    def _listed(self, key: Key) -> tuple[Listing, ...]:
        kind, code = key
        bucket = self._indexes[kind].get(code)
        return bucket[-1].all if bucket else ()

    def _without(self, old: Collection[CompiledOffer]) -> dict[Key, list[Listing]]:
        """What stays listed where these offers may be."""
        keys = {(kind, code) for offer in old for version in offer.versions for kind, codes in _lists(version.scope) for code in codes}
        return {key: [listing for listing in self._listed(key) if listing[-1] not in old] for key in keys}

    def _list(self, new: Iterable[CompiledOffer], listed: dict[Key, list[Listing]]) -> None:
        """List offers beside what is listed; under other codes beside what was listed there before."""
        for offer in new:
            for scope, start, stop in scopes_in_force(offer):
                lists = _lists(scope)
                kind, codes = lists[0] if len(lists) == 1 else min(lists, key=lambda of: self._crowding(of, listed))
                listing = (asks_beside(scope, kind), start, stop, offer)
                for code in codes:
                    if (kind, code) not in listed:
                        listed[kind, code] = [*self._listed((kind, code))]
                    listed[kind, code].append(listing)
        for (kind, code), listings in listed.items():
            if listings:
                self._indexes[kind][code] = bucket_of(tuple(listings))
            else:
                self._indexes[kind].pop(code, None)

    def _crowding(self, of: tuple[str, Collection[str]], listed: Mapping[Key, Collection[Listing]]) -> float:
        """How many listings a code of the list leads to, on average."""
        kind, codes = of
        counts = [len(listed[kind, code] if (kind, code) in listed else self._listed((kind, code))) for code in codes]
        return sum(counts) / len(counts) if counts else 0


def _lists(scope: CompiledScope) -> list[tuple[str, Collection[str]]]:
    """The lists of codes by which a scope can be found, each with its kind."""
    sieves = [(kind, getattr(scope, kind)) for kind in KINDS]
    return [(kind, sieve.include - sieve.exclude) for kind, sieve in sieves if sieve.include is not None] or [(EVERYWHERE, (EVERYWHERE,))]


def _stacked(offers: Iterable[CompiledOffer]) -> Iterator[tuple[UUID, frozenset[UUID]]]:
    """Each offer that is in some stacking group, with all that its groups connect it to."""
    clusters: list[tuple[frozenset[str], frozenset[UUID]]] = []
    for offer in offers:
        if offer.groups:
            met = [cluster for cluster in clusters if cluster[0] & offer.groups]
            clusters = [cluster for cluster in clusters if cluster not in met]
            groups, members = zip(*met, (offer.groups, frozenset([offer.offer.offer_id])), strict=True)
            clusters.append((frozenset().union(*groups), frozenset().union(*members)))
    return ((offer_id, members) for _, members in clusters for offer_id in members)
