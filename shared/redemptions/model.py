"""Redemptions on record, and the difference between them and what a history comes to. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final
from uuid import UUID

from shared.eligibility.model import Evaluation, Outcome, Refusal
from shared.eligibility.terms import Clawback
from shared.kernel.ids import derived_id
from shared.kernel.reasons import Reason
from shared.redemptions.pots import SharedPot, Spent


class State(Enum):
    """Where a redemption is in its life."""

    PENDING = "pending"  # authorised; what of it is earned already is paid
    HELD = "held"  # earned; the return window is still open
    PAYABLE = "payable"  # owed to the customer, or on its way to the card
    PAID = "paid"  # credited to the card, all of it, as the card system confirmed
    REVERSED = "reversed"  # later history took it back
    REJECTED = "rejected"  # earned by the history, not admitted by a shared pot


@dataclass(frozen=True, kw_only=True, slots=True)
class Redemption:
    """One completion of a grant on record, keyed by grant and completion. Amounts in minor units of the campaign's currency.

    `campaign_id` is whose budget bears it: the offer's campaign, or the one that its terms name for goodwill.
    `wanted_minor` is what the history promises, `reward_minor` what was admitted of it, `earned_minor` what of that has cleared,
    `paid_minor` what was credited or is on its way, `instructed_minor` what of that is on its way, `written_off_minor` what was credited,
    is earned no more and is left to the customer. `corrected_minor` is how much of what the history promises is more (or, negative, less)
    than the terms give, by corrections.
    """

    redemption_id: UUID
    grant_id: UUID
    completion: str
    offer_id: UUID
    campaign_id: UUID
    customer_id: str
    state: State
    wanted_minor: int
    reward_minor: int
    earned_minor: int
    written_off_minor: int
    paid_minor: int
    currency: str
    qualifying_minor: int
    corrected_minor: int
    version: int
    transaction_id: str
    merchant_id: str | None
    account_token: str | None
    earned_at: datetime
    payable_at: datetime
    reason: Reason | None
    revision: int
    instructed_minor: int = 0

    @property
    def spent(self) -> Spent:
        """What tells which of its offer's pots it is in."""
        return Spent(self.offer_id, self.earned_at, self.merchant_id, self.account_token)

    @property
    def posted_minor(self) -> int:
        """What is posted for the customer: earned, or left to him."""
        return self.earned_minor + self.written_off_minor

    @property
    def cost_minor(self) -> int:
        """What the budget bears: all that is promised, and what was written off."""
        return self.reward_minor + self.written_off_minor

    @property
    def owed_minor(self) -> int:
        """What is still to be credited; negative where more was credited than stands."""
        return self.posted_minor - self.paid_minor

    @property
    def recoverable_minor(self) -> int:
        """What was credited too much and can be set against what is owed: what is on its way may still come back by itself."""
        return max(self.paid_minor - self.instructed_minor - self.posted_minor, 0)

    @property
    def overwritten(self) -> bool:
        """Whether more is written off than was credited too much: what was on its way came back."""
        return self.written_off_minor > max(self.paid_minor - self.earned_minor, 0)


RECOMPUTE: Final = Clawback()


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What the terms of one version say of rewards once they are earned."""

    hold: timedelta = timedelta()
    clawback: Clawback = RECOMPUTE
    write_off_minor: int = 0
    goodwill: UUID | None = None
    """The campaign that bears what the offer's own can't cover any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """Whose outcomes they are."""

    offer_id: UUID
    campaign_id: UUID
    customer_id: str
    currency: str
    policies: Mapping[int, Policy]
    """By version."""
    pots: tuple[SharedPot, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One redemption that is not on record as it should be: before (None: not at all), and after, if all of it is admitted."""

    before: Redemption | None
    after: Redemption
    policy: Policy
    pots: tuple[SharedPot, ...] = ()

    @property
    def goodwill(self) -> UUID | None:
        """The campaign that may bear it out of goodwill; None where there is none, or where a budget bears the redemption already."""
        return None if _borne(self.before) else self.policy.goodwill

    @property
    def increase_minor(self) -> int:
        """What the change asks of the pot; negative where it gives back."""
        return self.after.cost_minor - (self.before.cost_minor if self.before else 0)


Folded = Iterable[tuple[Owner, Evaluation]]
Completion = tuple[UUID, str]
"""What names a redemption: its grant, and which completion of it."""


def difference(
    folded: Folded, on_record: Iterable[Redemption], *, now: datetime, anew: frozenset[Completion] = frozenset()
) -> list[Change]:
    """What of the record does not match the outcomes: new completions, changed ones, and those that vanished.

    A completion that a pot refused stays refused while it lasts, unless it is to be admitted `anew`; one that vanished and comes back is.
    """
    left = {(known.grant_id, known.completion): known for known in on_record}
    histories, changes = dict[tuple[str, UUID], tuple[Owner, Evaluation]](), list[Change]()
    for owner, evaluation in folded:
        histories[owner.customer_id, owner.offer_id] = owner, evaluation
        for outcome in evaluation.outcomes:
            completion = (outcome.grant_id, outcome.completion)
            before = left.pop(completion, None)
            policy = owner.policies[outcome.version]
            after = _as_earned(owner, outcome, before, policy, now, anew=completion in anew)
            if before is None or _differ(before, after) or (completion in anew and after.reward_minor > before.reward_minor):
                changes.append(Change(before=before, after=after, policy=policy, pots=owner.pots))
    gone = (known for known in left.values() if known.state is not State.REVERSED or known.overwritten)
    return changes + [_vanished(known, *histories[known.customer_id, known.offer_id], now) for known in gone]


def refusals_of(on_record: Iterable[Redemption]) -> dict[tuple[str, UUID], list[Refusal]]:
    """What pots refused, as the history that it is, by customer and offer."""
    found: dict[tuple[str, UUID], list[Refusal]] = {}
    for r in on_record:
        if r.state is State.REJECTED and r.reason:
            found.setdefault((r.customer_id, r.offer_id), []).append(Refusal(grant_id=r.grant_id, completion=r.completion, reason=r.reason))
    return found


def _borne(redemption: Redemption | None) -> bool:
    """Whether some budget bears a redemption, or paid for it: it stays with that one."""
    return redemption is not None and bool(redemption.cost_minor or redemption.paid_minor)


def settled(redemption: Redemption, policy: Policy, now: datetime) -> Redemption:
    """The redemption with the state that its amounts put it in, and with what of a negative balance is written off."""
    r = redemption
    written_off_minor = _written_off(r.earned_minor, r.paid_minor, policy)
    state = _state(r.wanted_minor, r.reward_minor, r.earned_minor, r.paid_minor, r.instructed_minor, held=r.payable_at > now)
    return replace(redemption, written_off_minor=written_off_minor, state=state)


def _written_off(earned_minor: int, paid_minor: int, policy: Policy) -> int:
    """What of a negative balance is left to the customer."""
    debt_minor = max(paid_minor - earned_minor, 0)
    left = policy.clawback.negative_balance == "write_off" or debt_minor <= policy.write_off_minor
    return debt_minor if left else 0


def _state(wanted_minor: int, reward_minor: int, earned_minor: int, paid_minor: int, instructed_minor: int, *, held: bool) -> State:
    if reward_minor == 0:
        return State.REJECTED if wanted_minor else State.REVERSED
    if earned_minor > paid_minor:  # what is written off is never owed
        return State.HELD if held else State.PAYABLE
    if earned_minor < reward_minor:
        return State.PENDING
    return State.PAYABLE if instructed_minor else State.PAID


def _as_earned(owner: Owner, outcome: Outcome, before: Redemption | None, policy: Policy, now: datetime, *, anew: bool) -> Redemption:
    """The redemption that an outcome asks for. A standing refusal stays, only its circumstances are brought up to date."""
    refused = before is not None and before.state is State.REJECTED and not anew
    reward_minor, earned_minor = (0, 0) if refused else (outcome.reward_minor, outcome.earned_minor)
    paid_minor, instructed_minor = (before.paid_minor, before.instructed_minor) if before else (0, 0)
    payable_at = outcome.held_from + policy.hold
    return Redemption(
        redemption_id=before.redemption_id if before else derived_id(outcome.grant_id, outcome.completion),
        grant_id=outcome.grant_id,
        completion=outcome.completion,
        offer_id=owner.offer_id,
        campaign_id=before.campaign_id if before and _borne(before) else owner.campaign_id,
        customer_id=owner.customer_id,
        state=_state(outcome.reward_minor, reward_minor, earned_minor, paid_minor, instructed_minor, held=payable_at > now),
        wanted_minor=outcome.reward_minor,
        reward_minor=reward_minor,
        earned_minor=earned_minor,
        written_off_minor=_written_off(earned_minor, paid_minor, policy),
        paid_minor=paid_minor,
        instructed_minor=instructed_minor,
        currency=owner.currency,
        qualifying_minor=outcome.qualifying_minor,
        corrected_minor=outcome.corrected_minor,
        version=outcome.version,
        transaction_id=outcome.transaction_id,
        merchant_id=outcome.merchant_id,
        account_token=outcome.account_token,
        earned_at=outcome.at,
        payable_at=payable_at,
        reason=_why(outcome, before, refused=refused),
        revision=before.revision + 1 if before else 1,
    )


def _why(outcome: Outcome, before: Redemption | None, *, refused: bool) -> Reason | None:
    """Why a completion has no reward: corrections or refunds took it back, or a pot refused it before."""
    if outcome.reward_minor == 0:
        return Reason.CORRECTED if outcome.corrected_minor else Reason.REFUNDED
    return before.reason if before and refused else None


def _vanished(gone: Redemption, owner: Owner, evaluation: Evaluation, now: datetime) -> Change:
    policy = owner.policies[gone.version]
    why = (d.reason for d in evaluation.decisions if (d.grant_id, d.transaction_id) == (gone.grant_id, gone.transaction_id))
    reason = next(why, None) or Reason.REVISED
    nothing = replace(gone, wanted_minor=0, reward_minor=0, earned_minor=0, corrected_minor=0, reason=reason, revision=gone.revision + 1)
    return Change(before=gone, after=settled(nothing, policy, now), policy=policy, pots=owner.pots)


def _differ(before: Redemption, after: Redemption) -> bool:
    """Whether the history now says something else; what the pots said of it before does not count."""
    return _said(before) != _said(after) or before.earned_minor != min(after.earned_minor, before.reward_minor) or before.overwritten


def _said(redemption: Redemption) -> tuple[object, ...]:
    r = redemption
    amounts = r.wanted_minor, r.qualifying_minor, r.corrected_minor
    return *amounts, r.version, r.transaction_id, r.merchant_id, r.account_token, r.earned_at, r.payable_at
