"""What content must be to be shown: one voice for each channel and language."""

from collections.abc import Iterator
from typing import Final

from shared.eligibility.terms import Channel, Terms
from shared.eligibility.validation_rule import Minors, ValidationRule
from shared.kernel.errors import Problem


def _content_twice(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    seen: set[tuple[Channel, str]] = set()
    for place, content in enumerate(terms.content):
        key = (content.channel, content.language)
        if key in seen:
            message = f"There is a content for {content.channel.value} in {content.language} already: keep one."
            yield Problem(path=f"/content/{place}", message=message)
        seen.add(key)


RULES: Final = (ValidationRule("content_twice", "There is one content for each channel and language.", _content_twice),)
