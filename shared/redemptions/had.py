"""What a customer has had of offers, by the fold of all that is known now: for whoever shows offers to customers.

What is on record tells too little: what was forced uses up none of the customer's limits, and what was refunded may go on using them up.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from shared.eligibility.compile import CompiledOffer
from shared.eligibility.fold import Used
from shared.eligibility.matching import Catalogue
from shared.eligibility.stacking import JointFold, Member
from shared.platform.call import Transaction
from shared.platform.database import exactly_one, joined
from shared.redemptions.store import SQL
from shared.redemptions.verdicts import Facts, all_of, facts_of_row, history_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Had:
    """What a customer has had of one offer."""

    used: Used = field(default_factory=Used)
    """Over all grants: what uses up the customer's limits."""
    completions: Mapping[UUID, int] = field(default_factory=dict)
    """How often each grant was completed; grants that were not may be left out."""

    def before(self, at: datetime) -> list[datetime]:
        """The moments, in order, of the redemptions up to a moment that use up the customer's limits."""
        return [moment for moment in self.used.moments if moment <= at]


NOTHING_HAD: Final = Had()


def had(tx: Transaction, customer_id: str, offer_ids: Collection[UUID], known: Catalogue) -> dict[UUID, Had]:
    """What a customer has had of offers, by offer, of those that are known. One statement; none where nothing is asked."""
    wanted = [known.with_rivals(compiled) for offer_id in offer_ids if (compiled := known.get(offer_id))]
    if not wanted:
        return {}
    facts = _read(tx, customer_id, all_of(wanted))
    members = {compiled: Member(compiled, history_of(compiled, facts)) for compiled in all_of(wanted)}
    return {together[0].offer.offer_id: _folded([members[compiled] for compiled in together]) for together in wanted}


def _read(tx: Transaction, customer_id: str, offers: Collection[CompiledOffer]) -> Facts:
    offer_ids = joined(compiled.offer.offer_id for compiled in offers)
    nothing = {"transaction_ids": "", "campaign_ids": "", "pots": ""}
    return facts_of_row(exactly_one(tx.connection, SQL["read_eligibility"], customer_ids=customer_id, offer_ids=offer_ids, **nothing))


def _folded(members: list[Member]) -> Had:
    """The first of these offers, folded with the others."""
    joint = JointFold(members)
    joint.take([member.history.purchases for member in members])
    fold = joint.folds[0]
    return Had(used=fold.used, completions={standing.grant_id: standing.completions for standing in fold.progress()})
