"""What lists of codes must be to leave something in scope."""

from collections.abc import Iterator
from typing import Final

from shared.eligibility.scope import codes, mccs_in
from shared.eligibility.terms import Places, Terms
from shared.eligibility.validation_rule import Minors, ValidationRule
from shared.kernel.errors import Problem


def _range_backwards(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    for side in ("include", "exclude"):
        for place, text in enumerate(getattr(terms.scope, side).mccs or ()):
            if not mccs_in(text):
                first, _, last = text.partition("-")
                message = f"Holds no code, for it ends before it begins: give {last}-{first}."
                yield Problem(path=f"/scope/{side}/mccs/{place}", message=message)


def _nothing_in_scope(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    for kind in Places.model_fields:
        included, excluded = codes(terms.scope.include, kind), codes(terms.scope.exclude, kind)
        if included and set(included) <= set(excluded or ()):
            words = kind.replace("_", " ")
            yield Problem(path=f"/scope/exclude/{kind}", message=f"Excludes all the {words} that are included: leave at least one of them.")


RULES: Final = (
    ValidationRule("range_backwards", "A range of merchant category codes ends no sooner than it begins.", _range_backwards),
    ValidationRule("nothing_in_scope", "Of each list of includes something is left by the excludes.", _nothing_in_scope),
)
