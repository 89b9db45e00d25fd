"""What an audience must be to hold somebody."""

from collections.abc import Iterator
from typing import Final

from shared.eligibility.terms import Terms
from shared.eligibility.validation_rule import Minors, ValidationRule
from shared.kernel.errors import Problem
from shared.kernel.ids import SEGMENT
from shared.kernel.money import BASIS_POINTS


def _segment_twice(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    for segment in sorted(set(terms.audience.segments_in) & set(terms.audience.segments_out)):
        message = f"{SEGMENT.render(segment)} is in `segments_in` too, which leaves none of it: take it out of one of them."
        yield Problem(path="/audience/segments_out", message=message)


def _nobody_left(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    if terms.audience.holdout == BASIS_POINTS:
        yield Problem(path="/audience/holdout", message="Holds the whole audience out: give less than 10000 basis points.")


RULES: Final = (
    ValidationRule("segment_twice", "No segment is both in and out.", _segment_twice),
    ValidationRule("nobody_left", "The hold-out leaves somebody.", _nobody_left),
)
