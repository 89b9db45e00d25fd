"""Would this purchase have earned by what was known at a moment: the same fold of what had been recorded by then.

Two times are told apart: when something happened decides what it means, when it was recorded decides whether it was known.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from uuid import UUID

from shared.eligibility.compile import CompiledOffer
from shared.eligibility.matching import Catalogue
from shared.eligibility.model import Purchase
from shared.kernel.errors import Invalid, NotFound, Problem
from shared.offers.catalogue import offers_as_of
from shared.platform.call import Call, Transaction
from shared.platform.database import exactly_one, joined
from shared.redemptions.eligibility_api import NOBODYS_CARD, Eligibility, EligibilityAsked
from shared.redemptions.purchases import purchase_of, surroundings
from shared.redemptions.routing import customer_of
from shared.redemptions.store import SQL
from shared.redemptions.verdicts import NO_SUCH_OFFER, Facts, all_of, answer, budgets_of, in_order


def check_as_of(call: Call, asked: EligibilityAsked) -> Eligibility:
    """Judge a purchase by what was known at a moment. Raises Invalid for one in the future, NotFound where the offer was not known."""
    with call.reading() as tx:
        as_of = asked.as_of or tx.now
        if as_of > tx.now:
            raise Invalid(problems=(Problem(path="/as_of", message="must not be in the future"),))
        around = surroundings(tx, [asked.purchase], as_of=as_of)
        customer_id = customer_of(asked.purchase, asked.customer_id, around.holders)
        if customer_id is None:
            raise Invalid(problems=(NOBODYS_CARD,))
        purchase = purchase_of(asked.purchase, around, recorded_at=as_of)
        wanted = _wanted(asked.offer_id, purchase)
        known = Catalogue.of(offers_as_of(tx, as_of, lambda compiled: bool(compiled.groups) or wanted(compiled)))
        together = [known.with_rivals(compiled) for compiled in in_order(filter(wanted, known))]
        if asked.offer_id and not together:
            raise NotFound(NO_SUCH_OFFER)
        return answer(customer_id, together, facts_as_of(tx, customer_id, all_of(together), as_of), purchase, as_of)


def facts_as_of(tx: Transaction, customer_id: str, offers: Collection[CompiledOffer], as_of: datetime) -> Facts:
    """All that verdicts about a customer depend on, as it was known at a moment, in one statement."""
    return exactly_one(
        tx.connection,
        SQL["read_eligibility_as_of"],
        customer_id=customer_id,
        offer_ids=joined(compiled.offer.offer_id for compiled in offers),
        campaign_ids=joined(budgets_of(offers)),
        as_of=as_of,
    )


def _wanted(offer_id: UUID | None, purchase: Purchase) -> Callable[[CompiledOffer], bool]:
    if offer_id is not None:
        return lambda compiled: compiled.offer.offer_id == offer_id
    return lambda compiled: compiled.may_hold(purchase)
