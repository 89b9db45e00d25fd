"""What a rule on the meaning of terms is made of."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from shared.eligibility.terms import FixedReward, Terms, TieredReward
from shared.kernel.errors import Problem
from shared.kernel.wire import Amount

REWARD: Final = "/reward/amount"
CAP: Final = "/reward/cap"
MINIMUM: Final = "/reward/minimum"
THRESHOLD: Final = "/qualification/threshold"
MAXIMUM: Final = "/qualification/maximum"
REWARD_LIMIT: Final = "/limits/reward_per_customer"
DAY: Final = "/limits/budget_per_day"
MONTH: Final = "/limits/budget_per_month"
LIMITS: Final = (REWARD_LIMIT, "/limits/reward_per_account", DAY, MONTH, "/limits/budget_per_merchant")
"""The limits that are amounts."""
WRITE_OFF_FLOOR: Final = "/clawback/write_off_floor"


def tier_path(place: int, field: str) -> str:
    """Where a field of a tier stands."""
    return f"/reward/tiers/{place}/{field}"


def amounts_in(terms: Terms) -> dict[str, Amount]:
    """The amounts that are given, by where they stand."""
    reward = terms.reward
    given: dict[str, Amount | None] = {
        THRESHOLD: terms.qualification.threshold,
        MAXIMUM: terms.qualification.maximum,
        WRITE_OFF_FLOOR: terms.clawback.write_off_floor,
    }
    given |= {path: getattr(terms.limits, path.rpartition("/")[2]) for path in LIMITS}
    if isinstance(reward, FixedReward):
        given[REWARD] = reward.amount
    else:
        given |= {MINIMUM: reward.minimum, CAP: reward.cap}
    if isinstance(reward, TieredReward):
        for place, tier in enumerate(reward.tiers):
            given |= {tier_path(place, "reached"): tier.reached, tier_path(place, "amount"): tier.amount}
    return {path: amount for path, amount in given.items() if amount is not None}


Minors = Mapping[str, int]
"""The amounts that are given and can be read, in minor units, by their path."""


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """One rule: its name, what it asks in a sentence, and the check that tells where it is broken and how to mend it."""

    name: str
    asks: str
    broken: Callable[[Terms, Minors], Iterator[Problem]]
