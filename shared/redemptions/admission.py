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
        if redemption and (key := pot.key_of(redemption))
    }


def admit(changes: Iterable[Change], pots: Pots, *, now: datetime) -> Admission:
    """Decide, in the order the completions were earned, which changes the pots can cover.

    What gives back gives back first. Then each pot admits a prefix: the first change that it can't cover closes it for the rest of
    the batch, so nobody is served before those who came earlier. Nothing ever goes below zero.
    """
    ordered = sorted(
        changes, key=lambda c: (c.increase_minor > 0, c.after.earned_at, c.after.transaction_id, c.after.grant_id, c.after.completion)
    )
    closed: set[UUID | Key] = set()
    admission = Admission(redemptions=[], movements=[], given={})
    for change in ordered:
        change, refusal = _borne_by(change, pots, closed)  # noqa: PLW2901
        after = _refused(change, refusal, now) if refusal else change.after
        _take(change, after, pots, admission.given)
        admission.redemptions.append(after)
        admission.movements.extend(_movements(change, after, now))
    return admission


def _borne_by(change: Change, pots: Pots, closed: set[UUID | Key]) -> tuple[Change, Reason | None]:
    """The change as its campaign, or else the goodwill campaign, covers it; or why neither does."""
    refusal = _refusal(change, pots, closed)
    of_goodwill = change.of_goodwill if refusal is Reason.BUDGET_EXHAUSTED else None
    if of_goodwill and _refusal(of_goodwill, pots, closed) is None:
        return of_goodwill, None
    return change, refusal


def _refusal(change: Change, pots: Pots, closed: set[UUID | Key]) -> Reason | None:
    """Why the pots don't cover a change; None where they do, or where nothing is asked."""
    after, increase_minor = change.after, change.increase_minor
    if increase_minor <= 0 or after.reward_minor == 0:
        return None
    first_time = change.before is None or change.before.reward_minor == 0
    for pot in change.pots:
        key = pot.key_of(after)
        if key and (key in closed or not pots.shared[key].covers(_asked(change, pot, key), redemption=first_time)):
            if pot.most.minor is not None:
                closed.add(key)
            return pot.most.reason
    if after.campaign_id in closed or pots.available_minor.get(after.campaign_id, 0) < increase_minor:
        closed.add(after.campaign_id)
        return Reason.BUDGET_EXHAUSTED
    return None


def _asked(change: Change, pot: SharedPot, key: Key) -> int:
    """What a change asks of one pot: all of the reward where it was in another pot before."""
    moved = change.before is not None and pot.key_of(change.before) != key
    return change.after.cost_minor if moved else change.increase_minor


def _refused(change: Change, reason: Reason, now: datetime) -> Redemption:
    """A new completion is rejected; one on record keeps what it had, and is owed what of that has cleared."""
    kept_minor = change.before.reward_minor if change.before else 0
    kept = replace(change.after, reward_minor=kept_minor, earned_minor=min(change.after.earned_minor, kept_minor), reason=reason)
    return settled(kept, change.policy, now)


def _take(change: Change, after: Redemption, pots: Pots, given: dict[Key, Given]) -> None:
    before = change.before
    cost_minor = after.cost_minor - (before.cost_minor if before else 0)
    left_minor = pots.available_minor.get(after.campaign_id, 0) - cost_minor
    pots.available_minor[after.campaign_id] = left_minor - _withdrawn(change, after)
    for pot in change.pots:
        for redemption, sign in ((before, -1), (after, 1)):
            key = pot.key_of(redemption) if redemption else None
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
    reason = after.reason or (Reason.REVISED if after.revision > 1 else None)
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


def left_of(keys: Mapping[Key, SharedPot], given: Mapping[Key, Given]) -> dict[Key, Left]:
    """What pots may still give, of what they gave."""
    return {key: pot.most.less(given[key]) for key, pot in keys.items()}
