"""Rewards compiled: from a qualifying amount to what it earns, before the customer's limits. Amounts in minor units."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final, cast

from shared.eligibility.terms import FixedReward, PercentReward, Terms, Tier, TieredReward
from shared.eligibility.written import Expression
from shared.kernel.money import ADDED, BASIS_POINTS, Rounding, in_whole, share, to_minor
from shared.kernel.wire import Amount

Reckoning = Callable[[int], int]
NO_MORE: Final = 1 << 62


def reckon(terms: Terms) -> Expression:
    """What `amount_minor`, of what qualifies, earns; nothing qualifying earns nothing, of a fixed reward too."""
    reward, currency = terms.reward, terms.currency
    if isinstance(reward, FixedReward):
        return Expression("fixed_minor if amount_minor > 0 else 0", {"fixed_minor": to_minor(reward.amount, currency)})
    return _within(_percent(reward) if isinstance(reward, PercentReward) else _tiers(reward, currency), reward, currency)


def compile_reward(terms: Terms) -> Reckoning:
    """The same, as a function."""
    return cast("Reckoning", reckon(terms).written("amount_minor"))


def largest_reward(terms: Terms) -> int | None:
    """The most that one redemption can earn by its reward alone; None where nothing bounds it."""
    reward, currency = terms.reward, terms.currency
    if isinstance(reward, FixedReward):
        return to_minor(reward.amount, currency)
    if reward.cap is not None:
        return to_minor(reward.cap, currency)
    if isinstance(reward, TieredReward) and all(tier.amount is not None for tier in reward.tiers):
        return max(_minor(amount, currency) for amount in (reward.minimum, *(tier.amount for tier in reward.tiers)))
    return None


def _within(reckoning: Expression, reward: PercentReward | TieredReward, currency: str) -> Expression:
    """Not less than the minimum where anything qualifies, and not more than the cap."""
    least, most = _minor(reward.minimum, currency), _minor(reward.cap, currency, missing=NO_MORE)
    if least == 0 and most == NO_MORE:
        return reckoning
    bounds = {"least_reward": least, "most_reward": most, "min": min, "max": max}
    bounded = f"min(max({reckoning.text}, least_reward), most_reward) if amount_minor > 0 else 0"
    return Expression(bounded, {**reckoning.names, **bounds})


def _percent(reward: PercentReward) -> Expression:
    points = {"basis_points": reward.basis_points, "added": ADDED[reward.rounding], "BASIS_POINTS": BASIS_POINTS}
    return Expression("(amount_minor * basis_points + added) // BASIS_POINTS", points)


def _tiers(reward: TieredReward, currency: str) -> Expression:
    starts = [to_minor(tier.reached, currency) for tier in reward.tiers]
    if reward.on == "marginal":
        of_tiers = _slices(starts, [tier.basis_points or 0 for tier in reward.tiers], reward.rounding)
    else:
        of_tiers = _whole(starts, [_of_tier(tier, currency, reward.rounding) for tier in reward.tiers])
    return Expression("of_tiers(amount_minor)", {"of_tiers": of_tiers})


def _whole(starts: Sequence[int], paid: Sequence[Reckoning]) -> Reckoning:
    """The whole amount at the rate of the highest tier that it reaches."""

    def of_whole(qualifying: int) -> int:
        reached = bisect_right(starts, qualifying)
        return paid[reached - 1](qualifying) if reached and qualifying > 0 else 0

    return of_whole


def _of_tier(tier: Tier, currency: str, rounding: Rounding) -> Reckoning:
    if tier.basis_points is None:
        amount_minor = _minor(tier.amount, currency)
        return lambda _qualifying: amount_minor
    basis_points = tier.basis_points
    return lambda qualifying: share(qualifying, basis_points, rounding=rounding)


def _slices(starts: Sequence[int], basis_points: Sequence[int], rounding: Rounding) -> Reckoning:
    """Each slice at its own rate; the sum is rounded once."""
    slices = tuple(zip(pairwise((*starts, NO_MORE)), basis_points, strict=True))

    def of_slices(qualifying: int) -> int:
        parts = sum(max(min(qualifying, end) - start, 0) * points for (start, end), points in slices)
        return in_whole(parts, rounding=rounding)

    return of_slices


def _minor(amount: Amount | None, currency: str, missing: int = 0) -> int:
    return missing if amount is None else to_minor(amount, currency)
