"""From what was posted to what the history holds of it: messages of purchases, each with a hash of what it says."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Final, NamedTuple
from uuid import UUID

import orjson

from events.payloads import PurchaseSaid
from events.payloads import Transaction as Posted
from shared.eligibility.life import Kind, Message
from shared.eligibility.model import Item, Purchase
from shared.kernel.money import to_minor
from shared.kernel.reasons import Reason
from shared.merchants import service as merchants
from shared.merchants.ladder import Book, Clues, Spot
from shared.platform.call import Transaction
from shared.redemptions.routing import Holders, customer_of, holder_of, holders_of
from shared.redemptions.words import Tellers

SPOT: Final = attrgetter(*Clues._fields[1:])
"""What a purchase says of where it was made, and not when."""
Said = tuple[str | None, ...]
"""What purchases say of where they were made, as SPOT reads it."""


class Surroundings(NamedTuple):
    """What is known beside what purchases say: of merchants and their places, of the spots where they were made, and whose cards were."""

    merchants: Book
    holders: Holders
    spots: dict[Said, Spot]

    @classmethod
    def of(cls, merchants: Book, holders: Holders) -> "Surroundings":
        """Surroundings of which no spot was looked at yet."""
        return cls(merchants, holders, {})

    def spot_of(self, said: PurchaseSaid) -> Spot:
        """Where a purchase was made; most are made where others are."""
        there = SPOT(said)
        return self.spots.get(there) or self.spots.setdefault(there, Spot.of(clues_of(said), self.merchants))


AUTHORIZATION_LIFE: Final = timedelta(days=10)
"""How long an authorisation that does not say it may wait for its clearing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Filed:
    """A message in the history of a customer: the offers under which it is, and a hash that tells a repeat from a contradiction."""

    message: Message
    customer_id: str | None
    """Whose purchase it is; None while its card is nobody's."""
    offers: frozenset[UUID]
    content_hash: bytes
    by_card: bool = False
    """Whether whose purchase it is follows from its card."""
    loose: bool = False
    """A refund that names no purchase."""
    unmatched: Reason | None = None
    """Why a refund is matched with no purchase."""
    expires_at: datetime | None = None
    """Of an authorisation that has not been cleared: when it expires."""
    merchant_said: str | None = None
    """What it said of its merchant, beside what its purchase says that it was matched to."""
    product_said: str | None = None
    """What it said of its card's product, beside what the card tells where it said nothing."""
    network: str | None = None
    city: str | None = None
    told_by: Tellers = None
    withdrawn: bool = False
    """Whether nobody tells it any more."""

    @property
    def card_token(self) -> str | None:
        """The card that was paid with."""
        return self.message.said.card_token

    @property
    def whose(self) -> str:
        """What decides its shard: the customer, or the card while nobody is known to hold it."""
        return self.customer_id or str(self.card_token)

    @property
    def life(self) -> tuple[str | None, str | None]:
        """Whose purchase it tells of, and which."""
        return self.customer_id, self.message.purchase_id


class Arrival(NamedTuple):
    """A message as it came, and as the history would hold it."""

    posted: Posted
    filed: Filed


def surroundings(tx: Transaction, said: Collection[PurchaseSaid], *, as_of: datetime | None = None) -> Surroundings:
    """What merchants, their places and cards tell of purchases, or told by what was known at a moment."""
    return Surroundings.of(merchants.look_up(tx, [clues_of(purchase) for purchase in said], as_of=as_of), holders_of(tx, said, as_of=as_of))


def filed(posted: Posted, said: Purchase, known: Surroundings, offers: frozenset[UUID], told_by: Tellers = None) -> Filed:
    """What was posted, and is `said` in our terms, as the history holds it."""
    kind = Kind(posted.kind)
    purchase_id = posted.purchase_id
    expires_at = (posted.expires_at or said.at + AUTHORIZATION_LIFE) if kind is Kind.AUTHORIZATION else None
    message = Message(kind=kind, sequence=posted.sequence, purchase_id=purchase_id, said=said, sequence_count=posted.sequence_count)
    return Filed(
        message=message,
        customer_id=customer_of(posted, posted.customer_id, known.holders),
        by_card=posted.customer_id is None,
        offers=offers,
        content_hash=_content_hash(posted, said),
        loose=purchase_id is None,
        unmatched=Reason.NO_PURCHASE_TO_REFUND if purchase_id is None else None,
        expires_at=expires_at,
        merchant_said=posted.merchant_id,
        product_said=posted.card_product,
        network=posted.network,
        city=posted.city,
        told_by=told_by,
    )


def said_of(posted: Posted, known: Surroundings, *, now: datetime) -> Purchase:
    """What a message says, alone."""
    return purchase_of(posted, known, recorded_at=now, posted_at=posted.posted_at)


def purchase_of(said: PurchaseSaid, known: Surroundings, *, recorded_at: datetime, posted_at: datetime | None = None) -> Purchase:
    """The purchase with amounts in minor units, matched to its merchant.

    Its location tells zone and brand, and MCC, country, region and city where it doesn't say. Where the location tells no brand, the
    merchant's counts. The card tells the account, and its product where the purchase doesn't.
    """
    spot, holder = known.spot_of(said), holder_of(said, known.holders)
    place, clues, found = spot.place, spot.clues, spot.match(said.at)
    return Purchase(
        transaction_id=said.transaction_id,
        at=said.at.astimezone(UTC),
        amount_minor=to_minor(said.amount, said.currency),
        currency=said.currency,
        merchant_id=found.merchant_id,
        matched_by=found.matched_by.value,
        network_merchant_id=said.network_merchant_id,
        descriptor=said.descriptor,
        location_id=said.location_id,
        mcc=clues.mcc,
        zone=place.zone if place else None,
        brand=(place.brand if place else None) or known.merchants.brands.get(found.merchant_id or ""),
        channel=said.channel,
        country=clues.country,
        region=clues.region,
        card_product=said.card_product or (holder.card_product if holder else None),
        card_token=said.card_token,
        account_token=holder.account_token if holder else None,
        tip_minor=to_minor(said.tip or 0, said.currency),
        tax_minor=to_minor(said.tax or 0, said.currency),
        cash_back_minor=to_minor(said.cash_back or 0, said.currency),
        recorded_at=recorded_at,
        items=tuple([Item(item.product, to_minor(item.amount, said.currency)) for item in said.items]),
        posted_at=posted_at,
    )


def clues_of(said: PurchaseSaid) -> Clues:
    """What it says of where it was made."""
    return Clues(said.at, *SPOT(said))


def _content_hash(posted: Posted, purchase: Purchase) -> bytes:
    """A hash of what was said, however it was written (amounts as numbers or decimals, moments in any zone), not of what followed."""
    said = (
        posted.kind, posted.customer_id, purchase.at, purchase.amount_minor, purchase.currency, posted.merchant_id, posted.network,
        posted.network_merchant_id, posted.descriptor, posted.location_id, posted.mcc, posted.channel, posted.country, posted.region,
        posted.city, posted.card_product,
        purchase.tip_minor, purchase.tax_minor, purchase.cash_back_minor, posted.card_token, posted.sequence_count, posted.posted_at,
        posted.expires_at, posted.original_transaction_id,
        [tuple(item) for item in purchase.items],
    )  # fmt: skip
    return hashlib.sha256(orjson.dumps(said)).digest()
