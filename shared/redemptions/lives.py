"""Lives of purchases, as messages arrive: what is new of each, what is said again, what is told otherwise, what contradicts what stands."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Final
from uuid import UUID

from events.payloads import FileOrigin
from shared.eligibility.life import Kind, purchase_of
from shared.eligibility.listings import Found
from shared.eligibility.matching import Catalogue
from shared.kernel.reasons import Reason
from shared.platform.call import Transaction
from shared.redemptions import history
from shared.redemptions.history import Key
from shared.redemptions.holding import Held
from shared.redemptions.purchases import Arrival, Filed
from shared.redemptions.words import Tellers, Word, hear

OF_MERCHANT: Final = ("merchant_id", "matched_by", "brand", "mcc", "zone", "country", "region")
"""What of a purchase follows from its merchant and place, some of it only where the purchase does not say it."""


@dataclass(kw_only=True, slots=True)
class Life:
    """What is known of one purchase, what is new of it, and whether any of it was said again or is told otherwise."""

    known: list[Filed] = field(default_factory=list)
    fresh: list[Filed] = field(default_factory=list)
    again: list[Filed] = field(default_factory=list)
    restated: list[Filed] = field(default_factory=list)
    """What of it was on file and is told otherwise now."""
    left: list[Filed] = field(default_factory=list)
    """What was told of it before that was restated or withdrawn, as it was."""

    @property
    def is_spoken_of(self) -> bool:
        """Whether anything is said of it, or no more."""
        return bool(self.fresh or self.again or self.restated or self.left)

    @property
    def under_before(self) -> frozenset[UUID]:
        """The offers that it was filed under."""
        return frozenset(chain.from_iterable(one.offers for one in (*self.known, *self.left)))

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
        messages = (*self.known, *self.restated, *(self.fresh or self.again))
        before = frozenset(chain.from_iterable(filed.offers for filed in messages))
        if len(messages) <= 1:
            return before
        together = purchase_of([filed.message for filed in (*self.known, *self.restated, *self.fresh)])
        return before | ids_of(offers.candidates(together)) if together else before


Lives = dict[tuple[str | None, str | None], Life]
"""By customer and purchase."""


@dataclass(kw_only=True, slots=True)
class _Heard:
    """What came of messages that arrived."""

    stands: dict[Key, Filed]
    """The word that stands of each message."""
    fresh: list[Filed] = field(default_factory=list)
    again: list[tuple[Filed, Filed]] = field(default_factory=list)
    """What stood, and what said the same."""
    instead: set[Key] = field(default_factory=set)
    retold: dict[Key, Tellers] = field(default_factory=dict)
    aside: list[Arrival] = field(default_factory=list)


def hear_all(tx: Transaction, arrived: Collection[Arrival], origin: FileOrigin | None, held: Held) -> Lives:
    """The purchases of which messages came, each with what was known of it. What contradicts a word that stands is set aside.

    Raises NotHeld where what is told otherwise is of a shard that is not held.
    """
    ids = {of for one in arrived for of in (one.posted.transaction_id, one.filed.message.purchase_id) if of}
    known = history.read_lives(tx, ids, {one.filed.customer_id for one in arrived if one.filed.customer_id}, withdrawn=True)
    heard = _hear(known, arrived, origin, held)
    if heard.aside:
        history.set_aside(tx, heard.aside, Reason.TRANSACTION_ID_REUSED, origin)
    if heard.retold:
        history.retell(tx, heard.retold)
    return _lives(known, heard)


def _hear(known: Iterable[Filed], arrived: Iterable[Arrival], origin: FileOrigin | None, held: Held) -> _Heard:
    heard = _Heard(stands={before.message.key: before for before in known})
    for one in arrived:
        key = one.filed.message.key
        stood = heard.stands.setdefault(key, one.filed)
        if stood is one.filed:
            heard.fresh.append(one.filed)
            continue
        same = stood.content_hash == one.filed.content_hash
        word, tellers = hear(stood.told_by, origin, same=same, withdrawn=stood.withdrawn)
        if word is Word.INSTEAD:
            held.require(stood.whose)
            heard.instead.add(key)
            heard.stands[key] = _known_since(stood, one.filed)
            continue
        if tellers != stood.told_by:
            heard.retold[key] = tellers
            heard.stands[key] = replace(stood, told_by=tellers)
        if word is Word.ASIDE:
            heard.aside.append(one)
        elif stood.customer_id == one.filed.customer_id:
            heard.again.append((stood, one.filed))
    return heard


def _lives(known: Iterable[Filed], heard: _Heard) -> Lives:
    lives: Lives = {}
    for before in known:
        stands = heard.stands[before.message.key]
        if before.message.key in heard.instead:
            lives.setdefault(stands.life, Life()).restated.append(stands)
            if not before.withdrawn:
                lives.setdefault(before.life, Life()).left.append(before)
        elif not before.withdrawn:
            lives.setdefault(stands.life, Life()).known.append(stands)
    for one in heard.fresh:
        lives.setdefault(one.life, Life()).fresh.append(one)
    for stood, again in heard.again:
        lives[stood.life].again.append(again)
    return lives


def refunds_apart(lives: Lives) -> set[str]:
    """The cards of refunds that name no customer, and are with another than the purchase that they name."""
    refunds: list[Filed] = []
    buyers: dict[str | None, set[str | None]] = {}
    for life in lives.values():
        for one in chain(life.known, life.fresh, life.restated):
            if one.message.kind is not Kind.REFUND:
                buyers.setdefault(one.message.purchase_id, set()).add(one.customer_id)
            elif one.by_card and not one.loose:
                refunds.append(one)
    return {str(one.card_token) for one in refunds if buyers.get(one.message.purchase_id, set()) - {one.customer_id}}


def _known_since(before: Filed, after: Filed) -> Filed:
    """What is told otherwise: known since the first word of it came, and under all offers that it was under."""
    said = replace(after.message.said, recorded_at=before.message.said.recorded_at)
    return replace(after, message=replace(after.message, said=said), offers=before.offers | after.offers)


def ids_of(found: Found) -> frozenset[UUID]:
    """The offers that were found."""
    return frozenset([compiled.offer.offer_id for compiled in found])
