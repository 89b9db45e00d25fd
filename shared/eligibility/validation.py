"""Everything that is wrong with terms beyond their shape, found at once, before they are stored.

To add a rule: an entry in the table of the module that it belongs to; it is then asked, and listed for whoever designs offers.
"""

from collections.abc import Iterator
from typing import Final

from shared.eligibility import (
    validation_audience,
    validation_clawback,
    validation_limits,
    validation_money,
    validation_scope,
    validation_window,
)
from shared.eligibility.terms import Terms
from shared.eligibility.validation_rule import Minors, ValidationRule, amounts_in
from shared.kernel.errors import Problem
from shared.kernel.money import MAX_MINOR, to_decimal, to_minor
from shared.kernel.wire import Amount


def problems(terms: Terms) -> tuple[Problem, ...]:
    """All that is wrong with the meaning of terms, each with where and how to mend it. Terms without problems can't fail in use."""
    amounts = amounts_in(terms)
    readable = {path: to_minor(amount, terms.currency) for path, amount in amounts.items() if not _unreadable(amount, terms.currency)}
    return tuple(problem for rule in RULES for problem in rule.broken(terms, readable))


def _unreadable(amount: Amount, currency: str) -> str | None:
    try:
        return (
            None if to_minor(amount, currency) <= MAX_MINOR else f"Is more than {to_decimal(MAX_MINOR, currency)}: give a smaller amount."
        )
    except ValueError as error:
        return f"{error}: give fewer decimals."


def _amount_unreadable(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    for path, amount in amounts_in(terms).items():
        why = _unreadable(amount, terms.currency)
        if why:
            yield Problem(path=path, message=why)


RULES: Final = (
    ValidationRule("amount_unreadable", "Amounts have no more decimals than their currency, and can be reckoned with.", _amount_unreadable),
    *validation_money.RULES,
    *validation_limits.RULES,
    *validation_clawback.RULES,
    *validation_scope.RULES,
    *validation_window.RULES,
    *validation_audience.RULES,
)
"""Every rule on the meaning of terms, in the order in which problems are told."""
