"""From a posted transaction to a purchase that can be judged, filed under the offers in whose scope it falls."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

import orjson

from events.payloads import PurchaseSaid
from events.payloads import Transaction as Posted
from shared.eligibility.compile import CompiledOffer
from shared.eligibility.model import Item, Purchase
from shared.kernel.money import to_minor
from shared.merchants import service as merchants
from shared.merchants.model import Place
from shared.platform.call import Transaction


class Surroundings(NamedTuple):
    """What is known beside what a purchase says: places by location, brands by merchant."""

    places: Mapping[str, Place]
    brands: Mapping[str, str]


NOTHING_KNOWN: Final = Surroundings({}, {})


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """A purchase as it came, what it is to us, the offers in whose scope it fell, and a hash that tells a repeat from a contradiction."""

    posted: Posted
    purchase: Purchase
    offers: tuple[UUID, ...]
    content_hash: bytes

    def pairs(self) -> Iterable[tuple[str, UUID]]:
        """The customer with each of the offers: the histories that the purchase belongs to."""
        return ((self.posted.customer_id, offer_id) for offer_id in self.offers)


def surroundings(tx: Transaction, said: Collection[PurchaseSaid], *, brands: bool = True) -> Surroundings:
    """What merchants and their places tell of purchases; without `brands`, of their merchants' brands only what the places tell."""
    location_ids = {purchase.location_id for purchase in said if purchase.location_id}
    merchant_ids = {purchase.merchant_id for purchase in said} if brands else ()
    return Surroundings(merchants.places(tx, location_ids), merchants.brands(tx, merchant_ids) if merchant_ids else {})


def arrivals(
    posted: Iterable[Posted], known: Surroundings, candidates: Callable[[Purchase], Sequence[CompiledOffer]], *, now: datetime
) -> list[Arrival]:
    """The posted transactions that fall into the scope of some offer; the others pass by."""
    found = []
    for transaction in posted:
        purchase = purchase_of(transaction, known, recorded_at=now)
        offers = tuple(compiled.offer.offer_id for compiled in candidates(purchase))
        if offers:
            found.append(Arrival(posted=transaction, purchase=purchase, offers=offers, content_hash=_content_hash(transaction, purchase)))
    return found


def purchase_of(said: PurchaseSaid, known: Surroundings, *, recorded_at: datetime) -> Purchase:
    """The purchase with amounts in minor units. Its location tells zone and brand, and MCC, country and region where it doesn't say.

    Where the location tells no brand, the merchant's counts.
    """
    place = known.places.get(said.location_id) if said.location_id else None
    return Purchase(
        transaction_id=said.transaction_id,
        at=said.at.astimezone(UTC),
        amount_minor=to_minor(said.amount, said.currency),
        currency=said.currency,
        merchant_id=said.merchant_id,
        location_id=said.location_id,
        mcc=said.mcc or (place.mcc if place else None),
        zone=place.zone if place else None,
        brand=(place.brand if place else None) or known.brands.get(said.merchant_id),
        network_merchant_id=said.network_merchant_id,
        channel=said.channel,
        country=said.country or (place.country if place else None),
        region=said.region or (place.region if place else None),
        card_product=said.card_product,
        tip_minor=to_minor(said.tip or 0, said.currency),
        tax_minor=to_minor(said.tax or 0, said.currency),
        cash_back_minor=to_minor(said.cash_back or 0, said.currency),
        recorded_at=recorded_at,
        items=tuple(Item(item.product, to_minor(item.amount, said.currency)) for item in said.items),
    )


def _content_hash(posted: Posted, purchase: Purchase) -> bytes:
    """A hash of what was said, however it was written: amounts as numbers or decimals, moments in any zone."""
    said = (
        posted.kind, posted.customer_id, purchase.at, purchase.amount_minor, purchase.currency, purchase.merchant_id,
        purchase.location_id, posted.mcc, posted.network_merchant_id, posted.channel, posted.country, posted.region, posted.card_product,
        purchase.tip_minor, purchase.tax_minor, purchase.cash_back_minor,
        [tuple(item) for item in purchase.items],
    )  # fmt: skip
    return hashlib.sha256(orjson.dumps(said)).digest()
