"""What the shared pots admit of changes, and the postings that carry it. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from shared.kernel.reasons import Reason
from shared.ledger.model import Movement, Step, movement
from shared.redemptions.model import Change, Redemption, settled
from shared.redemptions.pots import NOTHING_GIVEN, Given, Key, Left, SharedPot


@dataclass(kw_only=True, slots=True)
class Pots:
    """What is left to give while the locks are held: money per campaign, and what an offer's own pots may give."""

    available_minor: dict[UUID, int]
    shared: dict[Key, Left] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """What is to be written: redemptions as they end up, the postings that carry them, and what the offers' pots gave."""

    redemptions: list[Redemption]
    movements: list[Movement]
    given: dict[Key, Given]


def keys_of(changes: Iterable[Change]) -> dict[Key, SharedPot]:
    """The offers' pots that changes may take from or give back to."""
    return {
        key: pot
        for change in changes
        for pot in change.pots
        for redemption in (change.before, change.after)
        if redemption and (key := pot.key_of(redemption.spent))
    }


def admit(changes: Iterable[Change], pots: Pots, *, now: datetime) -> Admission:
    """Decide, in the order the completions were earned, which changes the pots can cover.

    What gives back gives back first, and so does what leaves a pot for another one. Then each pot admits a prefix: the first change that
    it can't cover closes it for the rest of the batch, so nobody is served before those who came earlier. No promise takes a pot below
    zero; what was written off is spent, whichever pot it falls to.
    """
    changes = list(changes)
    admission, closed = Admission(redemptions=[], movements=[], given={}), set[UUID | Key]()
    for change in changes:
        _leave(change, pots, admission.given)
    for change in sorted(changes, key=_in_order):
        after = _admitted(change, pots, closed, now)
        _take(change, after, pots, admission.given)
        admission.redemptions.append(after)
        admission.movements.extend(_movements(change, after, now))
    return admission


def _in_order(change: Change) -> tuple[object, ...]:
    after = change.after
    asks = change.increase_minor > 0 or any(_moves(change, pot) for pot in change.pots)
    return asks, after.earned_at, after.transaction_id, after.grant_id, after.completion


def _moves(change: Change, pot: SharedPot) -> bool:
    """Whether a redemption on record goes from one pot to another: from one day to the next, when its purchase's time is corrected."""
    return change.before is not None and pot.key_of(change.before.spent) != pot.key_of(change.after.spent)


def _admitted(change: Change, pots: Pots, closed: set[UUID | Key], now: datetime) -> Redemption:
    """All that is asked, of the goodwill campaign where the campaign's money is used up; where that is refused, what it had.

    Nothing where it would have that of a pot that it moves into, and that one refuses it.
    """
    reason = _refusal(change, change.after, pots, closed)
    if reason is None:
        return change.after
    if reason is Reason.BUDGET_EXHAUSTED and change.goodwill:
        borne_there = replace(change.after, campaign_id=change.goodwill)
        if _refusal(change, borne_there, pots, closed) is None:
            return borne_there
    kept = _kept(change, change.before.reward_minor if change.before else 0, reason, now)
    return _kept(change, 0, reason, now) if _refusal(change, kept, pots, closed) else kept


def _refusal(change: Change, after: Redemption, pots: Pots, closed: set[UUID | Key]) -> Reason | None:
    """Why the pots don't cover a redemption as it would be; None where they do, or where nothing is asked."""
    before_minor = change.before.cost_minor if change.before else 0
    first_time = change.before is None or change.before.reward_minor == 0
    if after.reward_minor == 0:
        return None
    for pot in change.pots:
        key, moves = pot.key_of(after.spent), _moves(change, pot)
        asked = Given(int(first_time or moves), after.cost_minor - (0 if moves else before_minor))
        if key and ((key in closed and asked.cost_minor > 0) or not pots.shared[key].covers(asked)):
            if pot.most.minor is not None:
                closed.add(key)
            return pot.most.reason
    increase_minor = after.cost_minor - before_minor
    if increase_minor > 0 and (after.campaign_id in closed or pots.available_minor.get(after.campaign_id, 0) < increase_minor):
        closed.add(after.campaign_id)
        return Reason.BUDGET_EXHAUSTED
    return None


def _kept(change: Change, reward_minor: int, reason: Reason, now: datetime) -> Redemption:
    """The redemption with no more than this reward, and what of that has cleared."""
    kept = replace(change.after, reward_minor=reward_minor, earned_minor=min(change.after.earned_minor, reward_minor), reason=reason)
    return settled(kept, change.policy, now)


def _leave(change: Change, pots: Pots, given: dict[Key, Given]) -> None:
    """Give back to the pots that a redemption leaves for others."""
    for pot in change.pots:
        if _moves(change, pot):
            _count(-1, change.before, pot, pots, given)


def _take(change: Change, after: Redemption, pots: Pots, given: dict[Key, Given]) -> None:
    cost_minor = after.cost_minor - (change.before.cost_minor if change.before else 0)
    left_minor = pots.available_minor.get(after.campaign_id, 0) - cost_minor
    pots.available_minor[after.campaign_id] = left_minor - _withdrawn(change, after)
    for pot in change.pots:
        if not _moves(change, pot):
            _count(-1, change.before, pot, pots, given)
        _count(1, after, pot, pots, given)


def _count(sign: int, redemption: Redemption | None, pot: SharedPot, pots: Pots, given: dict[Key, Given]) -> None:
    """Count what a redemption takes of its pot, or (negative) gives back."""
    key = pot.key_of(redemption.spent) if redemption else None
    if redemption and key:
        more = Given(sign * bool(redemption.reward_minor), sign * redemption.cost_minor)
        pots.shared[key] = pots.shared[key].less(more)
        given[key] = given.get(key, NOTHING_GIVEN).plus(more)


def _posted(change: Change, after: Redemption) -> int:
    """What more is posted; negative where it is taken back."""
    return after.posted_minor - (change.before.posted_minor if change.before else 0)


def _withdrawn(change: Change, after: Redemption) -> int:
    """What of that leaves the budget."""
    return max(-_posted(change, after), 0) if change.policy.clawback.budget == "withdraw" else 0


def _movements(change: Change, after: Redemption, now: datetime) -> Iterator[Movement]:
    """What moves between the pot, its reservations and what is payable; each of these once at most in a revision."""
    posted_minor = _posted(change, after)
    opened_minor = after.cost_minor - (change.before.cost_minor if change.before else 0) - min(posted_minor, 0)
    reason = after.reason or _revision(change)
    steps = (
        (Step.REVERSE, -posted_minor),
        (Step.SHRINK, _withdrawn(change, after)),
        (Step.EXPIRE if reason is Reason.AUTHORIZATION_EXPIRED else Step.VOID, -opened_minor),
        (Step.RESERVE, opened_minor),
        (Step.POST, posted_minor),
    )
    for step, amount_minor in steps:
        if amount_minor > 0:
            yield movement(
                step,
                campaign_id=after.campaign_id,
                amount_minor=amount_minor,
                reference=after.redemption_id,
                turn=after.revision,
                effective_at=after.earned_at if after.revision == 1 else now,
                reason=reason.code if reason else None,
            )


def _revision(change: Change) -> Reason | None:
    """Why a redemption is posted otherwise than its terms gave at first."""
    if change.after.corrected_minor != (change.before.corrected_minor if change.before else 0):
        return Reason.CORRECTED
    return Reason.REVISED if change.before else None


def left_of(keys: Mapping[Key, SharedPot], given: Mapping[Key, Given]) -> dict[Key, Left]:
    """What pots may still give, of what they gave."""
    return {key: pot.most.less(given[key]) for key, pot in keys.items()}
