"""What audience and content must be to reach somebody in one voice."""

from collections.abc import Iterator
from typing import Final

from shared.eligibility.terms import Channel, Terms
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


def _content_twice(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    seen: set[tuple[Channel, str]] = set()
    for place, content in enumerate(terms.content):
        key = (content.channel, content.language)
        if key in seen:
            message = f"There is a content for {content.channel.value} in {content.language} already: keep one."
            yield Problem(path=f"/content/{place}", message=message)
        seen.add(key)


RULES: Final = (
    ValidationRule("segment_twice", "No segment is both in and out.", _segment_twice),
    ValidationRule("nobody_left", "The hold-out leaves somebody.", _nobody_left),
    ValidationRule("content_twice", "There is one content for each channel and language.", _content_twice),
)
