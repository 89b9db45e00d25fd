"""The difference between what a history comes to and what is on record, and what the pots admit of it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from shared.eligibility.model import Outcome
from shared.kernel.ids import derived_id
from shared.kernel.reasons import Reason
from shared.ledger.model import Movement, Step, movement


class State(Enum):
    """Where a redemption is in its life."""

    HELD = "held"  # earned; the return window is still open
    PAYABLE = "payable"  # owed to the customer
    PAID = "paid"  # credited to the card, all of it
    REVERSED = "reversed"  # later history took it back
    REJECTED = "rejected"  # earned by the history, not admitted by a shared pot


@dataclass(frozen=True, kw_only=True, slots=True)
class Redemption:
    """One completion of a grant on record, keyed by grant and ordinal. Amounts in minor units of the campaign's currency.

    `wanted_minor` is what the history earns, `reward_minor` what was admitted of it, `paid_minor` what was credited.
    """

    redemption_id: UUID
    grant_id: UUID
    ordinal: int
    offer_id: UUID
    campaign_id: UUID
    customer_id: str
    state: State
    wanted_minor: int
    reward_minor: int
    paid_minor: int
    currency: str
    qualifying_minor: int
    version: int
    transaction_id: str
    earned_at: datetime
    payable_at: datetime
    reason: Reason | None
    revision: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """Whose outcome it is."""

    offer_id: UUID
    campaign_id: UUID
    customer_id: str
    currency: str
    holds: Mapping[int, timedelta]
    """By version: how long its rewards are held."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One redemption that is not on record as it should be: before (None: not at all), and after, if all of it is admitted."""

    before: Redemption | None
    after: Redemption

    @property
    def increase_minor(self) -> int:
        """What the change asks of the pot; negative where it gives back."""
        return self.after.wanted_minor - (self.before.reward_minor if self.before else 0)


@dataclass(kw_only=True, slots=True)
class Pots:
    """What is left to give while the locks are held: money per campaign, redemptions per offer that has a limit in total."""

    available_minor: dict[UUID, int]
    redemptions_left: dict[UUID, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """What is to be written: redemptions as they end up, and the postings that carry them."""

    redemptions: list[Redemption]
    movements: list[Movement]
    admitted: dict[UUID, int]
    """Redemptions that each offer gave (or, negative, took back)."""


def difference(outcomes: Iterable[tuple[Owner, Outcome]], on_record: Iterable[Redemption], *, now: datetime) -> list[Change]:
    """What of the record does not match the outcomes: new completions, changed ones, and those that vanished.

    A completion that a pot refused stays refused while it lasts; one that vanished and comes back is admitted anew.
    """
    left = {(known.grant_id, known.ordinal): known for known in on_record}
    changes = []
    for owner, outcome in outcomes:
        before = left.pop((outcome.grant_id, outcome.ordinal), None)
        after = _as_earned(owner, outcome, before, now)
        if before is None or _differ(before, after):
            changes.append(Change(before=before, after=after))
    changes += [Change(before=gone, after=_as_vanished(gone)) for gone in left.values() if gone.state is not State.REVERSED]
    return changes


def admit(changes: Iterable[Change], pots: Pots, *, now: datetime) -> Admission:
    """Decide, in the order the completions were earned, which changes the pots can cover.

    What gives back gives back first. Then each pot admits a prefix: the first change that it can't cover closes it for the rest of
    the batch, so nobody is served before those who came earlier. Nothing ever goes below zero.
    """
    ordered = sorted(
        changes, key=lambda c: (c.increase_minor > 0, c.after.earned_at, c.after.transaction_id, c.after.grant_id, c.after.ordinal)
    )
    closed: set[UUID] = set()
    redemptions, movements, admitted = [], [], dict[UUID, int]()
    for change in ordered:
        refusal = _refusal(change, pots, closed)
        redemption = _refused(change, refusal, now) if refusal else change.after
        before_minor = change.before.reward_minor if change.before else 0
        _take(pots, admitted, redemption, redemption.reward_minor - before_minor, bool(redemption.reward_minor) - bool(before_minor))
        redemptions.append(redemption)
        movements += _movements(redemption, before_minor, now)
    return Admission(redemptions=redemptions, movements=movements, admitted=admitted)


def _as_earned(owner: Owner, outcome: Outcome, before: Redemption | None, now: datetime) -> Redemption:
    """The redemption that an outcome asks for. A standing refusal stays, only its circumstances are brought up to date."""
    refused = before is not None and before.state is State.REJECTED
    paid_minor = before.paid_minor if before else 0
    payable_at = outcome.at + owner.holds[outcome.version]
    return Redemption(
        redemption_id=before.redemption_id if before else derived_id(outcome.grant_id, outcome.ordinal),
        grant_id=outcome.grant_id,
        ordinal=outcome.ordinal,
        offer_id=owner.offer_id,
        campaign_id=owner.campaign_id,
        customer_id=owner.customer_id,
        state=State.REJECTED if refused else _state(outcome.reward_minor, paid_minor, payable_at, now),
        wanted_minor=outcome.reward_minor,
        reward_minor=0 if refused else outcome.reward_minor,
        paid_minor=paid_minor,
        currency=owner.currency,
        qualifying_minor=outcome.qualifying_minor,
        version=outcome.version,
        transaction_id=outcome.transaction_id,
        earned_at=outcome.at,
        payable_at=payable_at,
        reason=before.reason if before and refused else None,
        revision=before.revision + 1 if before else 1,
    )


def _state(reward_minor: int, paid_minor: int, payable_at: datetime, now: datetime) -> State:
    if reward_minor <= paid_minor:
        return State.PAID
    return State.HELD if payable_at > now else State.PAYABLE


def _as_vanished(gone: Redemption) -> Redemption:
    return replace(gone, state=State.REVERSED, wanted_minor=0, reward_minor=0, reason=Reason.REVISED, revision=gone.revision + 1)


def _differ(before: Redemption, after: Redemption) -> bool:
    """Whether the history now says something else; what the pots said of it before does not count."""
    return before.state is State.REVERSED or _said(before) != _said(after)


def _said(redemption: Redemption) -> tuple[object, ...]:
    r = redemption
    return r.wanted_minor, r.qualifying_minor, r.version, r.transaction_id, r.earned_at, r.payable_at


def _refusal(change: Change, pots: Pots, closed: set[UUID]) -> Reason | None:
    """Why the pots don't cover a change; None where they do, or where nothing is asked."""
    after, increase_minor = change.after, change.increase_minor
    if increase_minor <= 0 or after.state is State.REJECTED:
        return None
    first_time = change.before is None or change.before.reward_minor == 0
    if first_time and pots.redemptions_left.get(after.offer_id, 1) < 1:
        return Reason.OFFER_LIMIT_REACHED
    if after.campaign_id in closed or pots.available_minor.get(after.campaign_id, 0) < increase_minor:
        closed.add(after.campaign_id)
        return Reason.BUDGET_EXHAUSTED
    return None


def _refused(change: Change, reason: Reason, now: datetime) -> Redemption:
    """A new completion is rejected; one on record keeps what it had, and is owed that when its moment has come."""
    kept_minor = change.before.reward_minor if change.before else 0
    state = _state(kept_minor, change.after.paid_minor, change.after.payable_at, now) if kept_minor else State.REJECTED
    return replace(change.after, reward_minor=kept_minor, state=state, reason=reason)


def _take(pots: Pots, admitted: dict[UUID, int], redemption: Redemption, amount_minor: int, redemptions: int) -> None:
    pots.available_minor[redemption.campaign_id] = pots.available_minor.get(redemption.campaign_id, 0) - amount_minor
    if redemption.offer_id in pots.redemptions_left:
        pots.redemptions_left[redemption.offer_id] -= redemptions
    admitted[redemption.offer_id] = admitted.get(redemption.offer_id, 0) + redemptions


def _movements(redemption: Redemption, before_minor: int, now: datetime) -> list[Movement]:
    amount_minor = redemption.reward_minor - before_minor
    reason = redemption.reason or (Reason.REVISED if redemption.revision > 1 else None)
    steps = (Step.RESERVE, Step.POST) if amount_minor > 0 else (Step.REVERSE,) if amount_minor < 0 else ()
    return [
        movement(
            step,
            campaign_id=redemption.campaign_id,
            amount_minor=abs(amount_minor),
            reference=redemption.redemption_id,
            turn=redemption.revision,
            effective_at=redemption.earned_at if redemption.revision == 1 else now,
            reason=reason.code if reason else None,
        )
        for step in steps
    ]


def by_offer(limits: Mapping[UUID, int | None], given: Mapping[UUID, int]) -> dict[UUID, int]:
    """Redemptions left of the offers that have a limit in total."""
    return {offer_id: limit - given.get(offer_id, 0) for offer_id, limit in limits.items() if limit is not None}
