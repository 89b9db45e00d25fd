"""What lists of codes must be to leave something in scope."""

from collections.abc import Iterator
from typing import Final

from shared.eligibility.terms import Terms
from shared.eligibility.validation_rule import Minors, ValidationRule
from shared.kernel.errors import Problem

LISTS: Final = ("merchants", "locations", "mccs", "products")


def _nothing_in_scope(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    for kind in LISTS:
        included, excluded = getattr(terms.scope.include, kind), getattr(terms.scope.exclude, kind)
        if included and set(included) <= set(excluded or ()):
            yield Problem(path=f"/scope/exclude/{kind}", message=f"Excludes all the {kind} that are included: leave at least one of them.")


RULES: Final = (ValidationRule("nothing_in_scope", "Of each list of includes something is left by the excludes.", _nothing_in_scope),)
