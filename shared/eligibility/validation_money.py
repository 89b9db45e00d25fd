"""What rewards, thresholds and limits must be to make sense together."""

from collections.abc import Iterator
from typing import Final

from shared.eligibility.terms import PercentReward, Terms
from shared.eligibility.validation_rule import CAP, REWARD, REWARD_LIMIT, THRESHOLD, Minors, ValidationRule
from shared.kernel.errors import Problem
from shared.kernel.money import share, to_decimal


def _pays_nothing(_terms: Terms, minors: Minors) -> Iterator[Problem]:
    for path in (REWARD, CAP, REWARD_LIMIT):
        if minors.get(path, 1) < 1:
            yield Problem(path=path, message="Pays nothing: give at least one minor unit of the currency.")


def _limit_below_reward(terms: Terms, minors: Minors) -> Iterator[Problem]:
    reward, limit = minors.get(REWARD), minors.get(REWARD_LIMIT)
    if reward and limit and limit < reward:
        smallest = to_decimal(reward, terms.currency)
        yield Problem(path=REWARD_LIMIT, message=f"Is below the fixed reward, which could never be paid in full: give at least {smallest}.")


def _endless(terms: Terms, minors: Minors) -> Iterator[Problem]:
    if terms.repeat and terms.qualification.kind == "cumulative_spend" and minors.get(THRESHOLD) == 0:
        yield Problem(path=THRESHOLD, message="A cumulative offer that repeats would complete endlessly at 0: give a threshold above 0.")


def _share_of_threshold(terms: Terms, minors: Minors) -> Iterator[Problem]:
    """A cumulative offer that repeats rewards the threshold, whatever was spent."""
    reward, threshold = terms.reward, minors.get(THRESHOLD)
    if not (terms.repeat and terms.qualification.kind == "cumulative_spend" and isinstance(reward, PercentReward) and threshold):
        return
    if share(threshold, reward.basis_points, rounding=reward.rounding) == 0:
        yield Problem(path="/reward/basis_points", message="This share of the threshold rounds to nothing: raise it or the threshold.")


def _repeats_once(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    if terms.repeat and terms.limits.redemptions_per_customer == 1:
        message = "Contradicts `repeat`: allow more than one redemption per customer, or let the offer complete once."
        yield Problem(path="/limits/redemptions_per_customer", message=message)


RULES: Final = (
    ValidationRule("pays_nothing", "A reward, its cap and the limit on it are at least one minor unit of the currency.", _pays_nothing),
    ValidationRule("limit_below_reward", "The most that a customer is given is not below a fixed reward.", _limit_below_reward),
    ValidationRule("endless", "A cumulative offer that repeats has a threshold above 0.", _endless),
    ValidationRule(
        "share_of_threshold",
        "What a repeated cumulative offer pays on its threshold is at least one minor unit.",
        _share_of_threshold,
    ),
    ValidationRule("repeats_once", "An offer that repeats allows a customer more than one redemption.", _repeats_once),
)
