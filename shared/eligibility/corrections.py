"""Corrections: what two people decided of completions is history too, and is laid over what the terms give. Pure.

- A forced completion gives at least what was decided, earned for good. Should purchases reach the same completion after all, it is one
  and the same: the higher reward counts, never both. Where its purchase is known and nothing of it stands any more, it gives nothing;
  so it is where the purchase is not known, and refunds that name it give back all that it was told to come to.
- An adjustment makes what a completion gives more or less, never less than nothing. It stands and falls with its completion: it holds
  for what a refund leaves, and comes to nothing where nothing is left. What is more is earned with the last of its completion, so that
  nothing is paid for a purchase that may never clear; what is less is taken off at once.
- Corrections use up none of the customer's limits, so they take away nothing that other purchases earned. What a refund took back is as
  if it had never been decided: purchases that reach the same completion then use up limits, as any.
"""

from collections.abc import Collection, Iterable, Sequence
from operator import attrgetter
from typing import Final
from uuid import UUID

from shared.eligibility.compile import CompiledOffer
from shared.eligibility.model import Correction, History, Outcome

Key = tuple[UUID, str]
"""What names a completion: its grant, and which of it."""
NONE: Final[frozenset[Key]] = frozenset()

_order: Final = attrgetter("at", "correction_id")


def corrected(compiled: CompiledOffer, history: History, outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """The outcomes as corrections leave them; then those that only corrections give, in order of their moments."""
    if not history.corrections:
        return tuple(outcomes)
    ended = _ended(history)
    of_completion: dict[Key, list[Correction]] = {}
    for correction in history.corrections:
        if not (correction.forces and correction.transaction_id in ended):
            of_completion.setdefault((correction.grant_id, correction.completion), []).append(correction)
    gone = {correction.correction_id for correction in history.corrections if _given_back(compiled, history, correction)}

    def standing(corrections: Iterable[Correction]) -> list[Correction]:
        return [correction for correction in corrections if correction.correction_id not in gone]

    reached = [_adjusted(outcome, standing(of_completion.pop((outcome.grant_id, outcome.completion), ()))) for outcome in outcomes]
    held = {grant.grant_id for grant in history.grants}
    forced = [
        _adjusted(_nothing_yet(compiled, first), standing(corrections))
        for (grant_id, _), corrections in of_completion.items()
        if grant_id in held and (first := min((c for c in corrections if c.forces), key=_order, default=None))
    ]
    return (*reached, *sorted(forced, key=lambda outcome: (outcome.at, outcome.transaction_id, outcome.grant_id, outcome.completion)))


def forced_keys(compiled: CompiledOffer, history: History) -> frozenset[Key]:
    """The completions that are given by decision, by grant and completion: by such as refunds did not take back."""
    if not history.corrections:
        return NONE
    ended, forces = _ended(history), [correction for correction in history.corrections if correction.forces]
    standing = (one for one in forces if one.transaction_id not in ended and not _given_back(compiled, history, one))
    return frozenset((correction.grant_id, correction.completion) for correction in standing)


def _ended(history: History) -> frozenset[str]:
    """The purchases that are known and of which nothing stands any more."""
    return frozenset(purchase.transaction_id for purchase in history.purchases if purchase.ended)


def _given_back(compiled: CompiledOffer, history: History, correction: Correction) -> bool:
    """Whether refunds gave back all of a purchase that is not known but for what two people were told of it."""
    if correction.purchase_minor is None:
        return False
    back_minor = history.given_back.get((correction.transaction_id, compiled.version_at(correction.at).terms.currency), 0)
    return back_minor >= max(correction.purchase_minor, 1)


def _adjusted(outcome: Outcome, corrections: Collection[Correction]) -> Outcome:
    """What an outcome comes to: what is forced at least, then all adjustments together."""
    least = max((correction.amount_minor for correction in corrections if correction.forces), default=0)
    change = sum(correction.amount_minor for correction in corrections if not correction.forces)
    base_minor, cleared_minor = max(outcome.reward_minor, least), max(outcome.earned_minor, least)
    reward_minor = max(base_minor + change, 0) if base_minor else 0
    due = change if cleared_minor == base_minor else min(change, 0)
    earned_minor = min(max(cleared_minor + due, 0), reward_minor)
    return outcome._replace(reward_minor=reward_minor, earned_minor=earned_minor, corrected_minor=reward_minor - outcome.reward_minor)


def _nothing_yet(compiled: CompiledOffer, correction: Correction) -> Outcome:
    """A completion that no purchase reached: the terms give nothing for it."""
    version = compiled.version_at(correction.at)
    return Outcome(
        grant_id=correction.grant_id,
        completion=correction.completion,
        ordinal=0,
        reward_minor=0,
        earned_minor=0,
        qualifying_minor=0,
        at=correction.at,
        held_from=correction.at,
        transaction_id=correction.transaction_id,
        version=version.number,
        merchant_id=correction.merchant_id,
        account_token=None,
    )
