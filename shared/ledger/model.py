"""Accounts, the steps that money takes between them, and what must always hold."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final
from uuid import UUID


class Kind(Enum):
    """What an account holds. All but funding exist once for each campaign."""

    FUNDING = "funding"  # where approved budgets come from; one for each currency
    AVAILABLE = "available"  # approved and free to be promised
    RESERVED = "reserved"  # promised, not yet earned
    PAYABLE = "payable"  # earned by customers and owed to them
    PAID = "paid"  # credited to their cards


class Step(Enum):
    """One kind of movement."""

    APPROVE = "approve"
    WITHDRAW = "withdraw"
    RESERVE = "reserve"
    POST = "post"
    VOID = "void"
    EXPIRE = "expire"
    PAY = "pay"
    REVERSE = "reverse"


ROUTES: Final = {
    Step.APPROVE: (Kind.FUNDING, Kind.AVAILABLE),
    Step.WITHDRAW: (Kind.AVAILABLE, Kind.FUNDING),
    Step.RESERVE: (Kind.AVAILABLE, Kind.RESERVED),
    Step.POST: (Kind.RESERVED, Kind.PAYABLE),
    Step.VOID: (Kind.RESERVED, Kind.AVAILABLE),
    Step.EXPIRE: (Kind.RESERVED, Kind.AVAILABLE),
    Step.PAY: (Kind.PAYABLE, Kind.PAID),
    Step.REVERSE: (Kind.PAYABLE, Kind.AVAILABLE),
}
"""From which account (debited) each step takes and to which (credited) it gives."""

MARKS: Final = {step: number << 32 for number, step in enumerate(Step, start=1)}
"""What tells the ids of a reference's postings from one another, beside the turn (32 bits): a flip of bits, for there are many."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Movement:
    """One posting to be: an amount in minor units, more than nothing, of the campaign's currency."""

    posting_id: UUID
    step: Step
    campaign_id: UUID
    amount_minor: int
    reference: UUID
    effective_at: datetime
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Pot:
    """A campaign's money while its lock is held: what is free, and the numbers of its accounts."""

    campaign_id: UUID
    currency: str
    available_minor: int
    accounts: dict[Kind, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Something that does not hold: which invariant, of what, and the figures."""

    invariant: str
    subject: str
    expected: str
    actual: str


def movement(
    step: Step,
    *,
    campaign_id: UUID,
    amount_minor: int,
    reference: UUID,
    turn: int,
    effective_at: datetime,
    reason: str | None = None,
) -> Movement:
    """A movement whose id follows from its reference, step and turn (how often the thing was revised): it can be posted once only."""
    return Movement(
        posting_id=UUID(int=reference.int ^ (MARKS[step] | turn)),
        step=step,
        campaign_id=campaign_id,
        amount_minor=amount_minor,
        reference=reference,
        effective_at=effective_at,
        reason=reason,
    )


def totals(movements: list[Movement], pots: dict[UUID, Pot]) -> dict[int, tuple[int, int]]:
    """What the movements add to each account: number -> (debits, credits) in minor units."""
    sums: dict[int, tuple[int, int]] = {}
    for move in movements:
        source, target = ROUTES[move.step]
        accounts = pots[move.campaign_id].accounts
        debited, credited = sums.get(accounts[source], (0, 0))
        sums[accounts[source]] = (debited + move.amount_minor, credited)
        debited, credited = sums.get(accounts[target], (0, 0))
        sums[accounts[target]] = (debited, credited + move.amount_minor)
    return sums
