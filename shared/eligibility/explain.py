"""The explanation: every rule held against one purchase, by the same rules and the same fold that decide."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Final, NamedTuple
from uuid import UUID

from shared.eligibility import wording
from shared.eligibility.compile import CompiledOffer, CompiledVersion
from shared.eligibility.fold import Fold, Used, attempt_to_complete, grant_order, purchase_order, refused_keys, uncounted_keys, used_up
from shared.eligibility.model import (
    Before,
    Decision,
    Grant,
    History,
    Outcome,
    Progress,
    Purchase,
    Refusal,
    RuleResult,
    Verdict,
    within,
)
from shared.eligibility.rule import Attempt, Case, results
from shared.eligibility.rules import COMPLETES, OF_PURCHASE
from shared.eligibility.stacking import JointFold, Member, Winner
from shared.eligibility.weighing import weigh
from shared.kernel.ids import CORRECTION
from shared.kernel.reasons import Reason

MOST_TURNS: Final = 100
"""So often what pots refuse of one purchase may bring about that it completes something else. Each time they refuse more."""

Admits = Callable[[Sequence[tuple[CompiledOffer, Sequence[Outcome]]]], Mapping[UUID, Sequence[Refusal]]]
"""What shared pots refuse, by offer, of what a purchase that is not made yet completes of offers, as often as it is asked."""


def explain(
    compiled: CompiledOffer, history: History, purchase: Purchase, *, rivals: Sequence[Member] = (), admits: Admits | None = None
) -> tuple[Verdict, ...]:
    """Answer for a purchase, made or not yet made, at its place in time: one verdict per grant in order, or one without a grant.

    The reward is what the purchase earns in the fold of the history with it; for the latest purchase that is the fold with it minus
    the fold without. A purchase of the same id in the history gives way to this one. What a shared pot refused is not earned. Where
    one purchase completes a grant several times, the rules show the first time.

    `rivals` are the same customer's histories of the offers that must be folded with this one; `admits` tells what shared pots refuse
    of a purchase that is not made yet.
    """
    members = [Member(compiled, history), *rivals]
    joint, before, stood = _folded(members, purchase)
    if admits:
        members, joint = _admitted(members, joint, stood, purchase, admits)
    history, fold = members[0].history, joint.folds[0]
    account = _Account(
        compiled=compiled,
        version=compiled.version_at(purchase.at),
        history=history,
        grants=sorted(history.grants, key=grant_order),
        purchase=purchase,
        before=before,
        outcomes=fold.outcomes,
        corrected=fold.corrected(),
        winner=_winner(joint, compiled, purchase),
        outdone=_outdone(fold.decisions, purchase),
        refused=refused_keys(history.refusals),
    )
    if history.held_out or not history.grants:
        return (_verdict(account, None),)
    return tuple(_verdict(account, grant) for grant in account.grants)


Keys = frozenset[tuple[UUID, str]]
"""Completions, by grant and completion."""


def _folded(members: Sequence[Member], purchase: Purchase) -> tuple[JointFold, dict[UUID, Progress], list[Keys]]:
    """The folds up to the purchase and with it; before it, where the first offer's grants stood and what each offer had come to."""
    joint = JointFold(members)
    joint.take([_earlier(member.history, purchase) for member in members])
    before = {progress.grant_id: progress for progress in joint.folds[0].progress()}
    stood = [frozenset([(outcome.grant_id, outcome.completion) for outcome in fold.corrected()]) for fold in joint.folds]
    joint.take(_now(members, purchase))
    return joint, before, stood


def _admitted(
    asked: list[Member], joint: JointFold, stood: Sequence[Keys], purchase: Purchase, admits: Admits
) -> tuple[list[Member], JointFold]:
    """The histories and folds with what shared pots refuse: that is history to offers of a group, and the next one has its turn."""
    members, refused = asked, dict[UUID, Sequence[Refusal]]()
    for _ in range(MOST_TURNS):
        completed = [(member.compiled, _new(fold, keys)) for member, fold, keys in zip(asked, joint.folds, stood, strict=True)]
        known, refused = refused, dict(admits(completed))
        if refused == known:
            break
        members = [_with_refusals(member, refused.get(member.compiled.offer.offer_id, ())) for member in asked]
        if members[0].compiled.groups:
            joint, *_before = _folded(members, purchase)
    return members, joint


def _with_refusals(member: Member, refused: Sequence[Refusal]) -> Member:
    return member._replace(history=replace(member.history, refusals=(*member.history.refusals, *refused)))


def _new(fold: Fold, stood: Keys) -> list[Outcome]:
    """What an offer has come to beside what it had before."""
    return [outcome for outcome in fold.corrected() if (outcome.grant_id, outcome.completion) not in stood]


def _earlier(history: History, purchase: Purchase) -> list[Purchase]:
    return [
        other
        for other in history.purchases
        if other.transaction_id != purchase.transaction_id and purchase_order(other) < purchase_order(purchase)
    ]


def _now(members: Sequence[Member], purchase: Purchase) -> list[list[Purchase]]:
    """The purchase for each member: once it was made, for those whose history holds it, beside the one that is asked about."""
    holders = [any(known.transaction_id == purchase.transaction_id for known in member.history.purchases) for member in members]
    return [[purchase] if index == 0 or holds or not any(holders) else [] for index, holds in enumerate(holders)]


def _winner(joint: JointFold, compiled: CompiledOffer, purchase: Purchase) -> Winner | None:
    stacking = compiled.version_at(purchase.at).terms.stacking
    return joint.winners.get((stacking.group, purchase.transaction_id)) if stacking else None


def _outdone(decisions: Sequence[Decision], purchase: Purchase) -> frozenset[UUID | None]:
    mine = (decision for decision in decisions if decision.transaction_id == purchase.transaction_id)
    return frozenset(decision.grant_id for decision in mine if decision.reason is Reason.OUTDONE)


class _Account(NamedTuple):
    """A purchase at its place in a history: where the grants stood before it, and the outcomes up to it and with it."""

    compiled: CompiledOffer
    version: CompiledVersion
    history: History
    grants: list[Grant]
    purchase: Purchase
    before: dict[UUID, Progress]
    outcomes: list[Outcome]
    corrected: tuple[Outcome, ...]
    """The outcomes as corrections leave them."""
    winner: Winner | None
    """What its stacking group pays for the purchase, where the offer has one."""
    outdone: frozenset[UUID | None]
    """The grants for which it would count if another offer did not pay."""
    refused: frozenset[tuple[UUID, str]]

    def completed(self, grant: Grant | None) -> list[Outcome]:
        """What the purchase completes for a grant."""
        grant_id, mine = grant and grant.grant_id, self.purchase.transaction_id
        return [outcome for outcome in self.corrected if outcome.transaction_id == mine and outcome.grant_id == grant_id]


def _verdict(account: _Account, grant: Grant | None) -> Verdict:
    completed = account.completed(grant)
    earned = [outcome for outcome in completed if (outcome.grant_id, outcome.completion) not in account.refused]
    standing = account.before.get(grant.grant_id) if grant else None
    case = _case(account, grant, standing)
    attempt = _attempt(account, case, standing)
    rules = (
        *results(OF_PURCHASE, case),
        *_stacking(account, grant),
        *results(COMPLETES, attempt),
        *_corrections(account.history, completed),
        *_admissions(account.history, completed),
        *_taken_back(earned),
    )
    return Verdict(
        grant_id=grant.grant_id if grant else None,
        version=account.version.number,
        variant=case.version.variant,
        eligible=any(outcome.reward_minor for outcome in earned),
        reward_minor=sum(outcome.reward_minor for outcome in earned),
        before=_before(case, attempt, standing),
        rules=rules,
        reasons=tuple(dict.fromkeys(result.reason for result in rules if result.reason)),
    )


def _case(account: _Account, grant: Grant | None, standing: Progress | None) -> Case:
    completions = standing.completions if standing else 0
    judged, weight = weigh(account.version, account.purchase)
    version = account.version.for_variant(grant.variant if grant else None)
    bought_at = standing.bought_at if standing else None
    return Case(account.compiled.offer, version, account.history, grant, judged, completions, weight.judged_minor, bought_at)


def _attempt(account: _Account, case: Case, standing: Progress | None) -> Attempt:
    version, purchase = case.version, account.purchase
    saved_minor, visits = (standing.spend_minor, standing.visits) if standing and version.sums else (0, 0)
    zone = version.window.zone(purchase.zone, account.history.zone)
    sums = (saved_minor + case.qualifying_minor, visits + 1)
    return attempt_to_complete(version, purchase.at, zone, sums, _used_before(account, case.grant))


def _before(case: Case, attempt: Attempt, standing: Progress | None) -> Before:
    return Before(
        spend_minor=standing.spend_minor if standing else 0,
        visits=standing.visits if standing else 0,
        completions=case.completions,
        redemptions=attempt.redemptions,
        rewarded_minor=attempt.rewarded_minor,
        activated_at=case.grant.activated_at if case.grant else None,
        consent=not within(case.history.consent_withdrawn, case.purchase.at),
    )


def _used_before(account: _Account, grant: Grant | None) -> Used:
    """What of the limits was used up when the purchase reached this grant: by earlier purchases, and by this one for earlier grants."""
    first = {other.grant_id for other in takewhile(lambda other: other is not grant, account.grants)}
    mine = account.purchase.transaction_id
    before = (outcome for outcome in account.outcomes if outcome.transaction_id != mine or outcome.grant_id in first)
    return used_up(before, uncounted_keys(account.compiled, account.history))


def _stacking(account: _Account, grant: Grant | None) -> Iterator[RuleResult]:
    """Whether another offer of the group pays for the purchase, where there is a group."""
    stacking, winner = account.version.terms.stacking, account.winner
    if stacking and grant:
        outdone_by = winner if grant.grant_id in account.outdone else None
        pays = wording.money(outdone_by.promised_minor, outdone_by.currency) if outdone_by else ""
        yield RuleResult(
            rule="stacking",
            passed=outdone_by is None,
            expected=f"comes first in group {stacking.group}, with priority {stacking.priority}",
            actual=f"offer {outdone_by.offer_id} pays {pays}" if outdone_by else "no other offer comes first",
            reason=Reason.OUTDONE if outdone_by else None,
        )


def _corrections(history: History, completed: Sequence[Outcome]) -> Iterator[RuleResult]:
    """What corrections made of the completions of this purchase."""
    of_completion = {(outcome.grant_id, outcome.completion): outcome for outcome in completed}
    for correction in history.corrections:
        outcome = of_completion.get((correction.grant_id, correction.completion))
        if outcome:
            terms_minor = outcome.reward_minor - outcome.corrected_minor
            done = f"{'forced' if correction.forces else 'adjusted'} by correction {CORRECTION.render(correction.correction_id)}"
            yield RuleResult(
                rule="corrected", passed=True, expected=f"{terms_minor} by the terms", actual=f"{outcome.reward_minor}, {done}"
            )


def _admissions(history: History, completed: Sequence[Outcome]) -> Iterator[RuleResult]:
    """What shared pots said to the completions of this purchase, where they refused."""
    refusals = {(refusal.grant_id, refusal.completion): refusal.reason for refusal in history.refusals}
    for outcome in completed:
        reason = refusals.get((outcome.grant_id, outcome.completion))
        if reason:
            yield RuleResult(
                rule="admitted", passed=False, expected=f"redemption {outcome.ordinal} admitted", actual="refused", reason=reason
            )


def _taken_back(earned: Sequence[Outcome]) -> Iterator[RuleResult]:
    """That refunds took the reward back where they leave the completion used up."""
    if earned and not any(outcome.reward_minor for outcome in earned):
        yield RuleResult(rule="reward stands", passed=False, expected="a reward", actual="taken back by refunds", reason=Reason.REFUNDED)
