"""The usual terms in one pass: why a purchase does not count, without asking one rule after the other.

What decides is the table of rules in `rules`. This is the same for the rules that nearly every offer has, in the same order, as it is much
faster; a test holds the one against the other. Terms that ask for more than this are left to the table.
"""

from collections.abc import Callable
from typing import Final

from shared.eligibility.model import Grant, History, Purchase, within
from shared.eligibility.terms import Operator, Terms
from shared.eligibility.windows import WEEKDAYS, CompiledWindow
from shared.kernel.money import to_minor
from shared.kernel.reasons import Reason

NOTHING: Final = 0
NO_MORE: Final = 1 << 62

WhyNot = Callable[[History, Grant, Purchase, int, int], Reason | None]
"""Of a grant and a purchase, how often the grant was completed before, and the amount that qualifies: why the purchase does not count."""


def usual_rules(terms: Terms, window: CompiledWindow) -> WhyNot | None:  # noqa: C901  (a rule is a line)
    """The rules under these terms, of an offer that was never stopped and customers who are not held out; None where that is not all."""
    if not _any_hour(window):
        return None
    start, stop = window.surely()
    least, most = _counting_amounts(terms)
    currency, repeat, needs_activation = terms.currency, terms.repeat, terms.activation == "required"

    def why_not(  # noqa: PLR0911  (a reason is a line)
        history: History, grant: Grant, purchase: Purchase, completions: int, amount_minor: int
    ) -> Reason | None:
        at = purchase.at
        if grant.granted_at > at:
            return Reason.NOT_TARGETED
        if grant.revoked_at is not None and grant.revoked_at <= at:
            return Reason.GRANT_REVOKED
        if history.consent_withdrawn and within(history.consent_withdrawn, at):
            return Reason.CONSENT_WITHDRAWN
        if needs_activation and (grant.activated_at is None or grant.activated_at > at):
            return Reason.ACTIVATED_AFTER_PURCHASE if grant.activated_at else Reason.NOT_ACTIVATED
        if not start <= at < stop and not window.holds(at, purchase.zone, history.zone):
            return Reason.OUTSIDE_WINDOW
        if purchase.currency != currency:
            return Reason.CURRENCY_MISMATCH
        if purchase.ended is not None or (completions and not repeat):
            return purchase.ended or Reason.ALREADY_COMPLETED
        if not least <= amount_minor <= most:
            return Reason.AMOUNT_BELOW_THRESHOLD if amount_minor < least else Reason.AMOUNT_ABOVE_MAXIMUM
        return None

    return why_not


def _any_hour(window: CompiledWindow) -> bool:
    """Whether the window asks only for its span: of no day, hour, arrival or age of the grant."""
    every_day = len(window.weekdays) == len(WEEKDAYS)
    return every_day and not (window.times or window.excluded or window.tail or window.life_days)


def _counting_amounts(terms: Terms) -> tuple[int, int]:
    """The least and the most that one purchase must come to."""
    asked = terms.qualification
    more = asked.operator is Operator.MORE_THAN
    least = NOTHING if asked.kind == "cumulative_spend" else to_minor(asked.threshold, terms.currency) + more
    return least, NO_MORE if asked.maximum is None else to_minor(asked.maximum, terms.currency)
