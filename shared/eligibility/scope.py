"""What an offer is about, compiled: which purchases are in its scope, and how much of one qualifies."""

import sys
from collections.abc import Callable, Collection, Container, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import Final, NamedTuple

from shared.eligibility.model import Purchase
from shared.eligibility.terms import Places, Scope

FIELDS: Final = {
    "merchants": "merchant_id",
    "brands": "brand",
    "locations": "location_id",
    "network_merchant_ids": "network_merchant_id",
    "mccs": "mcc",
    "channels": "channel",
    "countries": "country",
    "regions": "region",
    "card_products": "card_product",
}
"""Where each list of codes finds its code in a purchase."""
PLACES: Final = {kind: attrgetter(field) for kind, field in FIELDS.items()}

Codes = frozenset[str]
Check = Callable[[Purchase], bool]
CodeOf = Callable[[Purchase], str | None]


class Sieve(NamedTuple):
    """Codes that are let through (None: any) less those that are not."""

    include: Codes | None
    exclude: Codes

    @property
    def asks(self) -> bool:
        """Whether it keeps anything back at all."""
        return self.include is not None or bool(self.exclude)

    def admits(self, code: str | None) -> bool:
        """Whether a code passes. An unknown one meets no include list and hits no exclude list."""
        return code not in self.exclude and (self.include is None or code in self.include)

    @property
    def admitted(self) -> Container[str]:
        """The codes that pass, made ready to be asked quickly."""
        return AllBut(self.exclude) if self.include is None else _wanted(self.include, self.exclude)


@dataclass(frozen=True, slots=True)
class AllBut:
    """Every code, an unknown one too, but for some."""

    excluded: Codes

    def __contains__(self, code: object) -> bool:
        return code not in self.excluded


@dataclass(frozen=True, kw_only=True, slots=True)
class CompiledScope:
    """A scope as sets of shared strings and the closures that ask only what it asks."""

    merchants: Sieve
    brands: Sieve
    locations: Sieve
    network_merchant_ids: Sieve
    mccs: Sieve
    """Every single code: ranges are spelt out, so that asking for one costs no more."""
    channels: Sieve
    countries: Sieve
    regions: Sieve
    card_products: Sieve
    products: Sieve
    holds: Check
    """Whether a purchase is in scope."""
    in_place: Check
    """Whether a purchase is in scope by all but its basket."""
    places_asked: frozenset[str]
    """The kinds of places of which there are lists."""
    has_product: Check
    """Whether the basket meets the product lists, whatever else is asked."""
    qualifying_minor: Callable[[Purchase], int]
    """The part of the amount that qualifies, never below 0."""


def compile_scope(scope: Scope, base: str = "total") -> CompiledScope:
    """Make sets of the lists, and closures that ask no more than the lists ask. `base` is what of a whole amount counts."""
    whole = WHOLE[base]
    sieves = {kind: _sieve(codes(scope.include, kind), codes(scope.exclude, kind)) for kind in (*PLACES, "products")}
    products = sieves["products"]
    has_product = _basket_check(products) if products.asks else _always
    asked = frozenset(kind for kind in PLACES if sieves[kind].asks)
    in_place = _all_of([(PLACES[kind], sieves[kind].admitted) for kind in PLACES if kind in asked])
    return CompiledScope(
        **sieves,
        holds=(lambda purchase: in_place(purchase) and has_product(purchase)) if products.asks else in_place,
        in_place=in_place,
        places_asked=asked,
        has_product=has_product,
        qualifying_minor=_of_what_is_left(_basket_sum(products, whole)) if products.asks else whole,
    )


def codes(places: Places, kind: str) -> Collection[str] | None:
    """The single codes of one list, ranges spelt out; None where it is not given."""
    given: list[str] | None = getattr(places, kind)
    return set(chain.from_iterable(map(mccs_in, given))) if kind == "mccs" and given else given


def mccs_in(text: str) -> list[str]:
    """The codes of "5411-5499", or of the one code "5411"; none where the range ends before it begins."""
    first, _, last = text.partition("-")
    return [f"{code:04}" for code in range(int(first), int(last or first) + 1)]


def _sieve(include: Iterable[str] | None, exclude: Iterable[str] | None) -> Sieve:
    return Sieve(None if include is None else _shared(include), _shared(exclude or ()))


def _shared(codes: Iterable[str]) -> Codes:
    return frozenset(map(sys.intern, codes))


def _all_of(checks: Sequence[tuple[CodeOf, Container[str]]]) -> Check:
    """One check of all places that are asked."""

    def holds(purchase: Purchase) -> bool:
        for code_of, admitted in checks:  # noqa: SIM110  (three times as fast as all() of a generator)
            if code_of(purchase) not in admitted:
                return False
        return True

    return holds


def _basket_check(sieve: Sieve) -> Check:
    if sieve.include is None:
        return lambda purchase: not purchase.items or any(product not in sieve.exclude for product, _ in purchase.items)
    wanted = _wanted(sieve.include, sieve.exclude)

    def in_basket(purchase: Purchase) -> bool:
        for product, _ in purchase.items:  # noqa: SIM110  (three times as fast as any() of a generator, and asked of every candidate)
            if product in wanted:
                return True
        return False

    return in_basket


def _basket_sum(sieve: Sieve, whole: Callable[[Purchase], int]) -> Callable[[Purchase], int]:
    if sieve.include is None:
        return lambda purchase: _sum_without(sieve.exclude, purchase) if purchase.items else whole(purchase)
    wanted = _wanted(sieve.include, sieve.exclude)
    return lambda purchase: max(sum([amount for product, amount in purchase.items if product in wanted]), 0)


def _of_what_is_left(basket_sum: Callable[[Purchase], int]) -> Callable[[Purchase], int]:
    """A refund that does not say what was returned is taken to return what does not qualify first."""
    return lambda purchase: basket_sum(purchase) if purchase.before_refunds is None else min(basket_sum(purchase), _total(purchase))


def _wanted(include: Codes, exclude: Codes) -> Codes:
    return include - exclude if exclude else include


def _sum_without(exclude: Codes, purchase: Purchase) -> int:
    return max(sum([amount for product, amount in purchase.items if product not in exclude]), 0)


def _total(purchase: Purchase) -> int:
    left_minor = purchase.amount_minor - purchase.cash_back_minor
    return left_minor if left_minor > 0 else 0  # noqa: FURB136  (quicker than max(), and asked of every purchase)


def _subtotal(purchase: Purchase) -> int:
    return max(purchase.amount_minor - purchase.cash_back_minor - purchase.tip_minor - purchase.tax_minor, 0)


WHOLE: Final = {"total": _total, "subtotal": _subtotal}


def _always(_purchase: Purchase) -> bool:
    return True
