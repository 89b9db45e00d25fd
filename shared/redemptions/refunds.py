"""Which purchase a refund is for that names none: found among all that is known of its customer, whatever came first. Pure."""

from collections.abc import Collection, Iterable
from datetime import timedelta
from operator import attrgetter
from typing import Final

from shared.eligibility.model import Purchase
from shared.kernel.reasons import Reason
from shared.merchants.descriptors import normalised

REFUND_WINDOW: Final = timedelta(days=180)
"""How long after a purchase a refund that names none may be for it."""


def match_refunds(purchases: Collection[Purchase], refunds: Iterable[Purchase]) -> dict[str, str | Reason]:
    """By the refund's id: the id of the purchase that it is for, or why there is none.

    Purchases come as they stand after the refunds that name them. A refund is for a purchase of the same card (where both name one),
    merchant (where that of either is not known: of the same descriptor) and currency, at most 180 days before it, of which as much is
    left as it gives back: the one of which exactly as much is left, else the latest. Refunds choose in the order in which they were
    given, at the same moment in that of their ids.
    """
    left = {purchase.transaction_id: purchase.amount_minor for purchase in purchases}
    matched: dict[str, str | Reason] = {}
    for refund in sorted(refunds, key=attrgetter("at", "transaction_id")):
        possible = [purchase for purchase in purchases if _may_be_for(refund, purchase)]
        covering = [purchase for purchase in possible if left[purchase.transaction_id] >= refund.amount_minor]
        if covering:
            best = max(covering, key=lambda p: (left[p.transaction_id] == refund.amount_minor, p.at, p.transaction_id))
            left[best.transaction_id] -= refund.amount_minor
            matched[refund.transaction_id] = best.transaction_id
        else:
            matched[refund.transaction_id] = Reason.REFUND_ABOVE_PURCHASE if possible else Reason.NO_PURCHASE_TO_REFUND
    return matched


def _may_be_for(refund: Purchase, purchase: Purchase) -> bool:
    same_card = refund.card_token is None or purchase.card_token is None or refund.card_token == purchase.card_token
    same = refund.currency == purchase.currency and _same_merchant(refund, purchase)
    return same and same_card and purchase.at <= refund.at <= purchase.at + REFUND_WINDOW


def _same_merchant(refund: Purchase, purchase: Purchase) -> bool:
    """Whether both name one merchant: where that of either is not known, by the descriptor. Two that are not known are not the same."""
    if refund.merchant_id and purchase.merchant_id:
        return refund.merchant_id == purchase.merchant_id
    described = refund.descriptor and purchase.descriptor
    return bool(described) and normalised(refund.descriptor) == normalised(purchase.descriptor)
