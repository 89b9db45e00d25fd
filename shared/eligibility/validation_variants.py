"""What variants must be so that each can be drawn, and has words where the offer has some."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from shared.eligibility.terms import Terms
from shared.eligibility.validation_rule import Minors, ValidationRule
from shared.kernel.errors import Problem
from shared.kernel.ids import SEGMENT

MOST_BYTES: Final = 400_000
"""All content is told in one event, when the offer goes live."""


def _name_twice(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    names = [variant.name for variant in terms.variants]
    for place, name in enumerate(names):
        if name in names[:place]:
            yield Problem(path=f"/variants/{place}/name", message=f"There is a variant {name} already: give it another name.")


def _never_drawn(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    """A segment counts for the first variant that names it, and only inside the audience."""
    left_out = dict.fromkeys(terms.audience.segments_out, "is in the audience's `segments_out`")
    taken: dict[UUID, str] = {}
    for place, variant in enumerate(terms.variants):
        for index, segment in enumerate(variant.segments):
            why = left_out.get(segment) or taken.get(segment)
            if why:
                message = f"{SEGMENT.render(segment)} {why}: take it out of one of them."
                yield Problem(path=f"/variants/{place}/segments/{index}", message=message)
            taken[segment] = f"is named before, by the variant {variant.name}"


def _words_missing(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    """A variant's content takes the place of all of the offer's: where it says nothing, its customers would read nothing."""
    channels = dict.fromkeys(content.channel for content in terms.content)
    for place, variant in enumerate(terms.variants):
        for channel in channels if variant.content else ():
            if all(content.channel is not channel for content in variant.content or ()):
                message = f"Has no words for {channel.value}, where the offer has some: add them, or leave `content` out."
                yield Problem(path=f"/variants/{place}/content", message=message)


def _too_much_content(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    listed = [*terms.content, *(content for variant in terms.variants for content in variant.content or ())]
    size = sum(len(content.model_dump_json().encode()) for content in listed)
    if size > MOST_BYTES:
        message = f"All content comes to {size:,} bytes, that of variants with it: keep to {MOST_BYTES:,}."
        yield Problem(path="/content", message=message)


RULES: Final = (
    ValidationRule("variant_twice", "Variants have different names.", _name_twice),
    ValidationRule("variant_never_drawn", "No segment is in two variants, nor in one and out of the audience.", _never_drawn),
    ValidationRule("variant_words_missing", "A variant with content of its own has some for each channel of the offer's.", _words_missing),
    ValidationRule("content_too_much", f"All content together is not more than {MOST_BYTES:,} bytes.", _too_much_content),
)
