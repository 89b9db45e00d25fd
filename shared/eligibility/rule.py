"""What a rule is: one check, its reason, and both sides of it in words; and what rules are held against."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Generic, NamedTuple, TypeVar

from shared.eligibility.compile import CompiledVersion
from shared.eligibility.model import Grant, History, Offer, Purchase, RuleResult
from shared.kernel.reasons import Reason

Subject = TypeVar("Subject")


def _whatever(_subject: object) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Rule(Generic[Subject]):
    """One rule: a check, the reason when it fails, and both sides of it in words."""

    name: str
    reason: Reason
    passes: Callable[[Subject], bool]
    expected: Callable[[Subject], str]
    actual: Callable[[Subject], str]
    asked: Callable[[Subject], bool] = _whatever
    """Whether the rule can fail at all, whatever the purchase: where it can't, it is not held against each purchase."""
    otherwise: str = ""
    """What holds, in words, where the rule can't fail."""
    because: Callable[[Subject], Reason | None] | None = None
    """The reason, where what fails has one of its own."""

    def result(self, subject: Subject) -> RuleResult:
        """Hold a rule that is asked against a subject and tell what was asked and found."""
        passed = self.passes(subject)
        expected, actual = self.expected(subject), self.actual(subject)
        reason = None if passed else self.why_not(subject)
        return RuleResult(rule=self.name, passed=passed, expected=expected, actual=actual, reason=reason)

    def why_not(self, subject: Subject) -> Reason:
        """The reason why a subject fails the rule."""
        return (self.because(subject) if self.because else None) or self.reason

    @cached_property
    def not_asked(self) -> RuleResult:
        """What is told where the rule can't fail; the same each time, for most rules of an offer are of this kind."""
        return RuleResult(rule=self.name, passed=True, expected=self.otherwise, actual=self.otherwise)


def results(rules: Iterable[Rule[Subject]], subject: Subject) -> list[RuleResult]:
    """What every rule says of the subject."""
    return [rule.result(subject) if rule.asked(subject) else rule.not_asked for rule in rules]


def first_failing(rules: Iterable[Rule[Subject]], subject: Subject) -> Reason | None:
    """The reason of the first rule that the subject fails; None when it passes all."""
    for rule in rules:
        if not rule.passes(subject):
            return rule.why_not(subject)
    return None


class Case(NamedTuple):
    """One purchase held against one grant (None: against the offer), under the version in force at the purchase."""

    offer: Offer
    version: CompiledVersion
    history: History
    grant: Grant | None
    purchase: Purchase
    completions: int
    """How often the grant was completed before."""
    qualifying_minor: int
    """The part of the purchase that qualifies, as it is judged."""
    bought_at: datetime | None = None
    """When the customer had last bought something in scope before the grant; known where the offer asks for it."""


class Attempt(NamedTuple):
    """A purchase that counts tries to complete its grant."""

    version: CompiledVersion
    amount_minor: int
    """The purchase's qualifying amount, or the running sum with it."""
    base_minor: int
    """What the reward is reckoned on."""
    reward_minor: int
    """The reward before the customer's limits."""
    redemptions: int
    """How many redemptions of the offer the customer has had, over all grants."""
    rewarded_minor: int
    """How much reward of the offer the customer has had, over all grants."""
    visits: int
    """How many purchases have counted since the last completion, this one included."""
    in_periods: tuple[int, ...]
    """How many of those redemptions fall into each of the version's periods."""
