"""The rules on what a purchase is: where, of whom, of what."""

from typing import Final

from shared.eligibility import wording
from shared.eligibility.rule import Case, Rule
from shared.kernel.reasons import Reason

SCOPE: Final[tuple[Rule[Case], ...]] = (
    Rule(
        name="merchant",
        reason=Reason.MERCHANT_NOT_IN_SCOPE,
        passes=lambda case: case.version.scope.merchants.admits(case.purchase.merchant_id),
        expected=lambda case: wording.sieve(case.version.scope.merchants, "merchants"),
        actual=lambda case: case.purchase.merchant_id,
        asked=lambda case: case.version.scope.merchants.asks,
        otherwise="any merchant",
    ),
    Rule(
        name="location",
        reason=Reason.LOCATION_NOT_IN_SCOPE,
        passes=lambda case: case.version.scope.locations.admits(case.purchase.location_id),
        expected=lambda case: wording.sieve(case.version.scope.locations, "locations"),
        actual=lambda case: case.purchase.location_id or "unknown",
        asked=lambda case: case.version.scope.locations.asks,
        otherwise="any location",
    ),
    Rule(
        name="merchant category",
        reason=Reason.MCC_NOT_IN_SCOPE,
        passes=lambda case: case.version.scope.mccs.admits(case.purchase.mcc),
        expected=lambda case: wording.sieve(case.version.scope.mccs, "merchant category codes"),
        actual=lambda case: case.purchase.mcc or "unknown",
        asked=lambda case: case.version.scope.mccs.asks,
        otherwise="any merchant category",
    ),
    Rule(
        name="products",
        reason=Reason.PRODUCT_NOT_IN_SCOPE,
        passes=lambda case: case.version.scope.has_product(case.purchase),
        expected=lambda case: wording.sieve(case.version.scope.products, "products"),
        actual=lambda case: wording.codes({item.product for item in case.purchase.items}, "products") or "no items",
        asked=lambda case: case.version.scope.products.asks,
        otherwise="any product",
    ),
)
"""Whether the purchase is what the offer is about. The fold asks this of a purchase once, by the version's `in_scope`."""
