"""Taking messages into the history: what is new, what was said before, what contradicts it, and which histories change by it.

All that is known of a purchase is filed under the same offers: those in whose scope it falls by all that is known of it.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from events.payloads import FileOrigin, MessageNamed
from events.payloads import Transaction as Posted
from shared.eligibility.life import Kind, purchases_of
from shared.eligibility.matching import Catalogue
from shared.kernel.reasons import Reason
from shared.platform.call import Transaction
from shared.redemptions import history, store
from shared.redemptions.history import Key, Pair
from shared.redemptions.holding import Held
from shared.redemptions.lives import Life, Lives, hear_all, ids_of, refunds_apart
from shared.redemptions.purchases import Arrival, Filed, Surroundings, filed, said_of
from shared.redemptions.refunds import match_refunds
from shared.redemptions.routing import customer_of
from shared.redemptions.words import Tellers, tellers_of, without

NO_OFFERS: frozenset[UUID] = frozenset()
MANY: Final = 10
"""With more offers a purchase than that it is quicker to ask what its customer holds than to look for a grant of each of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """What messages do to the history: what is to be added, the histories that change, and which purchases are new to which offers."""

    fresh: list[Filed] = field(default_factory=list)
    touched: set[Pair] = field(default_factory=set)
    new: set[tuple[str, UUID]] = field(default_factory=set)
    anew: list[Filed] = field(default_factory=list)
    """What was on file and is matched to another merchant now."""
    left: list[Filed] = field(default_factory=list)
    """What was on file and is told otherwise now, or not at all."""
    apart: set[str] = field(default_factory=set)
    """Cards of refunds that are with another customer than the purchase that they name."""


class Changed(NamedTuple):
    """A purchase of which something is new: the offers that it is under, and those that it was under before."""

    customer_id: str
    purchase_id: str
    under: frozenset[UUID]
    before: frozenset[UUID]


def take_in(
    tx: Transaction, posted: Sequence[Posted], known: Surroundings, offers: Catalogue, held: Held, origin: FileOrigin | None = None
) -> Taken:
    """Sort out what was posted and bring what is on file up to date; `fresh` is left to be added when it has been folded.

    `origin`: the file that told it. Raises NotHeld where what it tells otherwise is of a shard that is not held.
    """
    arrived = list(_arrivals(posted, known, offers, origin, now=tx.now))
    if not arrived:
        return Taken()
    lives = hear_all(tx, arrived, origin, held)
    taken = replace(_refile(tx, lives, offers), apart=refunds_apart(lives))
    changed = {one.customer_id for one in (*taken.fresh, *taken.anew) if one.customer_id}
    with_loose = {one.customer_id for life in lives.values() for one in (*life.known, *life.fresh) if one.loose}
    match_loose(tx, taken, changed & with_loose | _concerned(lives))
    return taken


def take_back(tx: Transaction, named: Sequence[MessageNamed], later: FileOrigin, offers: Catalogue, held: Held) -> Taken:
    """Withdraw messages that a file tells no more in a later revision, and nobody else tells in the same words.

    Raises NotHeld where one is of a shard that is not held.
    """
    keys = {(one.transaction_id, one.kind, one.sequence) for one in named}
    retold: dict[Key, Tellers] = {}
    gone: list[Filed] = []
    lives: Lives = {}
    for one in history.read_lives(tx, {key[0] for key in keys}, ()):
        life = lives.setdefault(one.life, Life())
        left = without(one.told_by, later) if one.message.key in keys else one.told_by
        if left == {}:
            held.require(one.whose)
            gone.append(replace(one, offers=NO_OFFERS, loose=False, expires_at=None, told_by=None, withdrawn=True))
            life.left.append(one)
            continue
        life.known.append(one)
        if left != one.told_by:
            retold[one.message.key] = left
    if retold:
        history.retell(tx, retold)
    if gone:
        history.restate(tx, gone)
    taken = _refile(tx, lives, offers)
    match_loose(tx, taken, _concerned(lives))
    return taken


def _concerned(lives: Lives) -> set[str]:
    """The customers of whom something was told otherwise, or no more: those who had it, and those who have it now."""
    return {one.customer_id for life in lives.values() for one in (*life.restated, *life.left) if one.customer_id}


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
    restated: list[Filed] = []
    changed: list[Changed] = []
    said = {key: life for key, life in lives.items() if life.is_spoken_of}  # of others the customer's shard may not be held
    forced = store.forced_purchases(tx, {purchase_id for _, purchase_id in said if purchase_id})
    for (customer_id, purchase_id), life in said.items():
        matched_anew = life.match_anew()
        taken.anew.extend(matched_anew)
        before = life.under_before
        under = life.offers(offers) | forced.get((customer_id, purchase_id), NO_OFFERS)  # what is forced follows its purchase
        told_otherwise = bool(life.fresh or life.restated or life.left)
        if not told_otherwise and not matched_anew and all(under == known.offers for known in life.known):
            continue
        more += ((known.message.key, offer_id) for known in life.known for offer_id in under - known.offers)
        taken.fresh.extend(_file(life.fresh, under))
        restated.extend(replace(one, offers=under) for one in life.restated)
        taken.left.extend(life.left)
        if customer_id is not None:
            taken.touched.update((customer_id, offer_id) for one in life.left for offer_id in one.offers)
            if purchase_id is not None:
                changed.append(Changed(customer_id, purchase_id, under, before))
    _touch(tx, taken, changed)
    if restated:
        history.restate(tx, restated)
    if more:
        history.file_under_more(tx, more)
    if taken.anew:
        history.match_anew(tx, taken.anew)
    return taken


def _touch(tx: Transaction, taken: Taken, changed: Sequence[Changed]) -> None:
    """Note the histories that change. Where purchases fall under many offers each, these are only those of grants that there are."""
    many = sum(len(one.under) for one in changed) > MANY * len(changed)
    held = store.read_held(tx, {one.customer_id for one in changed}) if many else {}
    for one in changed:
        under = one.under.intersection(held.get(one.customer_id, ())) if many else one.under
        taken.touched.update((one.customer_id, offer_id) for offer_id in under)
        taken.new.update((one.purchase_id, offer_id) for offer_id in under - one.before)


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


def _arrivals(
    posted: Sequence[Posted], known: Surroundings, offers: Catalogue, origin: FileOrigin | None, *, now: datetime
) -> Iterator[Arrival]:
    """What may concern us: purchases in the scope of some offer or once in it, all that may be about such a purchase, and nobody's yet."""
    said = [said_of(message, known, now=now) for message in posted]
    told_by, is_revision = tellers_of(origin), origin is not None and origin.revision > 1
    for message, purchase, found in zip(posted, said, offers.match(said), strict=True):
        under = NO_OFFERS if message.kind == Kind.REFUND.value else ids_of(found)
        if under or is_revision or message.kind != Kind.PURCHASE.value or _may_be_on_file(message, known):
            yield Arrival(message, filed(message, purchase, known, under, told_by))


def _may_be_on_file(purchase: Posted, known: Surroundings) -> bool:
    """Whether a purchase in no offer's scope may be on file, at another merchant of the same name, or is to be until it has a customer."""
    return known.spot_of(purchase).has_aliases or customer_of(purchase, purchase.customer_id, known.holders) is None


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


def unmatch(tx: Transaction, nobodys: Collection[Filed]) -> None:
    """Refunds that name no purchase are for none once they are nobody's."""
    changed = [after for _, after in _rematched([one for one in nobodys if one.loose])]
    if changed:
        history.rematch(tx, changed)


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
