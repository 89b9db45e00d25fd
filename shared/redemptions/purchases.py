"""From a posted transaction to a purchase that can be judged, filed under the offers in whose scope it falls."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

import orjson

from events.payloads import BasketItem
from events.payloads import Transaction as Posted
from shared.eligibility.compile import CompiledOffer
from shared.eligibility.model import Item, Purchase
from shared.kernel.money import to_minor
from shared.merchants.model import Place


class Said(Protocol):
    """What a posted transaction, or a question about a purchase, says of it; amounts in minor units or as exact decimals."""

    @property
    def transaction_id(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def currency(self) -> str: ...
    @property
    def amount(self) -> int | str: ...
    @property
    def merchant_id(self) -> str: ...
    @property
    def location_id(self) -> str | None: ...
    @property
    def mcc(self) -> str | None: ...
    @property
    def items(self) -> Sequence[BasketItem]: ...


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


def arrivals(
    posted: Iterable[Posted], places: Mapping[str, Place], candidates: Callable[[Purchase], Sequence[CompiledOffer]]
) -> list[Arrival]:
    """The posted transactions that fall into the scope of some offer; the others pass by."""
    found = []
    for transaction in posted:
        purchase = purchase_of(transaction, places)
        offers = tuple(compiled.offer.offer_id for compiled in candidates(purchase))
        if offers:
            found.append(Arrival(posted=transaction, purchase=purchase, offers=offers, content_hash=_content_hash(transaction, purchase)))
    return found


def purchase_of(said: Said, places: Mapping[str, Place]) -> Purchase:
    """The purchase with amounts in minor units; MCC and time zone come from its location where it doesn't say."""
    place = places.get(said.location_id) if said.location_id else None
    return Purchase(
        transaction_id=said.transaction_id,
        at=said.at.astimezone(UTC),
        amount_minor=to_minor(said.amount, said.currency),
        currency=said.currency,
        merchant_id=said.merchant_id,
        location_id=said.location_id,
        mcc=said.mcc or (place.mcc if place else None),
        zone=place.zone if place else None,
        items=tuple(Item(item.product, to_minor(item.amount, said.currency)) for item in said.items),
    )


def _content_hash(posted: Posted, purchase: Purchase) -> bytes:
    """A hash of what was said, however it was written: amounts as numbers or decimals, moments in any zone."""
    said = (
        posted.kind, posted.customer_id, purchase.at, purchase.amount_minor, purchase.currency, purchase.merchant_id,
        purchase.location_id, posted.mcc, [tuple(item) for item in purchase.items],
    )  # fmt: skip
    return hashlib.sha256(orjson.dumps(said)).digest()
