"""The catalogue: which offers a purchase could be for, found by the codes in it rather than by asking every offer."""

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain
from operator import attrgetter
from typing import Final
from uuid import UUID

from shared.eligibility.compile import CompiledOffer, CompiledVersion
from shared.eligibility.model import Purchase
from shared.eligibility.scope import FIELDS, PLACES

Bucket = tuple[CompiledOffer, ...]
Index = dict[str, Bucket]

KINDS: Final = ("locations", "merchants", "products", "network_merchant_ids", "brands", "mccs")
"""The include lists by which a version can be found; the first of those that are equally selective is taken."""
EVERYWHERE: Final = "everywhere"
"""The kind, and its only code, of a version without any of these lists."""


INDEXED_PLACES: Final = [(kind, PLACES[kind]) for kind in KINDS if kind in PLACES]
MOST_PLACES: Final = 50_000
"""So many combinations of places are remembered; then memory is given back and it begins anew."""


class Catalogue:
    """Compiled offers and an inverted index over their include lists. Never changed once made; a changed one shares what is the same.

    Each version is indexed under one of its include lists: the one whose codes have the fewest offers indexed under them so far.
    """

    __slots__ = ("_indexes", "_known_places", "_offers", "_places_of", "_stacked")

    def __init__(self) -> None:
        self._offers: dict[UUID, CompiledOffer] = {}
        self._indexes: dict[str, Index] = {kind: {} for kind in (*KINDS, EVERYWHERE)}
        self._stacked: dict[UUID, frozenset[UUID]] = {}
        self._places_of: Callable[[Purchase], object] = _nowhere
        """What of a purchase's places any offer asks."""
        self._known_places: dict[object, tuple[Bucket, Bucket]] = {}

    @classmethod
    def of(cls, offers: Iterable[CompiledOffer]) -> "Catalogue":
        """A catalogue of these offers; of several with the same id the last."""
        return cls().with_changes(offers)

    def with_changes(self, changed: Iterable[CompiledOffer]) -> "Catalogue":
        """A catalogue in which these offers are new or take the place of those with the same id."""
        after = Catalogue()
        after._offers = dict(self._offers)
        after._indexes = {kind: dict(index) for kind, index in self._indexes.items()}
        for offer in changed:
            after._drop(offer.offer.offer_id)
            after._add(offer)
        after._stacked = dict(_stacked(after))
        asked = {kind for offer in after for version in offer.versions for kind in version.scope.places_asked}
        after._places_of = attrgetter(*(FIELDS[kind] for kind in asked)) if asked else _nowhere
        return after

    def get(self, offer_id: UUID) -> CompiledOffer | None:
        """The offer of that id, if it is in the catalogue."""
        return self._offers.get(offer_id)

    def judged_together(self, offer_id: UUID) -> frozenset[UUID]:
        """The offers that must be folded with this one, itself included: those that it shares stacking groups with, at any remove."""
        return self._stacked.get(offer_id) or frozenset([offer_id])

    def with_rivals(self, compiled: CompiledOffer) -> list[CompiledOffer]:
        """An offer, and the others that must be folded with it."""
        together = self._stacked.get(compiled.offer.offer_id, ())
        return [compiled, *(self._offers[offer_id] for offer_id in together if offer_id != compiled.offer.offer_id)]

    def candidates(self, purchase: Purchase) -> list[CompiledOffer]:
        """The offers whose version in force has the purchase in scope, and whose coarse range of time holds it; in no stated order."""
        at, products = purchase.at, self._indexes["products"]
        here, asking = self._known_places.get(self._places_of(purchase)) or self._look_up(purchase)
        found = [offer for offer in here if offer.earliest <= at < offer.latest]
        buckets = [bucket for product, _ in purchase.items if (bucket := products.get(product))] if products else ()
        if asking or buckets:
            found += [
                offer
                for offer in dict.fromkeys(chain(asking, *buckets))
                if offer.earliest <= at < offer.latest and offer.version_at(at).in_scope(purchase)
            ]
        return found

    def _look_up(self, purchase: Purchase) -> tuple[Bucket, Bucket]:
        """The offers that have every purchase at these places in scope, and those that ask for more; remembered, as places come again."""
        buckets = [self._indexes[kind].get(code_of(purchase) or "", ()) for kind, code_of in INDEXED_PLACES]
        here, asking = [], []
        for offer in dict.fromkeys(chain(*buckets, self._indexes[EVERYWHERE].get(EVERYWHERE, ()))):
            holding = [version.scope.in_place(purchase) for version in offer.versions]
            if all(holding) and not any(version.scope.products.asks for version in offer.versions):
                here.append(offer)
            elif any(holding):
                asking.append(offer)
        if len(self._known_places) >= MOST_PLACES:
            self._known_places.clear()
        known = self._known_places[self._places_of(purchase)] = (tuple(here), tuple(asking))
        return known

    def __len__(self) -> int:
        return len(self._offers)

    def __iter__(self) -> Iterator[CompiledOffer]:
        return iter(self._offers.values())

    def _add(self, offer: CompiledOffer) -> None:
        self._offers[offer.offer.offer_id] = offer
        for version in offer.versions:
            kind, codes = self._most_selective(version)
            index = self._indexes[kind]
            for code in codes:
                bucket = index.get(code, ())
                if offer not in bucket[-1:]:
                    index[code] = (*bucket, offer)

    def _drop(self, offer_id: UUID) -> None:
        old = self._offers.pop(offer_id, None)
        for kind, codes in chain.from_iterable(map(_keys, old.versions if old else ())):
            index = self._indexes[kind]
            for code in codes:
                left = tuple(offer for offer in index.pop(code, ()) if offer is not old)
                if left:
                    index[code] = left

    def _most_selective(self, version: CompiledVersion) -> tuple[str, Collection[str]]:
        keys = _keys(version)
        return keys[0] if len(keys) == 1 else min(keys, key=lambda key: _crowd(self._indexes[key[0]], key[1]))


def _nowhere(_purchase: Purchase) -> None:
    return None


def _keys(version: CompiledVersion) -> list[tuple[str, Collection[str]]]:
    """The include lists by which the version could be indexed, each with its kind."""
    asked = [(kind, include) for kind in KINDS if (include := getattr(version.scope, kind).include) is not None]
    return asked or [(EVERYWHERE, (EVERYWHERE,))]


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


def _crowd(index: Index, codes: Collection[str]) -> float:
    """How many offers a code of the list leads to, on average."""
    return sum(len(index.get(code, ())) for code in codes) / len(codes)
