"""What an offer is about, compiled: which purchases are in its scope, and how much of one qualifies."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from operator import attrgetter
from typing import Final, NamedTuple

from shared.eligibility.model import Purchase
from shared.eligibility.terms import Scope

PLACES: Final = {"merchants": attrgetter("merchant_id"), "locations": attrgetter("location_id"), "mccs": attrgetter("mcc")}
"""Where each list of codes finds its code in a purchase."""

Codes = frozenset[str]
Check = Callable[[Purchase], bool]


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


@dataclass(frozen=True, kw_only=True, slots=True)
class CompiledScope:
    """A scope as sets of shared strings and the closures that ask only what it asks."""

    merchants: Sieve
    locations: Sieve
    mccs: Sieve
    products: Sieve
    holds: Check
    """Whether a purchase is in scope."""
    has_product: Check
    """Whether the basket meets the product lists, whatever else is asked."""
    qualifying_minor: Callable[[Purchase], int]
    """The part of the amount that qualifies, never below 0."""


def compile_scope(scope: Scope) -> CompiledScope:
    """Make sets of the lists, and closures that ask no more than the lists ask."""
    sieves = {kind: _sieve(getattr(scope.include, kind), getattr(scope.exclude, kind)) for kind in (*PLACES, "products")}
    products = sieves["products"]
    has_product = _basket_check(products) if products.asks else _always
    checks = [_place_check(kind, sieves[kind]) for kind in PLACES if sieves[kind].asks] + [has_product] * products.asks
    return CompiledScope(
        **sieves,
        holds=reduce(_both, checks) if checks else _always,
        has_product=has_product,
        qualifying_minor=_basket_sum(products) if products.asks else _whole_amount,
    )


def _sieve(include: Iterable[str] | None, exclude: Iterable[str] | None) -> Sieve:
    return Sieve(None if include is None else _shared(include), _shared(exclude or ()))


def _shared(codes: Iterable[str]) -> Codes:
    return frozenset(map(sys.intern, codes))


def _place_check(kind: str, sieve: Sieve) -> Check:
    code_of, admits = PLACES[kind], sieve.admits
    return lambda purchase: admits(code_of(purchase))


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


def _basket_sum(sieve: Sieve) -> Callable[[Purchase], int]:
    if sieve.include is None:
        return lambda purchase: _sum_without(sieve.exclude, purchase) if purchase.items else _whole_amount(purchase)
    wanted = _wanted(sieve.include, sieve.exclude)
    return lambda purchase: max(sum([amount for product, amount in purchase.items if product in wanted]), 0)


def _wanted(include: Codes, exclude: Codes) -> Codes:
    return include - exclude if exclude else include


def _sum_without(exclude: Codes, purchase: Purchase) -> int:
    return max(sum([amount for product, amount in purchase.items if product not in exclude]), 0)


def _whole_amount(purchase: Purchase) -> int:
    return max(purchase.amount_minor, 0)


def _always(_purchase: Purchase) -> bool:
    return True


def _both(first: Check, second: Check) -> Check:
    return lambda purchase: first(purchase) and second(purchase)
