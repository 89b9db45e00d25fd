"""Which of an offer's limited pots can't cover another reward, whatever is bought: for whoever shows offers to customers.

The pots and what they gave are those of admission, so what is told here is what a purchase would be refused for.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from shared.audiences import cards
from shared.eligibility.compile import CompiledOffer
from shared.kernel.reasons import Reason
from shared.platform.call import Transaction
from shared.redemptions import store
from shared.redemptions.pots import Given, Key, Left, SharedPot, Spent, shared_pots

MOST_MERCHANTS: Final = 100
"""Of an offer for more merchants it is not asked whether all of them have had their budgets."""


class UsedUp(NamedTuple):
    """Why an offer pays no more, and until when."""

    reason: Reason
    until: datetime | None
    """When the next day, month or period brings more; None where only what is given back would change it."""

    def lasts(self, end: datetime) -> bool:
        """Whether it is so until that moment."""
        return self.until is None or self.until >= end


class _OfOneKind(NamedTuple):
    """One kind of pot of an offer, those of the kind from one of which a purchase would take, and the least that it would."""

    pot: SharedPot
    keys: Collection[Key]
    asked: Given

    def used_up(self, given: Mapping[Key, Given]) -> bool:
        """Whether none of them covers it."""
        left: list[Left] = [self.pot.most.less(given[key]) for key in self.keys]
        return bool(left) and not any(one.covers(self.asked) for one in left)


def used_up(tx: Transaction, customer_id: str, least_minor: Mapping[CompiledOffer, int]) -> dict[UUID, list[UsedUp]]:
    """Which pots of offers can't cover a purchase that a customer makes now, wherever and with whichever of his cards; by offer.

    Told with each offer is the least that its next redemption would pay. Two statements at most, none where no offer has a pot.
    """
    pots = [(compiled, pot) for compiled in least_minor for pot in shared_pots(compiled) if pot.limited]
    if not pots:
        return {}
    accounts = cards.accounts(tx, customer_id) if any(pot.kind.by == "account" for _, pot in pots) else ()
    kinds = [_OfOneKind(pot, _keys(compiled, pot, accounts, tx.now), Given(1, least_minor[compiled])) for compiled, pot in pots]
    given = store.read_given(tx, {key: kind.pot for kind in kinds for key in kind.keys})
    found: dict[UUID, list[UsedUp]] = {}
    for kind in kinds:
        if kind.used_up(given):
            first = next(iter(kind.keys))
            found.setdefault(first.offer_id, []).append(UsedUp(kind.pot.kind.reason, first.stop))
    return found


def _keys(compiled: CompiledOffer, pot: SharedPot, accounts: Collection[str], at: datetime) -> Collection[Key]:
    """All pots of one kind that purchases at a moment may take from; none where that can't be told beforehand."""
    offer_id = compiled.offer.offer_id
    if pot.kind.by == "account":
        spent = [Spent(offer_id, at, None, account) for account in accounts]
    elif pot.kind.by == "merchant":
        spent = [Spent(offer_id, at, merchant, None) for merchant in _merchants(compiled, at)]
    else:
        spent = [Spent(offer_id, at, None, None)]
    return [key for one in spent if (key := pot.key_of(one))]


def _merchants(compiled: CompiledOffer, at: datetime) -> Collection[str]:
    """The merchants that an offer is for, where it names them and they are few."""
    merchants = compiled.version_at(at).scope.merchants
    named = (merchants.include or frozenset()) - merchants.exclude
    return named if len(named) <= MOST_MERCHANTS else ()
