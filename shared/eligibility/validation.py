"""Everything that is wrong with terms beyond their shape, found at once, before they are stored.

To add a rule: an entry in the table of the module that it belongs to; it is then asked, and listed for whoever designs offers.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Final

from shared.eligibility import (
    validation_audience,
    validation_clawback,
    validation_content,
    validation_limits,
    validation_money,
    validation_scope,
    validation_variants,
    validation_window,
)
from shared.eligibility.terms import Terms, Variant
from shared.eligibility.validation_rule import THRESHOLD, Minors, ValidationRule, amounts_in
from shared.kernel.errors import Problem
from shared.kernel.money import MAX_MINOR, to_decimal, to_minor
from shared.kernel.wire import Amount


def problems(terms: Terms) -> tuple[Problem, ...]:
    """All that is wrong with the meaning of terms, each with where and how to mend it. Terms without problems can't fail in use."""
    own = tuple(_broken(RULES, terms))
    return (*own, *chain.from_iterable(_in_variant(terms, place, own) for place in range(len(terms.variants))))


def _broken(rules: Iterable[ValidationRule], terms: Terms) -> Iterator[Problem]:
    amounts = amounts_in(terms)
    readable = {path: to_minor(amount, terms.currency) for path, amount in amounts.items() if not _unreadable(amount, terms.currency)}
    return (problem for rule in rules for problem in rule.broken(terms, readable))


def _in_variant(terms: Terms, place: int, own: Iterable[Problem]) -> Iterator[Problem]:
    """What is wrong with the terms as a variant's customers have them, and was not told yet; at the variant where it is what that says."""
    variant = terms.variants[place]
    for problem in _broken(OF_VARIANTS, terms.under(variant)):
        said = _path_in_variant(variant, problem.path)
        if said:
            yield replace(problem, path=f"/variants/{place}{said}")
        elif problem not in own:
            yield replace(problem, message=f"Under the variant {variant.name} it {problem.message[0].lower()}{problem.message[1:]}")


def _path_in_variant(variant: Variant, path: str) -> str | None:
    """Where in a variant it stands what terms have at a path; None where the variant leaves that to the terms."""
    if path == THRESHOLD:
        return None if variant.threshold is None else "/threshold"
    given = {"reward": variant.reward, "content": variant.content}.get(path.split("/")[1])
    return path if given else None


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
    *validation_content.RULES,
    *validation_variants.RULES,
)
"""Every rule on the meaning of terms, in the order in which problems are told."""

OF_VARIANTS: Final = (RULES[0], *validation_money.RULES, *validation_clawback.RULES, *validation_content.RULES)
"""The rules on what a variant can say otherwise: they are held against the terms with each variant, too."""
