"""Accounts, the steps that money takes between them, and what must always hold."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
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
    INSTRUCTED = "instructed"  # on its way to their cards, not confirmed yet
    PAID = "paid"  # credited to their cards

    __hash__ = object.__hash__  # asked of each posting; the one that enumerations have hashes the name anew each time


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
    RECOVER = "recover"
    SHRINK = "shrink"
    INSTRUCT = "instruct"
    FAIL = "fail"
    RETURN = "return"

    __hash__ = object.__hash__  # as above


ROUTES: Final = {
    Step.APPROVE: (Kind.FUNDING, Kind.AVAILABLE),
    Step.WITHDRAW: (Kind.AVAILABLE, Kind.FUNDING),
    Step.RESERVE: (Kind.AVAILABLE, Kind.RESERVED),
    Step.POST: (Kind.RESERVED, Kind.PAYABLE),
    Step.VOID: (Kind.RESERVED, Kind.AVAILABLE),
    Step.EXPIRE: (Kind.RESERVED, Kind.AVAILABLE),
    Step.PAY: (Kind.INSTRUCTED, Kind.PAID),
    Step.REVERSE: (Kind.PAYABLE, Kind.AVAILABLE),
    Step.RECOVER: (Kind.PAID, Kind.PAYABLE),
    Step.SHRINK: (Kind.AVAILABLE, Kind.FUNDING),
    Step.INSTRUCT: (Kind.PAYABLE, Kind.INSTRUCTED),
    Step.FAIL: (Kind.INSTRUCTED, Kind.PAYABLE),
    Step.RETURN: (Kind.PAID, Kind.PAYABLE),
}
"""From which account (debited) each step takes and to which (credited) it gives.

What is owed is instructed, and paid once the card system confirms it; an instruction that fails, and a payment that comes back, are owed
again. What was paid and is earned no more is recovered when it is set against a later payment. A budget shrinks by what is taken back
where the offer's terms say so.
"""

OPENS: Final = {Step.RESERVE: 1, Step.POST: -1, Step.VOID: -1, Step.EXPIRE: -1}
"""Which steps open a reservation, and which use it up, in whole or in part."""

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


NOTHING: Final = (0, 0)
"""Debits and credits of an account that is not moved."""

NO_HASH: Final = bytes(32)
"""What the first seal of a campaign follows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seal:
    """One link of a campaign's chain: how many postings were added together, and the hash over the seal before and all of them."""

    campaign_id: UUID
    number: int
    postings: int
    hash: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Pot:
    """A campaign's money while its lock is held: what is where, the numbers of its accounts, and the end of its chain."""

    campaign_id: UUID
    currency: str
    available_minor: int
    accounts: dict[Kind, int]
    reserved_minor: int = 0
    payable_minor: int = 0
    instructed_minor: int = 0
    paid_minor: int = 0
    posted_minor: int = 0
    """All that was ever posted as payable, whatever of it was reversed or paid since."""
    sealed: int = 0
    """Number of the last seal; 0 where nothing was posted yet."""
    seal_hash: bytes = NO_HASH

    @property
    def approved_minor(self) -> int:
        """All that was approved less what was withdrawn."""
        return self.available_minor + self.reserved_minor + self.payable_minor + self.gone_minor

    @property
    def gone_minor(self) -> int:
        """All that has left for customers' cards, confirmed or not."""
        return self.instructed_minor + self.paid_minor

    def after(self, sums: Mapping[int, tuple[int, int]], seal: Seal) -> "Pot":
        """The pot once these (debits, credits) of accounts are added and sealed."""
        net = {kind: credited - debited for kind in self.accounts for debited, credited in [sums.get(self.accounts[kind], (0, 0))]}
        return replace(
            self,
            available_minor=self.available_minor + net[Kind.AVAILABLE],
            reserved_minor=self.reserved_minor + net[Kind.RESERVED],
            payable_minor=self.payable_minor + net[Kind.PAYABLE],
            instructed_minor=self.instructed_minor + net[Kind.INSTRUCTED],
            paid_minor=self.paid_minor + net[Kind.PAID],
            posted_minor=self.posted_minor + newly_posted({kind: sums.get(self.accounts[kind], NOTHING) for kind in self.accounts}),
            sealed=seal.number,
            seal_hash=seal.hash,
        )


def newly_posted(sums: Mapping[Kind, tuple[int, int]]) -> int:
    """What of (debits, credits) of a campaign's accounts was posted as payable: all that was credited there and did not come back."""
    recovered_or_returned, confirmed = sums[Kind.PAID]
    failed = sums[Kind.INSTRUCTED][0] - confirmed
    return sums[Kind.PAYABLE][1] - recovered_or_returned - failed


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


def open_changes(movements: Iterable[Movement]) -> dict[tuple[UUID, UUID], int]:
    """By how much the movements open or use up each reservation, by campaign and reference; none that they open and use up alike."""
    changes: dict[tuple[UUID, UUID], int] = {}
    for move in movements:
        sign = OPENS.get(move.step)
        if sign:
            thing = (move.campaign_id, move.reference)
            changes[thing] = changes.get(thing, 0) + sign * move.amount_minor
    return {thing: change for thing, change in changes.items() if change}


def totals(movements: list[Movement], pots: dict[UUID, Pot]) -> dict[int, tuple[int, int]]:
    """What the movements add to each account: number -> (debits, credits) in minor units."""
    amounts: dict[UUID, dict[Step, int]] = {}
    for move in movements:
        of_pot = amounts.setdefault(move.campaign_id, {})
        of_pot[move.step] = of_pot.get(move.step, 0) + move.amount_minor
    sums: dict[int, tuple[int, int]] = {}
    for campaign_id, of_pot in amounts.items():
        for step, amount_minor in of_pot.items():
            source, target = (pots[campaign_id].accounts[kind] for kind in ROUTES[step])
            sums[source] = (sums.get(source, NOTHING)[0] + amount_minor, sums.get(source, NOTHING)[1])
            sums[target] = (sums.get(target, NOTHING)[0], sums.get(target, NOTHING)[1] + amount_minor)
    return sums
