"""Would this purchase earn, and why: the fold with a purchase that may not have happened, in one read of the database."""

from asyncio import to_thread
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from events.payloads import PurchaseSaid
from shared.eligibility.matching import Catalogue
from shared.eligibility.model import Purchase
from shared.kernel.errors import CloError, Invalid, NotFound
from shared.merchants.at_hand import Kept, look_up_and_keep
from shared.merchants.at_hand import at_hand as merchants_at_hand
from shared.offers.catalogue import at_hand as offers_at_hand
from shared.offers.catalogue import catalogue
from shared.offers.model import Revisions
from shared.platform.call import Call, Transaction
from shared.platform.database import joined
from shared.redemptions.eligibility_api import NOBODYS_CARD, AboutPurchase, Eligibility, EligibilityAsked
from shared.redemptions.past import look_back
from shared.redemptions.purchases import Surroundings, clues_of, purchase_of
from shared.redemptions.rehearsal import pots_of
from shared.redemptions.routing import Holders, customer_of, holders_of
from shared.redemptions.store import SQL, told
from shared.redemptions.verdicts import NO_SUCH_OFFER, Facts, Together, all_of, answer, budgets_of, facts_of_row, in_order

Answers = list[Eligibility | CloError]
NOBODY: Final = "-"
"""No customer's id: none begins so."""
NOBODYS: Final[Holders] = {}


async def check_eligibility(call: Call, body: EligibilityAsked) -> Eligibility:
    """Judge a purchase at its own moment, by what is known now or was known then: verdict, every rule with its values, reasons.

    One on record is asked for by its id: what was decided when it became known, what came of it, and what would be decided now.
    """
    (answer,) = await check_together(call, [body])
    if isinstance(answer, CloError):
        raise answer
    return answer


async def check_together(call: Call, bodies: Sequence[EligibilityAsked]) -> Answers:
    """Answer several questions: those about a purchase as things stand with one read of the database, those that look back one by one."""
    plain = [body.about if body.as_of is None else None for body in bodies]
    answers = iter(await _check_now(call, [about for about in plain if about]))
    return [next(answers) if about else await _look_back(call, body) for about, body in zip(plain, bodies, strict=True)]


async def _look_back(call: Call, body: EligibilityAsked) -> Eligibility | CloError:
    try:
        return await to_thread(look_back, call, body)
    except CloError as error:  # an answer to this question; the others have theirs
        return error


async def _check_now(call: Call, asked: Sequence[AboutPurchase]) -> Answers:
    if not asked:
        return []
    said = [about.purchase for about in asked]
    offers, merchants, holders = offers_at_hand(call.database), merchants_at_hand(call.database), NOBODYS
    if any(purchase.card_token for purchase in said) or not merchants.book.covers(map(clues_of, said)):
        merchants, holders = await to_thread(_around, call, said)
    questions = _questions(call, asked, offers.catalogue, Surroundings.of(merchants.book, holders))
    facts = await _read(call, questions)
    revisions = Revisions(offers=facts[0]["offers_revision"], campaigns=facts[0]["campaigns_revision"])
    if not offers.covers(revisions) or merchants.revision != facts[0]["merchants_revision"]:
        questions = _questions(call, asked, *await to_thread(_as_new_as_the_database, call, said))
        facts = await _read(call, questions)
    return [_answer(question, about) for question, about in zip(questions, facts, strict=True)]


class _Question(NamedTuple):
    """Whom it is about, the purchase, and the offers that it is held against, each with those that it must be folded with."""

    asked: AboutPurchase
    customer_id: str | None
    """None where it is to follow from the card, and that is nobody's."""
    purchase: Purchase
    wanted: Sequence[Together]
    now: datetime


def _questions(call: Call, asked: Sequence[AboutPurchase], offers: Catalogue, known: Surroundings) -> list[_Question]:
    now = call.clock.now()
    return [_question(about, known, offers, now) for about in asked]


def _question(asked: AboutPurchase, known: Surroundings, offers: Catalogue, now: datetime) -> _Question:
    customer_id = customer_of(asked.purchase, asked.customer_id, known.holders)
    purchase = purchase_of(asked.purchase, known, recorded_at=now)
    return _Question(asked, customer_id, purchase, _wanted(offers, asked.offer_id, purchase), now)


def _around(call: Call, asked: Sequence[PurchaseSaid]) -> tuple[Kept, Holders]:
    with call.reading() as tx:
        return _kept_around(tx, asked)


def _as_new_as_the_database(call: Call, asked: Sequence[PurchaseSaid]) -> tuple[Catalogue, Surroundings]:
    with call.reading() as tx:
        merchants, holders = _kept_around(tx, asked)
        return catalogue(tx), Surroundings.of(merchants.book, holders)


def _kept_around(tx: Transaction, asked: Sequence[PurchaseSaid]) -> tuple[Kept, Holders]:
    return look_up_and_keep(tx, [clues_of(purchase) for purchase in asked]), holders_of(tx, asked)


def _wanted(offers: Catalogue, offer_id: UUID | None, purchase: Purchase) -> list[Together]:
    named = offers.get(offer_id) if offer_id else None
    wanted = in_order(offers.candidates(purchase)) if offer_id is None else [named] if named else []
    return [offers.with_rivals(compiled) for compiled in wanted]


async def _read(call: Call, questions: Sequence[_Question]) -> list[Facts]:
    """All that the verdicts depend on, in one statement."""
    offers = [all_of(question.wanted) for question in questions]
    values = {
        "customer_ids": joined(question.customer_id or NOBODY for question in questions),
        "transaction_ids": joined(question.purchase.transaction_id for question in questions),
        "offer_ids": ";".join(joined(compiled.offer.offer_id for compiled in asked) for asked in offers),
        "campaign_ids": ";".join(joined(budgets_of(asked)) for asked in offers),
        "pots": ";".join(told(pots_of(asked, question.purchase)) for asked, question in zip(offers, questions, strict=True)),
    }
    async with call.database.connection_to_loop() as connection:
        found = await (await connection.execute(SQL["read_eligibility"], values, prepare=True)).fetchall()
    return list(map(facts_of_row, found))


def _answer(question: _Question, facts: Facts) -> Eligibility | CloError:
    asked, customer_id, purchase, wanted, now = question
    if customer_id is None:
        return Invalid(problems=(NOBODYS_CARD,))
    if asked.offer_id and not wanted:
        return NotFound(NO_SUCH_OFFER)
    return answer(customer_id, wanted, facts, purchase, now)
