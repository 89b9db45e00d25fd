"""Looking back: would this purchase have earned by what was known at a moment, and what was decided about one on record.

Two times are told apart: when something happened decides what it means, when it was recorded decides whether it was known. The fold is the
same, of what had been recorded by then; nothing needs to have been stored of a purchase that earned nothing.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import chain
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import DictRow

from events.payloads import Transaction as Posted
from shared.eligibility import wording
from shared.eligibility.compile import CompiledOffer
from shared.eligibility.life import Kind, Message
from shared.eligibility.life import purchase_of as life_of
from shared.eligibility.model import Purchase
from shared.kernel.errors import Invalid, NotFound, Problem
from shared.offers.catalogue import Snapshot, snapshot
from shared.platform.call import Call, Transaction
from shared.platform.database import joined, prepared
from shared.redemptions import record
from shared.redemptions.eligibility_api import NOBODYS_CARD, AboutPurchase, Eligibility, EligibilityAsked
from shared.redemptions.history import message_of_row
from shared.redemptions.purchases import filed, purchase_of, said_of, surroundings
from shared.redemptions.rehearsal import Keys, pots_of
from shared.redemptions.routing import customer_of
from shared.redemptions.store import SQL, told
from shared.redemptions.verdicts import NO_SUCH_OFFER, Facts, Together, all_of, answer, budgets_of, facts_of_row, in_order

WITHDRAWN = "The purchase was withdrawn {at}: a later revision of its file tells it no more. Ask as of an earlier moment."
NOT_ON_RECORD = "No purchase of this id is on record: those in the scope of no offer are not kept. Tell its facts to have it judged."


def look_back(call: Call, asked: EligibilityAsked) -> Eligibility:
    """Judge a purchase by what was known at a moment, or one on record as it was decided and as it would be decided.

    Raises Invalid for a moment in the future, NotFound where no such offer or purchase was known.
    """
    with call.reading() as tx:
        as_of = asked.as_of or tx.now
        if as_of > tx.now:
            raise Invalid(problems=(Problem(path="/as_of", message="must not be in the future"),))
        if asked.about:
            return _of_facts(tx, asked.about, as_of)
        return _of_messages(tx, asked.messages, asked.offer_id, as_of) if asked.messages else _of_record(tx, asked, as_of)


def judge_as_of(tx: Transaction, customer_id: str | None, purchase: Purchase, offer_id: UUID | None, as_of: datetime) -> Eligibility:
    """The verdicts on a purchase, by what was known at a moment, under one offer or all. Raises Invalid where it is nobody's."""
    if customer_id is None:
        raise Invalid(problems=(NOBODYS_CARD,))
    wanted = _wanted(snapshot(tx), {offer_id} if offer_id else None, purchase, as_of)
    if offer_id and not wanted:
        raise NotFound(NO_SUCH_OFFER)
    pots = pots_of(all_of(wanted), purchase)
    (facts,) = _facts(tx, customer_id, purchase.transaction_id, wanted, pots, [as_of])
    return answer(customer_id, wanted, facts, purchase, as_of)


def _of_facts(tx: Transaction, about: AboutPurchase, as_of: datetime) -> Eligibility:
    known = surroundings(tx, [about.purchase], as_of=as_of)
    customer_id = customer_of(about.purchase, about.customer_id, known.holders)
    return judge_as_of(tx, customer_id, purchase_of(about.purchase, known, recorded_at=as_of), about.offer_id, as_of)


def _of_messages(tx: Transaction, posted: Sequence[Posted], offer_id: UUID | None, as_of: datetime) -> Eligibility:
    """A purchase as it would be if these messages came too. Raises NotFound where they tell of none that is known."""
    known = surroundings(tx, posted, as_of=as_of)
    customer_id = customer_of(posted[0], posted[0].customer_id, known.holders)
    said = [filed(one, said_of(one, known, now=as_of), known, frozenset()).message for one in posted]
    on_file = [message for message, _ in _messages(tx, posted[0].purchase_id, customer_id, as_of)]
    purchase = life_of([*on_file, *said]) if posted[0].purchase_id else None
    if purchase is None:
        raise NotFound("The messages are refunds of no purchase that is on record.")
    return judge_as_of(tx, customer_id, purchase, offer_id, as_of)


def _of_record(tx: Transaction, asked: EligibilityAsked, as_of: datetime) -> Eligibility:
    """Both decisions on a purchase: the one when it became known, and the one by what is known now; and what lies between them."""
    made = _find(tx, asked, as_of)
    offers, moments = snapshot(tx), (made.recorded_at, as_of)
    wanted = [_wanted(offers, made.offer_ids, made.purchase, moment) for moment in moments]
    facts = _facts(tx, made.customer_id, made.purchase.transaction_id, chain.from_iterable(wanted), {}, moments)
    then, now = (
        answer(made.customer_id, under, known, purchase, moment, as_recorded=True)
        for under, known, purchase, moment in zip(wanted, facts, (made.first, made.purchase), moments, strict=True)
    )
    if asked.offer_id and not now.verdicts:
        raise NotFound(NO_SUCH_OFFER)
    others = [message for message, _ in facts[-1]["transactions"] if message.purchase_id != made.purchase.transaction_id]
    return now.model_copy(update={"record": record.read(tx, made.purchase, [*made.messages, *others], now, then)})


class _Made(NamedTuple):
    """A purchase on record with all that was said of it, since when it is known as his, and the offers that it is held against."""

    customer_id: str
    messages: list[Message]
    purchase: Purchase
    first: Purchase
    """As it was known when it became known."""
    recorded_at: datetime
    offer_ids: frozenset[UUID]


def _find(tx: Transaction, asked: EligibilityAsked, as_of: datetime) -> _Made:
    """The purchase of an id, or the one that a refund of that id is for, as it was known at a moment. Raises NotFound."""
    found = _messages(tx, asked.transaction_id, asked.customer_id, as_of)
    if all(message.kind is Kind.REFUND for message, _ in found):
        mine = (message for message, _ in found if message.said.transaction_id == asked.transaction_id)  # not a refund of the refund
        refunded = next((message.purchase_id for message in mine if message.purchase_id), None)
        found = _messages(tx, refunded, asked.customer_id, as_of) if refunded else []
    messages = [message for message, _ in found]
    purchase = life_of(messages) if messages else None
    if purchase is None:
        raise NotFound(_not_on_record(tx, asked.transaction_id, as_of))
    since = min(row["since"] for message, row in found if message.kind is not Kind.REFUND)
    under = {asked.offer_id} if asked.offer_id else {offer_id for _, row in found for offer_id in row["offers"]}
    customer_id = found[0][1]["customer_id"]
    filed_anew = any(row["filed_at"] and row["filed_at"] > since for _, row in found)
    first = [message for message, _ in _messages(tx, purchase.transaction_id, customer_id, since)] if filed_anew else []
    return _Made(customer_id, messages, purchase, (life_of(first) if first else None) or purchase, since, frozenset(under))


def _not_on_record(tx: Transaction, transaction_id: str | None, as_of: datetime) -> str:
    """Why no purchase of an id stands at a moment."""
    withdrawn = prepared(tx.connection, SQL["read_withdrawn"], transaction_id=transaction_id, as_of=as_of)
    return WITHDRAWN.format(at=wording.moment(withdrawn[0]["at"])) if withdrawn else NOT_ON_RECORD


def _messages(tx: Transaction, transaction_id: str | None, customer_id: str | None, as_of: datetime) -> list[tuple[Message, DictRow]]:
    values = {"transaction_id": transaction_id, "customer_id": customer_id, "as_of": as_of}
    return [(message_of_row(row), row) for row in prepared(tx.connection, SQL["read_messages_as_of"], **values)]


def _wanted(offers: Snapshot, named: Collection[UUID] | None, purchase: Purchase, as_of: datetime) -> list[Together]:
    """The offers of these ids, or all that the purchase is for, as they were known at a moment, each with those that it is folded with."""
    asked = [compiled.offer.offer_id for compiled in offers.catalogue if _ever_held(compiled, purchase)] if named is None else named
    known = offers.as_of(asked, as_of)
    wanted = [compiled for compiled in filter(None, map(known.get, asked)) if named is not None or compiled.may_hold(purchase)]
    return [known.with_rivals(compiled) for compiled in in_order(wanted)]


def _ever_held(compiled: CompiledOffer, purchase: Purchase) -> bool:
    """Whether any version has the purchase in scope: at the moment in question another one may have been the one in force."""
    return any(version.in_scope(purchase) for version in compiled.versions)


def _facts(
    tx: Transaction, customer_id: str, transaction_id: str, wanted: Iterable[Together], pots: Keys, moments: Collection[datetime]
) -> list[Facts]:
    """All that verdicts about a customer depend on, as it was known at each of these moments, in one statement."""
    offers = all_of(wanted)
    values = {
        "customer_id": customer_id,
        "transaction_id": transaction_id,
        "offer_ids": joined(compiled.offer.offer_id for compiled in offers),
        "campaign_ids": joined(budgets_of(offers)),
        "pots": told(pots),
        "moments": list(moments),
    }
    return list(map(facts_of_row, prepared(tx.connection, SQL["read_eligibility_as_of"], **values)))
