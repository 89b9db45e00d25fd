"""The least and the most that one redemption can earn by its reward, over all amounts that can complete a grant. In minor units."""

from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from shared.eligibility.compile import CompiledVersion
from shared.eligibility.rewards import NO_MORE, compile_reward
from shared.eligibility.terms import Operator, Terms, TieredReward
from shared.kernel.money import MAX_MINOR, to_minor

KEPT: Final = 10_000
"""Of so many versions the least reward is kept."""


class Bounds(NamedTuple):
    """The smallest reward that is more than nothing, and the largest."""

    least: int
    most: int


def reward_bounds(terms: Terms) -> Bounds | None:
    """Between which bounds a reward lies, before limits; None where no amount earns anything."""
    reward = compile_reward(terms)
    earning = [stretch for stretch in _stretches(terms) if reward(stretch[-1])]
    if not earning:
        return None
    least = min(reward(stretch[bisect_left(stretch, 1, key=reward)]) for stretch in earning)
    return Bounds(least, max(reward(stretch[-1]) for stretch in earning))


@lru_cache(maxsize=KEPT)
def least_reward_minor(version: CompiledVersion) -> int:
    """The least that a redemption under a version earns, where neither the customer's limit nor a refund trims it."""
    bounds = reward_bounds(version.terms)
    return bounds.least if bounds else 1


def rewarded_amounts(terms: Terms) -> range:
    """The amounts that a reward can be reckoned on: of a purchase, of visits together, of a running sum."""
    asked = terms.qualification
    threshold = to_minor(asked.threshold, terms.currency)
    reached = threshold + (asked.operator is Operator.MORE_THAN)
    most = MAX_MINOR if asked.maximum is None else to_minor(asked.maximum, terms.currency)
    if asked.kind == "cumulative_spend":
        last = threshold if terms.repeat else MAX_MINOR * (most > 0)
        return range(max(threshold if terms.repeat else reached, 1), last + 1)
    visits = asked.visits or 1
    return range(max(visits * reached, 1), visits * most + 1)


def _stretches(terms: Terms) -> Iterator[range]:
    """The rewarded amounts in parts on each of which more never earns less: of whole amounts a higher tier may pay less."""
    amounts = rewarded_amounts(terms)
    for start, stop in pairwise((0, *_steps(terms), NO_MORE)):
        stretch = range(max(start, amounts.start), min(stop, amounts.stop))
        if stretch:
            yield stretch


def _steps(terms: Terms) -> list[int]:
    reward = terms.reward
    if not isinstance(reward, TieredReward) or reward.on == "marginal":
        return []
    return [to_minor(tier.reached, terms.currency) for tier in reward.tiers]
