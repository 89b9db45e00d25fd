"""The fold: what a customer has earned of an offer is a function of the offer's terms and the customer's history.

Purchases are taken in order of their moment, at the same moment in order of their ids; grants in order of when they were given, then
of their ids. Nothing depends on the order in which the history holds them, and a transaction id counts once.

- A purchase made under single-purchase terms completes a grant or leaves no trace; under cumulative terms it adds to the grant's sum;
  under terms of visits to its visits and its sum, which begin anew once they complete it.
- The customer's limits block a completion and leave the sum as it is. The last reward within them is trimmed to what is left.
- What has not cleared counts as what has; the reward that it adds is promised, not earned yet.
- A refused completion stays an outcome, so that it completes its grant all the same, and uses up no limit; one that was forced uses up
  none either.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import attrgetter
from typing import Final
from uuid import UUID

from shared.eligibility.alone import evaluate_alone
from shared.eligibility.compile import CompiledOffer, CompiledVersion
from shared.eligibility.corrections import corrected, forced_keys
from shared.eligibility.model import Decision, Evaluation, Grant, History, Outcome, Progress, Purchase, Refusal
from shared.eligibility.rule import Attempt, Case, Rule, first_failing
from shared.eligibility.rules import COMPLETES, COUNTS
from shared.eligibility.weighing import NOTHING, Weight, weigh
from shared.kernel.reasons import Reason

MAX_COMPLETIONS_PER_PURCHASE: Final = 100
"""So many times one purchase completes a repeated cumulative grant; the rest of its sum waits for the next purchase."""
BOUGHT: Final = (None, Reason.REFUNDED)
"""How a purchase ended, if at all, that was made all the same."""

purchase_order: Final = attrgetter("at", "transaction_id")
grant_order: Final = attrgetter("granted_at", "grant_id")


@dataclass(kw_only=True, slots=True)
class Used:
    """What a customer has had of one offer, over all grants: the moments of the redemptions in order, and their rewards together."""

    moments: list[datetime] = field(default_factory=list)
    reward_minor: int = 0

    def add(self, at: datetime, reward_minor: int) -> None:
        """Count one more, not earlier than those before."""
        self.moments.append(at)
        self.reward_minor += reward_minor


@dataclass(kw_only=True, slots=True)
class _Standing:
    """Where a grant stands while the fold goes on."""

    grant: Grant
    spend: Weight = NOTHING
    """The running sum."""
    visits: int = 0
    completions: int = 0
    posted_at: datetime | None = None
    """When the last of the purchases in the sum cleared."""
    bought_at: datetime | None = None
    """When the last purchase before the grant was made."""
    version: CompiledVersion | None = None
    rules: tuple[Rule[Case], ...] = ()
    """The rules that can fail under that version."""


def evaluate(compiled: CompiledOffer, history: History) -> Evaluation:
    """Fold a history: outcomes in order of events, a decision per purchase in scope and grant, and where the grants stand.

    A customer who is held out, or holds no grant, gets one decision per purchase in scope, with None as its grant.
    """
    if len(history.purchases) == 1 == len(history.grants):
        alone = evaluate_alone(compiled, history)
        if alone:
            return alone
    if not history.grants or history.held_out:
        return _without_grant(compiled, history)
    fold = Fold(compiled, history)
    fold.take(history.purchases)
    return fold.evaluation()


def without_repeats(purchases: Iterable[Purchase]) -> tuple[Purchase, ...]:
    """Each transaction id once; of several with the same id the first by all that they hold, whatever order they came in."""
    purchases = tuple(purchases)
    if len({purchase.transaction_id for purchase in purchases}) == len(purchases):
        return purchases
    return tuple({purchase.transaction_id: purchase for purchase in sorted(purchases, key=_content, reverse=True)}.values())


def attempt_to_complete(version: CompiledVersion, at: datetime, zone: str, sums: tuple[int, int], used: Used) -> Attempt:
    """What an amount (of one purchase, or the running sum, with the visits so far) would earn at a moment.

    Where the sum carries on, the threshold is what is rewarded.
    """
    amount_minor, visits = sums
    base_minor = version.threshold_minor if version.carries else amount_minor
    return Attempt(
        version=version,
        amount_minor=amount_minor,
        base_minor=base_minor,
        reward_minor=version.reward(base_minor),
        redemptions=len(used.moments),
        rewarded_minor=used.reward_minor,
        visits=visits,
        in_periods=tuple([len(used.moments) - bisect_left(used.moments, period.start(at, zone)) for period in version.periods]),
    )


def used_up(outcomes: Iterable[Outcome], uncounted: frozenset[tuple[UUID, str]]) -> Used:
    """What outcomes, in their order, take of the customer's limits: nothing where they don't count."""
    used = Used()
    for outcome in outcomes:
        if (outcome.grant_id, outcome.completion) not in uncounted:
            used.add(outcome.at, outcome.reward_minor)
    return used


def refused_keys(refusals: Iterable[Refusal]) -> frozenset[tuple[UUID, str]]:
    """The completions that a shared pot did not admit, by grant and completion."""
    return frozenset((refusal.grant_id, refusal.completion) for refusal in refusals)


def uncounted_keys(compiled: CompiledOffer, history: History) -> frozenset[tuple[UUID, str]]:
    """The completions that use up none of the customer's limits: refused by a shared pot, or given by decision."""
    return refused_keys(history.refusals) | forced_keys(compiled, history)


def _content(purchase: Purchase) -> tuple[object, ...]:
    places = (purchase.merchant_id or "", purchase.location_id or "", purchase.mcc or "", purchase.zone or "")
    more = (
        purchase.matched_by,
        purchase.descriptor,
        purchase.brand,
        purchase.network_merchant_id,
        purchase.channel,
        purchase.country,
        purchase.region,
        purchase.card_product,
    )
    parts = (purchase.tip_minor, purchase.tax_minor, purchase.cash_back_minor)
    known = (*places, *(fact or "" for fact in more))
    said = (purchase.at, purchase.transaction_id, purchase.amount_minor, purchase.currency, *parts, *known, purchase.items)
    life = (_content(part) if part else () for part in (purchase.cleared, purchase.before_refunds))
    posted = (purchase.posted_at or purchase.at, purchase.posted_at is None, purchase.ended.code if purchase.ended else "")
    return (*said, purchase.recorded_at or purchase.at, purchase.recorded_at is None, *posted, *life)


def in_scope(compiled: CompiledOffer, purchases: Iterable[Purchase]) -> Iterator[tuple[Purchase, CompiledVersion]]:
    """The purchases that the offer is about, in order, each with the version in force at its moment."""
    once = without_repeats(purchases)
    for purchase in sorted(once, key=purchase_order) if len(once) > 1 else once:
        version = compiled.version_at(purchase.at)
        if version.in_scope(purchase):
            yield purchase, version


def _without_grant(compiled: CompiledOffer, history: History) -> Evaluation:
    reason = Reason.HELD_OUT if history.held_out else Reason.NOT_TARGETED
    decisions = [
        Decision(transaction_id=purchase.transaction_id, grant_id=None, reason=reason)
        for purchase, _ in in_scope(compiled, history.purchases)
    ]
    return Evaluation(outcomes=(), decisions=tuple(decisions), progress=())


class Fold:
    """One fold under way: what the purchases taken so far come to. The history tells all but the purchases."""

    __slots__ = (
        "_compiled",
        "_history",
        "_refused",
        "_standings",
        "_uncounted",
        "_used",
        "decisions",
        "outcomes",
        "promised_minor",
        "wanted_minor",
    )

    def __init__(self, compiled: CompiledOffer, history: History) -> None:
        """Start where no purchase has been made."""
        self._compiled, self._history = compiled, history
        self._standings = [_Standing(grant=grant) for grant in sorted(history.grants, key=grant_order) if not history.held_out]
        self._refused, self._uncounted = refused_keys(history.refusals), uncounted_keys(compiled, history)
        self._used = Used()
        self.outcomes: list[Outcome] = []
        self.decisions: list[Decision] = []
        self.wanted_minor = 0
        """What the outcomes would come to if nothing had been refunded since."""
        self.promised_minor = 0
        """What of that no shared pot refused."""

    def take(self, purchases: Iterable[Purchase]) -> None:
        """Go on with purchases, in any order, that are all later than those taken before."""
        for purchase, version in in_scope(self._compiled, purchases):
            self.take_one(purchase, version)

    def take_one(self, purchase: Purchase, version: CompiledVersion) -> None:
        """Go on with a purchase that is in scope of the version in force, and later than those taken before."""
        judged, weight = weigh(version, purchase)
        for standing in self._standings:
            reason = self._judge(judged, version.for_variant(standing.grant.variant), weight, standing)
            self.decisions.append(Decision(purchase.transaction_id, standing.grant.grant_id, reason))
        if self._compiled.asks_recency and purchase.ended in BOUGHT:
            self._remember(purchase.at)

    def fork(self) -> "Fold":
        """A fold of its own that stands where this one does."""
        other = copy(self)
        other._standings = [replace(standing) for standing in self._standings]  # noqa: SLF001
        other._used = Used(moments=self._used.moments[:], reward_minor=self._used.reward_minor)  # noqa: SLF001
        other.outcomes, other.decisions = self.outcomes[:], self.decisions[:]
        return other

    def pass_over(self, tried: "Fold") -> None:
        """Leave out a purchase that another offer pays for, having tried it on a fork: where it would not have counted, that says why."""
        decisions = tried.decisions[len(self.decisions) :]
        for mine, would_be, decision in zip(self._standings, tried._standings, decisions, strict=True):  # noqa: SLF001
            counted = (mine.spend, mine.visits, mine.completions) != (would_be.spend, would_be.visits, would_be.completions)
            self.decisions.append(decision._replace(reason=Reason.OUTDONE) if counted else decision)
            mine.bought_at = would_be.bought_at  # it was bought, whichever offer pays for it

    def evaluation(self) -> Evaluation:
        """What the purchases come to, with corrections laid over it."""
        return Evaluation(outcomes=self.corrected(), decisions=tuple(self.decisions), progress=self.progress())

    @property
    def used(self) -> Used:
        """What the purchases taken so far use up of the customer's limits."""
        return self._used

    def corrected(self) -> tuple[Outcome, ...]:
        """The outcomes as corrections leave them."""
        return corrected(self._compiled, self._history, self.outcomes)

    def progress(self) -> tuple[Progress, ...]:
        """Where the grants stand, in order."""
        return tuple([Progress(s.grant.grant_id, s.spend.judged_minor, s.visits, s.completions, s.bought_at) for s in self._standings])

    def _remember(self, at: datetime) -> None:
        for standing in self._standings:
            if at < standing.grant.granted_at:
                standing.bought_at = at

    def _judge(self, purchase: Purchase, version: CompiledVersion, weight: Weight, standing: _Standing) -> Reason | None:
        reason = self._why_not(purchase, version, standing, weight.judged_minor)
        return reason or self._count(purchase, version, weight, standing)

    def _why_not(self, purchase: Purchase, version: CompiledVersion, standing: _Standing, amount_minor: int) -> Reason | None:
        """Why the purchase does not count for the grant."""
        if version.why_not and not self._history.held_out:
            return version.why_not(self._history, standing.grant, purchase, standing.completions, amount_minor)
        case = Case(
            self._compiled.offer,
            version,
            self._history,
            standing.grant,
            purchase,
            standing.completions,
            amount_minor,
            standing.bought_at,
        )
        if standing.version is not version:
            standing.version, standing.rules = version, tuple(rule for rule in COUNTS if rule.asked(case))
        return first_failing(standing.rules, case)

    def _count(self, purchase: Purchase, version: CompiledVersion, weight: Weight, standing: _Standing) -> Reason | None:
        """Let a purchase that counts complete its grant as often as it can; the reason when it does not at all."""
        posted_at = purchase.posted_at or purchase.at
        if version.sums:
            standing.spend = standing.spend.plus(weight)
            standing.visits += 1
            standing.posted_at = max(posted_at, standing.posted_at or posted_at)
        zone = version.window.zone(purchase.zone, self._history.zone) if version.periods else ""
        reason, before = None, standing.completions
        for _ in range(MAX_COMPLETIONS_PER_PURCHASE if version.carries else 1):
            spend, visits = (standing.spend, standing.visits) if version.sums else (weight, 1)
            attempt = attempt_to_complete(version, purchase.at, zone, (spend.judged_minor, visits), self._used)
            reason = first_failing(COMPLETES, attempt)
            if reason:
                break
            self._complete(attempt, spend, purchase, standing, held_from=(standing.posted_at if version.sums else None) or posted_at)
        return reason if standing.completions == before else None

    def _complete(self, attempt: Attempt, spend: Weight, purchase: Purchase, standing: _Standing, *, held_from: datetime) -> None:
        version, grant_id = attempt.version, standing.grant.grant_id
        most = version.reward_per_customer_minor
        left_minor = attempt.reward_minor if most is None else min(attempt.reward_minor, most - attempt.rewarded_minor)
        reward_minor, earned_minor = _standing_and_earned(attempt, spend, left_minor)
        standing.completions += 1
        if version.carries:
            standing.spend = standing.spend.less(version.threshold_minor)
        elif version.visits:
            standing.spend, standing.visits, standing.posted_at = NOTHING, 0, None
        completion = str(standing.completions) if version.sums else purchase.transaction_id
        if (grant_id, completion) not in self._uncounted:
            self._used.add(purchase.at, reward_minor)
        self.wanted_minor += left_minor
        if (grant_id, completion) not in self._refused:
            self.promised_minor += left_minor
        self.outcomes.append(
            Outcome(
                grant_id=grant_id,
                completion=completion,
                ordinal=standing.completions,
                reward_minor=reward_minor,
                earned_minor=earned_minor,
                qualifying_minor=attempt.base_minor,
                at=purchase.at,
                held_from=held_from,
                transaction_id=purchase.transaction_id,
                version=version.number,
                merchant_id=purchase.merchant_id,
                account_token=purchase.account_token,
            )
        )


def _standing_and_earned(attempt: Attempt, spend: Weight, most_minor: int) -> tuple[int, int]:
    """What of the reward, at most so much, stands, and what of that is earned for good."""
    judged_minor, standing_minor, cleared_minor = spend
    reward_minor = most_minor if standing_minor == judged_minor else min(_reward_on(attempt.version, standing_minor), most_minor)
    if cleared_minor == standing_minor:
        return reward_minor, reward_minor
    if attempt.version.visits:  # earned when all of the visits have cleared
        return reward_minor, 0
    return reward_minor, min(_reward_on(attempt.version, cleared_minor), reward_minor)


def _reward_on(version: CompiledVersion, amount_minor: int) -> int:
    if not version.reaches_threshold(amount_minor):
        return 0
    return version.reward(version.threshold_minor if version.carries else amount_minor)
