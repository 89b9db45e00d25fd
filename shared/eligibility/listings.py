"""What is listed under one code: offers, each for as long as one of its scopes is in force, and what that asks beside the code."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Final, cast

from shared.eligibility.compile import CompiledOffer
from shared.eligibility.model import Purchase
from shared.eligibility.scope import FIELDS, Check, CompiledScope
from shared.eligibility.written import write

EVERYWHERE: Final = "everywhere"
"""The kind, and its only code, of scopes that are not listed under any code."""
MOST_SPANS: Final = 400
"""So many spans of time are remembered under one code; then memory is given back and it begins anew."""

Found = tuple[CompiledOffer, ...]
Listing = tuple[Check | None, datetime, datetime, CompiledOffer]
"""What a scope asks beside the code (None: nothing), when it is in force within the offer's coarse range of time, and the offer."""
Open = tuple[Found, tuple[tuple[Check, Found], ...]]
"""What is open at a moment: offers that ask nothing beside the code, and others, those together that ask the same."""


class Listings:
    """The listings under one code. What is open between two moments is remembered once it was asked."""

    __slots__ = ("_edges", "_open", "all")

    def __init__(self, listings: tuple[Listing, ...]) -> None:
        self.all = listings
        self._edges: list[datetime] = []
        self._open: dict[int, Open] = {}

    def open_at(self, at: datetime) -> Open:
        """What is open at a moment."""
        if not self._edges:
            self._edges = sorted([edge for _, start, stop, _ in self.all for edge in (start, stop)])
        span = bisect_right(self._edges, at)
        return self._open.get(span) or self._look_up(span, at)

    def _look_up(self, span: int, at: datetime) -> Open:
        if len(self._open) >= MOST_SPANS:
            self._open.clear()
        found = self._open[span] = _open_at(self.all, at)
        return found


Bucket = tuple[datetime, datetime, Found, tuple[tuple[Check, Found], ...], Listings]
"""What is under a code: from when until when what is open, and all listings, which tell the same of other times.

Most codes have few listings, and all but late purchases are made in the newest span. It is at hand without a call.
"""
Index = Mapping[str, Bucket]
Match = Callable[[Iterable[Purchase]], Iterator[Found]]


def bucket_of(listings: tuple[Listing, ...]) -> Bucket:
    """The bucket of these listings, with the newest span at hand: from when the last one starts until the first that is open then stops."""
    since = max([start for _, start, _, _ in listings])
    until = min([stop for _, _, stop, _ in listings if stop > since])
    return since, until, *_open_at(listings, since), Listings(listings)


def scopes_in_force(offer: CompiledOffer) -> Iterator[tuple[CompiledScope, datetime, datetime]]:
    """The scopes of an offer, each with when it is in force within the offer's coarse range of time; the first one since ever."""
    alike = [(scope, next(versions).in_force_from) for scope, versions in groupby(offer.versions, key=attrgetter("scope"))]
    starts = [offer.earliest, *(max(since, offer.earliest) for _, since in alike[1:])]
    stops = [*(min(since, offer.latest) for _, since in alike[1:]), offer.latest]
    return ((scope, start, stop) for (scope, _), start, stop in zip(alike, starts, stops, strict=True) if start < stop)


BUCKETS: Final = {
    **{kind: [f"if bucket := under_{kind}(purchase.{field}):"] for kind, field in FIELDS.items()},
    "products": ["for product, _ in purchase.items:", "    if bucket := under_products(product):"],
    EVERYWHERE: [f"if bucket := under_{EVERYWHERE}({EVERYWHERE!r}):"],
}
"""How the buckets of a purchase are found in each kind of index."""
OPEN: Final = [
    "since, until, free, asking, listings = bucket",
    "if not since <= at < until:",
    "    free, asking = listings.open_at(at)",
    "found += free",
    "for asks, offers in asking:",
    "    if asks(purchase):",
    "        found += offers",
]
"""What of a bucket is open to a purchase."""


def matcher(indexes: Mapping[str, Index]) -> Match:
    """What finds the offers that are open to each of some purchases. It is written out: it takes little longer than finding the buckets."""
    steps = ["for purchase in purchases:", "    at, found = purchase.at, ()"]
    for kind in indexes:
        depth = "    " * (1 + len(BUCKETS[kind]))
        steps += [f"    {step}" for step in BUCKETS[kind]] + [depth + step for step in OPEN]
    if "products" in indexes:
        steps.append("    found = once_each(found)")
    under = {f"under_{kind}": index.get for kind, index in indexes.items()}
    return cast("Match", write("purchases", [*steps, "    yield found"], {**under, "once_each": _once_each}))


def _open_at(listings: tuple[Listing, ...], at: datetime) -> Open:
    alike: dict[Check | None, list[CompiledOffer]] = {None: []}
    for asks, start, stop, offer in listings:
        if start <= at < stop:
            alike.setdefault(asks, []).append(offer)
    free = alike.pop(None)
    return tuple(free), tuple((asks, tuple(offers)) for asks, offers in alike.items() if asks)


def _once_each(found: Found) -> Found:
    """A basket may hold several products of an offer."""
    return tuple(dict.fromkeys(found)) if len(found) > 1 else found
