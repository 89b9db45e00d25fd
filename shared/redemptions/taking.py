"""Taking messages into the history: what is new, what was said before, what contradicts it, and which histories change by it.

All that is known of a purchase is filed under the same offers: those in whose scope it falls by all that is known of it.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from typing import Final
from uuid import UUID

from events.payloads import Transaction as Posted
from shared.eligibility.life import Kind, purchase_of, purchases_of
from shared.eligibility.listings import Found
from shared.eligibility.matching import Catalogue
from shared.kernel.reasons import Reason
from shared.platform.call import Transaction
from shared.redemptions import history, store
from shared.redemptions.history import Key, Pair
from shared.redemptions.purchases import Arrival, Filed, Surroundings, clues_of, filed, said_of
from shared.redemptions.refunds import match_refunds
from shared.redemptions.routing import customer_of

NO_OFFERS: frozenset[UUID] = frozenset()
OF_MERCHANT: Final = ("merchant_id", "matched_by", "brand", "mcc", "zone", "country", "region")
"""What of a purchase follows from its merchant and place, some of it only where the purchase does not say it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """What messages do to the history: what is to be added, the histories that change, and which purchases are new to which offers."""

    fresh: list[Filed] = field(default_factory=list)
    touched: set[Pair] = field(default_factory=set)
    new: set[tuple[str, UUID]] = field(default_factory=set)
    anew: list[Filed] = field(default_factory=list)
    """What was on file and is matched to another merchant now."""


@dataclass(kw_only=True, slots=True)
class Life:
    """What is known of one purchase, what is new of it, and whether any of it was said again."""

    known: list[Filed] = field(default_factory=list)
    fresh: list[Filed] = field(default_factory=list)
    again: list[Filed] = field(default_factory=list)

    def match_anew(self) -> list[Filed]:
        """Match what was said again to the merchant that it names by now; what of the known changes by it.

        Where that is the same one, what it and its place told stays: of that no dates are known, and a repeat must not move money.
        """
        again = {one.message.key: one.message.said for one in self.again}
        changed = []
        for place, before in enumerate(self.known):
            said, now = before.message.said, again.get(before.message.key)
            if now and (now.merchant_id, now.matched_by) != (said.merchant_id, said.matched_by):
                said = replace(said, **{name: getattr(now, name) for name in OF_MERCHANT})
                self.known[place] = replace(before, message=replace(before.message, said=said))
                changed.append(self.known[place])
        return changed

    def offers(self, offers: Catalogue) -> frozenset[UUID]:
        """All the offers that the purchase is, or is now to be, filed under."""
        messages = (*self.known, *(self.fresh or self.again))
        before = frozenset(chain.from_iterable(filed.offers for filed in messages))
        if len(messages) == 1:
            return before
        together = purchase_of([filed.message for filed in (*self.known, *self.fresh)])
        return before | _ids(offers.candidates(together)) if together else before


Lives = dict[tuple[str | None, str | None], Life]
"""By customer and purchase."""


def take_in(tx: Transaction, posted: Sequence[Posted], known: Surroundings, offers: Catalogue) -> Taken:
    """Sort out what was posted and bring what is on file up to date; `fresh` is left to be added when it has been folded."""
    arrived = list(_arrivals(posted, known, offers, now=tx.now))
    if not arrived:
        return Taken()
    lives = _lives(tx, arrived)
    taken = _refile(tx, lives, offers)
    changed = {one.customer_id for one in (*taken.fresh, *taken.anew) if one.customer_id}
    with_loose = {one.customer_id for life in lives.values() for one in (*life.known, *life.fresh) if one.loose}
    match_loose(tx, taken, changed & with_loose)
    return taken


def take_anew(tx: Transaction, purchase_ids: Collection[str], offers: Catalogue) -> Taken:
    """Bring it up to date under which offers purchases are that are on file and changed."""
    lives: Lives = {}
    for one in history.read_lives(tx, purchase_ids, ()):
        life = lives.setdefault(one.life, Life())
        life.known.append(one)
        life.again.append(one)
    return _refile(tx, lives, offers)


def _refile(tx: Transaction, lives: Lives, offers: Catalogue) -> Taken:
    """File all that is known of each purchase under the same offers; what is fresh is left to be added."""
    taken = Taken()
    more: list[tuple[Key, UUID]] = []
    said = {key: life for key, life in lives.items() if life.fresh or life.again}  # of others the customer's shard may not be held
    forced = store.forced_purchases(tx, {purchase_id for _, purchase_id in said if purchase_id})
    for (customer_id, purchase_id), life in said.items():
        matched_anew = life.match_anew()
        taken.anew.extend(matched_anew)
        under = life.offers(offers) | forced.get((customer_id, purchase_id), NO_OFFERS)  # what is forced follows its purchase
        if not life.fresh and not matched_anew and all(under == known.offers for known in life.known):
            continue
        more += ((known.message.key, offer_id) for known in life.known for offer_id in under - known.offers)
        taken.fresh.extend(_file(life.fresh, under))
        if purchase_id is not None and customer_id is not None:
            taken.touched.update((customer_id, offer_id) for offer_id in under)
            before = life.known[0].offers if life.known else NO_OFFERS
            taken.new.update((purchase_id, offer_id) for offer_id in under - before)
    if more:
        history.file_under_more(tx, more)
    if taken.anew:
        history.match_anew(tx, taken.anew)
    return taken


def assign(tx: Transaction, customer_id: str, refund: Filed, purchase_id: str | None, under: frozenset[UUID]) -> Taken:
    """Let a customer's refund be for a purchase that is under these offers, as if it had named it, or (None) for none that concerns us.

    Refunds that name no purchase are matched anew with what is left.
    """
    unmatched = None if purchase_id else Reason.REFUND_NOT_OURS
    message = replace(refund.message, purchase_id=purchase_id)
    history.rematch(tx, [replace(refund, message=message, offers=under, loose=False, unmatched=unmatched)])
    taken = Taken(touched={(customer_id, offer_id) for offer_id in refund.offers | under})
    match_loose(tx, taken, {customer_id})
    return taken


def _arrivals(posted: Sequence[Posted], known: Surroundings, offers: Catalogue, *, now: datetime) -> Iterator[Arrival]:
    """What may concern us: purchases in the scope of some offer or once in it, all that may be about such a purchase, and nobody's yet."""
    said = [said_of(message, known, now=now) for message in posted]
    for message, purchase, found in zip(posted, said, offers.match(said), strict=True):
        under = NO_OFFERS if message.kind == Kind.REFUND.value else _ids(found)
        if under or message.kind != Kind.PURCHASE.value or _may_be_on_file(message, known):
            yield Arrival(message, filed(message, purchase, known, under))


def _may_be_on_file(purchase: Posted, known: Surroundings) -> bool:
    """Whether a purchase in no offer's scope may be on file, at another merchant of the same name, or is to be until it has a customer."""
    return known.merchants.speaks_of(clues_of(purchase)) or customer_of(purchase, purchase.customer_id, known.holders) is None


def _ids(found: Found) -> frozenset[UUID]:
    return frozenset([compiled.offer.offer_id for compiled in found])


def _lives(tx: Transaction, arrived: Collection[Arrival]) -> Lives:
    """The purchases of which messages came, each with what was known of it. What contradicts an earlier message is set aside."""
    ids = {of for one in arrived for of in (one.posted.transaction_id, one.filed.message.purchase_id) if of}
    known = history.read_lives(tx, ids, {one.filed.customer_id for one in arrived if one.filed.customer_id})
    lives: Lives = {}
    for before in known:
        lives.setdefault(before.life, Life()).known.append(before)
    first = {before.message.key: before for before in known}
    contradictions = []
    for one in arrived:
        said_before = first.setdefault(one.filed.message.key, one.filed)
        if said_before is one.filed:
            lives.setdefault(one.filed.life, Life()).fresh.append(one.filed)
        elif said_before.content_hash != one.filed.content_hash:
            contradictions.append(one)
        elif said_before.customer_id == one.filed.customer_id:
            lives[said_before.life].again.append(one.filed)
    if contradictions:
        history.set_aside(tx, contradictions, Reason.TRANSACTION_ID_REUSED)
    return lives


def _file(fresh: Iterable[Filed], under: frozenset[UUID]) -> list[Filed]:
    """Messages under these offers; those under none pass by, but for refunds: what they are for may come yet, and so may whose they are."""
    kept = (one for one in fresh if under or one.message.kind is Kind.REFUND or one.customer_id is None)
    return [one if one.offers == under else replace(one, offers=under) for one in kept]


def match_loose(tx: Transaction, taken: Taken, customer_ids: Collection[str]) -> None:
    """Match the refunds of these customers anew that name no purchase."""
    if not customer_ids:
        return
    of_customers: dict[str, list[Filed]] = {customer_id: [] for customer_id in customer_ids}
    for one in (*history.read_all(tx, customer_ids), *taken.fresh):
        if one.customer_id in of_customers:
            of_customers[one.customer_id].append(one)
    changed: dict[Key, Filed] = {}
    for customer_id, of_customer in of_customers.items():
        for before, after in _rematched(of_customer):
            taken.touched.update((customer_id, offer_id) for offer_id in before.offers | after.offers)
            changed[after.message.key] = after
    taken.fresh[:] = [changed.pop(one.message.key, one) for one in taken.fresh]
    if changed:
        history.rematch(tx, list(changed.values()))


def _rematched(of_customer: Collection[Filed]) -> Iterator[tuple[Filed, Filed]]:
    """Loose refunds whose match changes, as they were and as they are then."""
    firm = [one for one in of_customer if not one.loose]
    loose = [one for one in of_customer if one.loose]
    matched = match_refunds(purchases_of(one.message for one in firm), (one.message.said for one in loose))
    under = {one.message.purchase_id: one.offers for one in firm}
    for one in loose:
        found = matched[one.message.said.transaction_id]
        purchase_id, unmatched = (None, found) if isinstance(found, Reason) else (found, None)
        after = replace(
            one,
            message=replace(one.message, purchase_id=purchase_id),
            offers=under.get(purchase_id, NO_OFFERS) if purchase_id else NO_OFFERS,
            unmatched=unmatched,
        )
        if after != one:
            yield one, after
