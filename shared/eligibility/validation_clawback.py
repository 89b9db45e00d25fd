"""What clawback must be to leave something that is taken back."""

from collections.abc import Iterator
from typing import Final

from shared.eligibility.terms import Terms
from shared.eligibility.validation_money import bounds_of
from shared.eligibility.validation_rule import REWARD_LIMIT, WRITE_OFF_FLOOR, Minors, ValidationRule
from shared.kernel.errors import Problem
from shared.kernel.money import to_decimal


def _floor_without_debt(terms: Terms, minors: Minors) -> Iterator[Problem]:
    if minors.get(WRITE_OFF_FLOOR) and terms.clawback.negative_balance == "write_off":
        message = "Has no meaning where every negative balance is written off: leave it out, or carry balances forward."
        yield Problem(path=WRITE_OFF_FLOOR, message=message)


def _floor_above_rewards(terms: Terms, minors: Minors) -> Iterator[Problem]:
    bounds = bounds_of(terms, minors)
    most = min(bounds.most, minors.get(REWARD_LIMIT, bounds.most)) if bounds else None
    if most and minors[WRITE_OFF_FLOOR] >= most and terms.clawback.negative_balance == "carry_forward":
        largest = to_decimal(most, terms.currency)
        message = f"Leaves every reward to the customer: give less than {largest}, the largest one, or write negative balances off."
        yield Problem(path=WRITE_OFF_FLOOR, message=message)


RULES: Final = (
    ValidationRule("floor_without_debt", "There is a floor of write-offs only where balances are carried forward.", _floor_without_debt),
    ValidationRule("floor_above_rewards", "The floor of write-offs is below the largest reward.", _floor_above_rewards),
)
