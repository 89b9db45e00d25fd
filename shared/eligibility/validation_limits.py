"""What limits and counts must be to make sense together."""

from collections.abc import Iterator
from typing import Final

from shared.eligibility.terms import PeriodLimit, Terms
from shared.eligibility.validation_rule import DAY, MONTH, Minors, ValidationRule
from shared.kernel.errors import Problem


def _repeats_once(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    if terms.repeat and terms.limits.redemptions_per_customer == 1:
        message = "Contradicts `repeat`: allow more than one redemption per customer, or let the offer complete once."
        yield Problem(path="/limits/redemptions_per_customer", message=message)


def _visits_unclear(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    counted, visits = terms.qualification.kind == "visits", terms.qualification.visits
    if counted and visits is None:
        yield Problem(path="/qualification/visits", message="Is missing: say how many visits complete the offer.")
    if visits is not None and not counted:
        yield Problem(path="/qualification/visits", message="Counts only for the kind `visits`: choose that kind, or leave it out.")


def _calendar_of_several(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    for place, limit in enumerate(terms.limits.per_period):
        if limit.kind == "calendar" and limit.per[1:-1] != "1":
            message = "A calendar period is one day, week or month: give P1D, P1W or P1M, or make it rolling."
            yield Problem(path=f"/limits/per_period/{place}/per", message=message)


def _period_twice(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    seen = set()
    for place, limit in enumerate(terms.limits.per_period):
        if (limit.per, limit.kind) in seen:
            yield Problem(path=f"/limits/per_period/{place}", message="There is a limit for this period already: keep one.")
        seen.add((limit.per, limit.kind))


def _never_reached(terms: Terms, minors: Minors) -> Iterator[Problem]:
    for path, allowed, other, most in _nested(terms, minors):
        if allowed is not None and most is not None and allowed > most:
            message = f"Is never reached, for `{other}` allows less: lower it, raise that, or leave one of them out."
            yield Problem(path=path, message=message)


def _nested(terms: Terms, minors: Minors) -> Iterator[tuple[str, int | None, str, int | None]]:
    """Limits that lie in another: where the inner one stands and what it allows, the other's name and what that allows."""
    limits = terms.limits
    wider = (("redemptions_per_customer", limits.redemptions_per_customer), ("redemptions_total", limits.redemptions_total))
    yield "/limits/redemptions_per_customer", limits.redemptions_per_customer, *wider[1]
    yield DAY, minors.get(DAY), "budget_per_month", minors.get(MONTH)
    for place, limit in enumerate(limits.per_period):
        path = f"/limits/per_period/{place}/redemptions"
        for name, most in (*wider, *((longer.per, longer.redemptions) for longer in limits.per_period if _lies_in(limit, longer))):
            yield path, limit.redemptions, name, most


def _lies_in(period: PeriodLimit, longer: PeriodLimit) -> bool:
    """Whether each such period lies in one of the longer ones. A calendar week may lie in two months."""
    if "calendar" in (period.kind, longer.kind):
        return period.kind == longer.kind and period.per == "P1D" != longer.per
    longest, shortest = (int(limit.per[1:-1]) * days[limit.per[-1]] for limit, days in ((period, AT_MOST), (longer, AT_LEAST)))
    return longest <= shortest


AT_LEAST: Final = {"D": 1, "W": 7, "M": 28}
AT_MOST: Final = {"D": 1, "W": 7, "M": 31}
"""Days of each unit of a rolling period."""


def _nothing_to_honour(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    if terms.goodwill is not None and terms.activation != "required":
        message = "Honours what was activated, and this offer needs no activation: ask for one, or leave goodwill out."
        yield Problem(path="/goodwill", message=message)


RULES: Final = (
    ValidationRule("repeats_once", "An offer that repeats allows a customer more than one redemption.", _repeats_once),
    ValidationRule("visits_unclear", "The number of visits is given where visits are counted, and only there.", _visits_unclear),
    ValidationRule("calendar_of_several", "A calendar period is one day, one week or one month.", _calendar_of_several),
    ValidationRule("period_twice", "There is one limit for each period.", _period_twice),
    ValidationRule("nothing_to_honour", "Goodwill honours what was activated: the offer asks for an activation.", _nothing_to_honour),
    ValidationRule(
        "never_reached", "No limit allows more than one that it lies in: a day's than the month's, one customer's than all.", _never_reached
    ),
)
