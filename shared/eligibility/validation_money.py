"""What rewards and thresholds must be to make sense together."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from shared.eligibility.bounds import Bounds, reward_bounds, rewarded_amounts
from shared.eligibility.terms import PercentReward, Terms, Tier, TieredReward
from shared.eligibility.validation_rule import (
    CAP,
    LIMITS,
    MAXIMUM,
    MINIMUM,
    REWARD,
    THRESHOLD,
    Minors,
    ValidationRule,
    amounts_in,
    tier_path,
)
from shared.kernel.errors import Problem
from shared.kernel.money import to_decimal


def _pays_nothing(terms: Terms, minors: Minors) -> Iterator[Problem]:
    amounts = [tier_path(place, "amount") for place in range(len(_tiers(terms)))]
    for path in (REWARD, MINIMUM, CAP, *LIMITS, *amounts):
        if minors.get(path, 1) < 1:
            yield Problem(path=path, message="Pays nothing: give at least one minor unit of the currency.")


def _limit_below_reward(terms: Terms, minors: Minors) -> Iterator[Problem]:
    bounds = bounds_of(terms, minors)
    least = bounds.least if bounds else 0
    for path in LIMITS:
        if minors.get(path, least) < least:
            smallest = to_decimal(least, terms.currency)
            yield Problem(path=path, message=f"Is below the smallest reward, which could never be paid in full: give at least {smallest}.")


def _cap_below_minimum(_terms: Terms, minors: Minors) -> Iterator[Problem]:
    if minors.get(CAP, 0) < minors.get(MINIMUM, 0) and CAP in minors:
        yield Problem(path=CAP, message="Is below the minimum: raise it, or lower the minimum.")


def _tier_pays_otherwise(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    """Of whole amounts a tier pays a share or a fixed amount; of slices a share."""
    reward = terms.reward
    for place, tier in enumerate(_tiers(terms)):
        if isinstance(reward, TieredReward) and reward.on == "marginal" and (tier.basis_points is None or tier.amount is not None):
            yield Problem(path=f"/reward/tiers/{place}", message="A slice pays a share of itself: give `basis_points` and no `amount`.")
        elif (tier.basis_points is None) == (tier.amount is None):
            yield Problem(path=f"/reward/tiers/{place}", message="A tier pays one thing: give either `basis_points` or `amount`.")


def _tiers_disordered(terms: Terms, minors: Minors) -> Iterator[Problem]:
    starts = [minors.get(tier_path(place, "reached")) for place in range(len(_tiers(terms)))]
    for place, (before, after) in enumerate(pairwise(starts), start=1):
        if before is not None and after is not None and after <= before:
            yield Problem(path=tier_path(place, "reached"), message="Is not above the tier before: put the tiers in order, each once.")


def _maximum_too_low(terms: Terms, minors: Minors) -> Iterator[Problem]:
    """No purchase could be large enough and small enough at once."""
    sums = terms.qualification.kind == "cumulative_spend"
    needed = 0 if sums else minors.get(THRESHOLD, 0) + (terms.qualification.operator.value == ">")
    if MAXIMUM in minors and minors[MAXIMUM] < max(needed, 1):
        yield Problem(path=MAXIMUM, message="Leaves no amount that reaches the threshold: raise it, or lower the threshold.")


def _endless(terms: Terms, minors: Minors) -> Iterator[Problem]:
    if _carries(terms) and minors.get(THRESHOLD) == 0:
        yield Problem(path=THRESHOLD, message="A cumulative offer that repeats would complete endlessly at 0: give a threshold above 0.")


def _earns_nothing(terms: Terms, minors: Minors) -> Iterator[Problem]:
    """A maximum, or a repeat that rewards the threshold whatever was spent, may keep all amounts below what earns anything."""
    if _flawed(terms, minors) or not rewarded_amounts(terms) or reward_bounds(terms):
        return
    if isinstance(terms.reward, PercentReward):
        yield Problem(path="/reward/basis_points", message="This share of the largest amount rounds to nothing: raise it or the amount.")
    else:
        yield Problem(path="/reward/tiers", message="No amount that counts earns anything: begin the tiers lower.")


def bounds_of(terms: Terms, minors: Minors) -> Bounds | None:
    """Between which bounds a reward lies; None where other rules are broken that must be kept to tell."""
    return None if _flawed(terms, minors) else reward_bounds(terms)


def _flawed(terms: Terms, minors: Minors) -> bool:
    unreadable = amounts_in(terms).keys() - minors.keys()
    by_itself = (_pays_nothing, _tier_pays_otherwise, _tiers_disordered)
    return bool(unreadable) or any(True for rule in by_itself for _ in rule(terms, minors))


def _carries(terms: Terms) -> bool:
    return terms.repeat and terms.qualification.kind == "cumulative_spend"


def _tiers(terms: Terms) -> list[Tier]:
    return terms.reward.tiers if isinstance(terms.reward, TieredReward) else []


RULES: Final = (
    ValidationRule("pays_nothing", "A reward, its bounds and the limit on it are at least one minor unit of the currency.", _pays_nothing),
    ValidationRule("limit_below_reward", "No limit that is an amount is below the smallest reward.", _limit_below_reward),
    ValidationRule("cap_below_minimum", "The most that a reward comes to is not below the least.", _cap_below_minimum),
    ValidationRule("tier_pays_otherwise", "A tier pays a share, or of whole amounts a fixed amount, and not both.", _tier_pays_otherwise),
    ValidationRule("tiers_disordered", "Each tier begins above the one before.", _tiers_disordered),
    ValidationRule("maximum_too_low", "The largest amount of a purchase reaches the threshold.", _maximum_too_low),
    ValidationRule("endless", "A cumulative offer that repeats has a threshold above 0.", _endless),
    ValidationRule("earns_nothing", "Some amount that counts earns at least one minor unit.", _earns_nothing),
)
