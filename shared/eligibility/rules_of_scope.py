"""The rules on what a purchase is: where, of whom, by what, of what."""

from collections.abc import Callable
from operator import attrgetter
from typing import Final

from shared.eligibility import wording
from shared.eligibility.model import Purchase
from shared.eligibility.rule import Case, Rule
from shared.eligibility.scope import PLACES, Sieve
from shared.kernel.reasons import Reason


def _merchant_not_known(case: Case) -> Reason | None:
    """Why the merchant of a purchase is not known, where it is not."""
    purchase = case.purchase
    return Reason.of(purchase.matched_by or Reason.MERCHANT_UNKNOWN.code) if purchase.merchant_id is None else None


def _of_list(kind: str, name: str, plural: str, reason: Reason, because: Callable[[Case], Reason | None] | None = None) -> Rule[Case]:
    """The rule on the include and exclude lists of one kind of place."""
    code_of: Callable[[Purchase], str | None] = PLACES[kind]
    sieve_of: Callable[[Case], Sieve] = attrgetter(f"version.scope.{kind}")
    return Rule(
        name=name,
        reason=reason,
        passes=lambda case: sieve_of(case).admits(code_of(case.purchase)),
        expected=_written(kind, plural),
        actual=lambda case: code_of(case.purchase) or "unknown",
        asked=lambda case: sieve_of(case).asks,
        otherwise=f"any {name}",
        because=because,
    )


def _written(kind: str, plural: str) -> Callable[[Case], str]:
    def words(case: Case) -> str:
        scope = case.version.terms.scope
        return wording.lists(getattr(scope.include, kind), getattr(scope.exclude, kind), plural)

    return words


SCOPE: Final[tuple[Rule[Case], ...]] = (
    _of_list("merchants", "merchant", "merchants", Reason.MERCHANT_NOT_IN_SCOPE, _merchant_not_known),
    _of_list("brands", "brand", "brands", Reason.BRAND_NOT_IN_SCOPE, _merchant_not_known),
    _of_list("locations", "location", "locations", Reason.LOCATION_NOT_IN_SCOPE),
    _of_list("network_merchant_ids", "network merchant id", "network merchant ids", Reason.NETWORK_MERCHANT_NOT_IN_SCOPE),
    _of_list("mccs", "merchant category", "merchant category codes", Reason.MCC_NOT_IN_SCOPE),
    _of_list("channels", "channel", "channels", Reason.CHANNEL_NOT_IN_SCOPE),
    _of_list("countries", "country", "countries", Reason.COUNTRY_NOT_IN_SCOPE),
    _of_list("regions", "region", "regions", Reason.REGION_NOT_IN_SCOPE),
    _of_list("card_products", "card product", "card products", Reason.CARD_PRODUCT_NOT_IN_SCOPE),
    Rule(
        name="products",
        reason=Reason.PRODUCT_NOT_IN_SCOPE,
        passes=lambda case: case.version.scope.has_product(case.purchase),
        expected=_written("products", "products"),
        actual=lambda case: wording.codes({item.product for item in case.purchase.items}, "products") or "no items",
        asked=lambda case: case.version.scope.products.asks,
        otherwise="any product",
    ),
)
"""Whether the purchase is what the offer is about. The fold asks this of a purchase once, by the version's `in_scope`."""
