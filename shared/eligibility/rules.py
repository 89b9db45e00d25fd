"""The rules, each in one place: its name, its reason, the check, what it asks and what it finds.

The fold takes the reason of the first rule that fails; the explanation shows them all. To add a rule: an entry in a table here, at
its place in the order; its words in `shared.kernel.reasons`; its cases in `tests/cases/eligibility`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final, Generic, NamedTuple, TypeVar

from shared.eligibility import wording
from shared.eligibility.compile import CompiledVersion
from shared.eligibility.model import Grant, History, Interval, Offer, Purchase, RuleResult
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

    def result(self, subject: Subject) -> RuleResult:
        """Hold the rule against a subject and tell what was asked and found."""
        if not self.asked(subject):
            return self._not_asked
        passed = self.passes(subject)
        expected, actual = self.expected(subject), self.actual(subject)
        return RuleResult(rule=self.name, passed=passed, expected=expected, actual=actual, reason=None if passed else self.reason)

    @cached_property
    def _not_asked(self) -> RuleResult:
        return RuleResult(rule=self.name, passed=True, expected=self.otherwise, actual=self.otherwise)


def first_failing(rules: Iterable[Rule[Subject]], subject: Subject) -> Reason | None:
    """The reason of the first rule that the subject fails; None when it passes all."""
    for rule in rules:
        if not rule.passes(subject):
            return rule.reason
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


class Attempt(NamedTuple):
    """A purchase that counts tries to complete its grant."""

    version: CompiledVersion
    amount_minor: int
    """What is held against the threshold: the purchase's qualifying amount, or the running sum with it."""
    base_minor: int
    """What the reward is reckoned on."""
    reward_minor: int
    """The reward before the customer's limits."""
    redemptions: int
    """How many redemptions of the offer the customer has had, over all grants."""
    rewarded_minor: int
    """How much reward of the offer the customer has had, over all grants."""


def _in(intervals: tuple[Interval, ...], at: datetime) -> bool:
    return any(span.start <= at and (span.end is None or at < span.end) for span in intervals)


def _at(case: Case) -> str:
    return wording.moment(case.purchase.at)


def _zone(case: Case) -> str:
    return case.version.window.zone(case.purchase.zone, case.history.zone)


def _in_window(case: Case) -> bool:
    start, stop = case.version.window.span(case.purchase.zone, case.history.zone)
    return start <= case.purchase.at < stop


def _end_of_life(case: Case) -> datetime | None:
    window, grant = case.version.window, case.grant
    if grant is None or window.life_days is None:
        return None
    return window.grant_stop(grant.granted_at, case.purchase.zone, case.history.zone)


def _alive(case: Case) -> bool:
    end = _end_of_life(case)
    return end is None or case.purchase.at < end


def _revoked_at(case: Case) -> datetime | None:
    return case.grant.revoked_at if case.grant else None


def _activated_at(case: Case) -> datetime | None:
    return case.grant.activated_at if case.grant else None


def _activated_in_time(case: Case) -> bool:
    activated_at = _activated_at(case)
    return not case.version.needs_activation or activated_at is None or activated_at <= case.purchase.at


def _not_withdrawn(case: Case) -> bool:
    """A withdrawn offer goes on for grants that had been activated; one without activation ends for all."""
    withdrawn_at = case.offer.withdrawn_at
    if withdrawn_at is None or case.purchase.at < withdrawn_at:
        return True
    activated_at = _activated_at(case)
    return case.version.needs_activation and activated_at is not None and activated_at < withdrawn_at


WHO_AND_WHEN: Final[tuple[Rule[Case], ...]] = (
    Rule(
        name="not held out",
        reason=Reason.HELD_OUT,
        passes=lambda case: not case.history.held_out,
        expected=lambda _: "outside the hold-out group",
        actual=lambda _: "in the hold-out group",
        asked=lambda case: case.history.held_out,
        otherwise="outside the hold-out group",
    ),
    Rule(
        name="targeted",
        reason=Reason.NOT_TARGETED,
        passes=lambda case: case.grant is not None and case.grant.granted_at <= case.purchase.at,
        expected=lambda case: f"a grant given by {_at(case)}",
        actual=lambda case: "no grant" if case.grant is None else f"granted {wording.moment(case.grant.granted_at)}",
    ),
    Rule(
        name="grant alive",
        reason=Reason.GRANT_EXPIRED,
        passes=_alive,
        expected=lambda case: wording.before(_end_of_life(case)),
        actual=_at,
        asked=lambda case: case.version.window.life_days is not None,
        otherwise="no end of its own",
    ),
    Rule(
        name="grant not revoked",
        reason=Reason.GRANT_REVOKED,
        passes=lambda case: (revoked_at := _revoked_at(case)) is None or case.purchase.at < revoked_at,
        expected=lambda case: wording.before(_revoked_at(case)),
        actual=_at,
        asked=lambda case: _revoked_at(case) is not None,
        otherwise="never revoked",
    ),
    Rule(
        name="consent",
        reason=Reason.CONSENT_WITHDRAWN,
        passes=lambda case: not _in(case.history.consent_withdrawn, case.purchase.at),
        expected=lambda case: wording.outside(case.history.consent_withdrawn),
        actual=_at,
        asked=lambda case: bool(case.history.consent_withdrawn),
        otherwise="never withdrawn",
    ),
    Rule(
        name="activated",
        reason=Reason.NOT_ACTIVATED,
        passes=lambda case: not case.version.needs_activation or _activated_at(case) is not None,
        expected=lambda _: "an activation",
        actual=lambda case: f"activated {wording.moment(_activated_at(case))}",
        asked=lambda case: case.version.needs_activation,
        otherwise="no activation needed",
    ),
    Rule(
        name="activated in time",
        reason=Reason.ACTIVATED_AFTER_PURCHASE,
        passes=_activated_in_time,
        expected=lambda case: f"activated by {_at(case)}",
        actual=lambda case: f"activated {wording.moment(_activated_at(case))}",
        asked=lambda case: case.version.needs_activation,
        otherwise="no activation needed",
    ),
    Rule(
        name="in the window",
        reason=Reason.OUTSIDE_WINDOW,
        passes=_in_window,
        expected=lambda case: wording.window(case.version.terms.window, _zone(case)),
        actual=lambda case: wording.local_moment(case.purchase.at, _zone(case)),
    ),
    Rule(
        name="not withdrawn",
        reason=Reason.WITHDRAWN,
        passes=_not_withdrawn,
        expected=lambda case: wording.before(case.offer.withdrawn_at) + (", or activated before" if case.version.needs_activation else ""),
        actual=_at,
        asked=lambda case: case.offer.withdrawn_at is not None,
        otherwise="never withdrawn",
    ),
    Rule(
        name="not paused",
        reason=Reason.PAUSED,
        passes=lambda case: not _in(case.offer.pauses, case.purchase.at),
        expected=lambda case: wording.outside(case.offer.pauses),
        actual=_at,
        asked=lambda case: bool(case.offer.pauses),
        otherwise="never paused",
    ),
    Rule(
        name="not cancelled",
        reason=Reason.CANCELLED,
        passes=lambda case: case.offer.cancelled_at is None or case.purchase.at < case.offer.cancelled_at,
        expected=lambda case: wording.before(case.offer.cancelled_at),
        actual=_at,
        asked=lambda case: case.offer.cancelled_at is not None,
        otherwise="never cancelled",
    ),
    Rule(
        name="currency",
        reason=Reason.CURRENCY_MISMATCH,
        passes=lambda case: case.purchase.currency == case.version.terms.currency,
        expected=lambda case: case.version.terms.currency,
        actual=lambda case: case.purchase.currency,
    ),
)
"""Whether the customer, the moment and the currency are right."""

SCOPE: Final[tuple[Rule[Case], ...]] = (
    Rule(
        name="merchant",
        reason=Reason.MERCHANT_NOT_IN_SCOPE,
        passes=lambda case: case.version.scope.merchants.admits(case.purchase.merchant_id),
        expected=lambda case: wording.sieve(case.version.scope.merchants, "merchants"),
        actual=lambda case: case.purchase.merchant_id,
        asked=lambda case: case.version.scope.merchants.asks,
        otherwise="any merchant",
    ),
    Rule(
        name="location",
        reason=Reason.LOCATION_NOT_IN_SCOPE,
        passes=lambda case: case.version.scope.locations.admits(case.purchase.location_id),
        expected=lambda case: wording.sieve(case.version.scope.locations, "locations"),
        actual=lambda case: case.purchase.location_id or "unknown",
        asked=lambda case: case.version.scope.locations.asks,
        otherwise="any location",
    ),
    Rule(
        name="merchant category",
        reason=Reason.MCC_NOT_IN_SCOPE,
        passes=lambda case: case.version.scope.mccs.admits(case.purchase.mcc),
        expected=lambda case: wording.sieve(case.version.scope.mccs, "merchant category codes"),
        actual=lambda case: case.purchase.mcc or "unknown",
        asked=lambda case: case.version.scope.mccs.asks,
        otherwise="any merchant category",
    ),
    Rule(
        name="products",
        reason=Reason.PRODUCT_NOT_IN_SCOPE,
        passes=lambda case: case.version.scope.has_product(case.purchase),
        expected=lambda case: wording.sieve(case.version.scope.products, "products"),
        actual=lambda case: wording.codes({item.product for item in case.purchase.items}, "products") or "no items",
        asked=lambda case: case.version.scope.products.asks,
        otherwise="any product",
    ),
)
"""Whether the purchase is what the offer is about. The fold asks this of a purchase once, by the version's `in_scope`."""

STILL_OPEN: Final[tuple[Rule[Case], ...]] = (
    Rule(
        name="not completed before",
        reason=Reason.ALREADY_COMPLETED,
        passes=lambda case: case.version.repeat or not case.completions,
        expected=lambda _: "completes once",
        actual=lambda case: f"completed {case.completions} times before",
        asked=lambda case: not case.version.repeat,
        otherwise="completes again and again",
    ),
)
"""Whether the grant takes any more purchases."""

COUNTS: Final = WHO_AND_WHEN + STILL_OPEN
"""What a purchase in scope must pass to count for a grant."""


def _asks_amount(attempt: Attempt) -> str:
    version = attempt.version
    return f"{version.terms.qualification.operator.value} {wording.money(version.threshold_minor, version.terms.currency)}"


def _money(attempt: Attempt, minor: int | None) -> str:
    return wording.money(minor, attempt.version.terms.currency)


COMPLETES: Final[tuple[Rule[Attempt], ...]] = (
    Rule(
        name="amount",
        reason=Reason.AMOUNT_BELOW_THRESHOLD,
        passes=lambda attempt: attempt.version.cumulative or attempt.version.reaches_threshold(attempt.amount_minor),
        expected=_asks_amount,
        actual=lambda attempt: _money(attempt, attempt.amount_minor),
        asked=lambda attempt: not attempt.version.cumulative,
        otherwise="the sum decides",
    ),
    Rule(
        name="running sum",
        reason=Reason.PROGRESS_BELOW_THRESHOLD,
        passes=lambda attempt: not attempt.version.cumulative or attempt.version.reaches_threshold(attempt.amount_minor),
        expected=_asks_amount,
        actual=lambda attempt: _money(attempt, attempt.amount_minor),
        asked=lambda attempt: attempt.version.cumulative,
        otherwise="the one purchase decides",
    ),
    Rule(
        name="something to reward",
        reason=Reason.NOTHING_TO_REWARD,
        passes=lambda attempt: attempt.reward_minor > 0,
        expected=lambda attempt: f"a reward on {_money(attempt, attempt.base_minor)}",
        actual=lambda attempt: _money(attempt, attempt.reward_minor),
    ),
    Rule(
        name="customer's redemptions",
        reason=Reason.CUSTOMER_LIMIT_REACHED,
        passes=lambda attempt: (most := attempt.version.redemptions_per_customer) is None or attempt.redemptions < most,
        expected=lambda attempt: f"fewer than {attempt.version.redemptions_per_customer} before",
        actual=lambda attempt: f"{attempt.redemptions} before",
        asked=lambda attempt: attempt.version.redemptions_per_customer is not None,
        otherwise="any number",
    ),
    Rule(
        name="customer's reward",
        reason=Reason.CUSTOMER_LIMIT_REACHED,
        passes=lambda attempt: (most := attempt.version.reward_per_customer_minor) is None or attempt.rewarded_minor < most,
        expected=lambda attempt: f"less than {_money(attempt, attempt.version.reward_per_customer_minor)} before",
        actual=lambda attempt: f"{_money(attempt, attempt.rewarded_minor)} before",
        asked=lambda attempt: attempt.version.reward_per_customer_minor is not None,
        otherwise="any amount",
    ),
)
"""What a purchase that counts must pass to complete its grant."""
