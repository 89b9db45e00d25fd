"""What an offer is about, compiled: which purchases are in its scope, and how much of one qualifies."""

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import Final, NamedTuple

from shared.eligibility.model import Purchase
from shared.eligibility.terms import Places, Scope
from shared.eligibility.written import Expression

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

SHARED_CHECKS: Final = 10_000
"""So many different conditions are kept to be shared."""

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

    def texts(self, kind: str) -> Iterator[str]:
        """What it asks of a purchase, as Python says it; each side's codes go by its name and the kind."""
        if self.include is not None:
            yield f"purchase.{FIELDS[kind]} in include_{kind}"
        if self.exclude:
            yield f"purchase.{FIELDS[kind]} not in exclude_{kind}"


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
    asks: Expression
    """All that it asks of a `purchase`."""
    holds: Check
    """Whether a purchase is in scope."""
    has_product: Check
    """Whether the basket meets the product lists, whatever else is asked."""
    qualifies: Expression
    """The part of the amount of a `purchase` that qualifies, never below 0."""
    qualifying_minor: Callable[[Purchase], int]
    """The same, as a function."""


def compile_scope(scope: Scope, base: str = "total") -> CompiledScope:
    """Make sets of the lists, and closures that ask no more than the lists ask. `base` is what of a whole amount counts."""
    whole = _left(base)
    sieves = {kind: _sieve(codes(scope.include, kind), codes(scope.exclude, kind)) for kind in (*PLACES, "products")}
    products = sieves["products"]
    has_product = _product_check(products)
    qualifies = _of_what_is_left(_basket_sum(products, whole.written("purchase"))) if products.asks else whole
    asks = _condition(sieves, has_product)
    return CompiledScope(
        **sieves,
        asks=asks,
        holds=asks.written("purchase"),
        has_product=has_product,
        qualifies=qualifies,
        qualifying_minor=qualifies.written("purchase"),
    )


def asks_beside(scope: CompiledScope, kind: str) -> Check | None:
    """What a scope asks of a purchase whose code of one kind it admits (of products: that of an item); None where that is nothing.

    Scopes that ask the same share it.
    """
    sieves = [(other, getattr(scope, other)) for other in (*PLACES, "products") if other != kind]
    asked = tuple((other, sieve) for other, sieve in sieves if sieve.asks)
    return _shared_check(asked) if asked else None


@lru_cache(maxsize=SHARED_CHECKS)
def _shared_check(asked: tuple[tuple[str, Sieve], ...]) -> Check:
    sieves = dict(asked)
    check: Check = _condition(sieves, _product_check(sieves.get("products"))).written("purchase")
    return check


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


def _condition(sieves: Mapping[str, Sieve], has_product: Check) -> Expression:
    """That a purchase passes these sieves, by the names of their lists; the basket last, as it takes longest."""
    texts = [text for kind in PLACES if kind in sieves for text in sieves[kind].texts(kind)]
    names = {f"{side}_{kind}": getattr(sieve, side) for kind, sieve in sieves.items() for side in ("include", "exclude")}
    if has_product is not _always:
        texts.append("has_product(purchase)")
    return Expression(" and ".join(texts) or "True", {**names, "has_product": has_product})


def _product_check(sieve: Sieve | None) -> Check:
    return _basket_check(sieve) if sieve and sieve.asks else _always


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


def _of_what_is_left(basket_sum: Callable[[Purchase], int]) -> Expression:
    """A refund that does not say what was returned is taken to return what does not qualify first."""
    total = _left("total").written("purchase")
    least = "basket_sum(purchase) if purchase.before_refunds is None else min(basket_sum(purchase), total(purchase))"
    return Expression(least, {"basket_sum": basket_sum, "total": total, "min": min})


def _wanted(include: Codes, exclude: Codes) -> Codes:
    return include - exclude if exclude else include


def _sum_without(exclude: Codes, purchase: Purchase) -> int:
    return max(sum([amount for product, amount in purchase.items if product not in exclude]), 0)


WHOLE: Final = {
    "total": "purchase.amount_minor - purchase.cash_back_minor",
    "subtotal": "purchase.amount_minor - purchase.cash_back_minor - purchase.tip_minor - purchase.tax_minor",
}


def _left(base: str) -> Expression:
    """What of a whole amount counts, never below 0."""
    return Expression(f"left_minor if (left_minor := {WHOLE[base]}) > 0 else 0", {})


def _always(_purchase: Purchase) -> bool:
    return True
