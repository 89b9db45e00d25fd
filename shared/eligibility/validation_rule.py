"""What a rule on the meaning of terms is made of."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from shared.eligibility.terms import Terms
from shared.kernel.errors import Problem

REWARD: Final = "/reward/amount"
CAP: Final = "/reward/cap"
MINIMUM: Final = "/reward/minimum"
THRESHOLD: Final = "/qualification/threshold"
MAXIMUM: Final = "/qualification/maximum"
REWARD_LIMIT: Final = "/limits/reward_per_customer"


def tier_path(place: int, field: str) -> str:
    """Where a field of a tier stands."""
    return f"/reward/tiers/{place}/{field}"


Minors = Mapping[str, int]
"""The amounts that are given and can be read, in minor units, by their path."""


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """One rule: its name, what it asks in a sentence, and the check that tells where it is broken and how to mend it."""

    name: str
    asks: str
    broken: Callable[[Terms, Minors], Iterator[Problem]]
