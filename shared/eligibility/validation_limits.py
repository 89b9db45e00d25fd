"""What limits and counts must be to make sense together."""

from collections.abc import Iterator
from typing import Final

from shared.eligibility.terms import Terms
from shared.eligibility.validation_rule import Minors, ValidationRule
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


RULES: Final = (
    ValidationRule("repeats_once", "An offer that repeats allows a customer more than one redemption.", _repeats_once),
    ValidationRule("visits_unclear", "The number of visits is given where visits are counted, and only there.", _visits_unclear),
    ValidationRule("calendar_of_several", "A calendar period is one day, one week or one month.", _calendar_of_several),
    ValidationRule("period_twice", "There is one limit for each period.", _period_twice),
)
