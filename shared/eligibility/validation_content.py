"""What content must be to be shown: one voice for each channel and language, as long as the channel shows it, and always some to read."""

from collections.abc import Iterator
from typing import Final

from shared.eligibility.terms import Channel, Terms
from shared.eligibility.validation_rule import Minors, ValidationRule
from shared.kernel.errors import Problem

LONGEST: Final = {
    Channel.IN_APP: {"title": 60, "text": 240},
    Channel.SOCIAL: {"text": 280},
    Channel.SMS: {"text": 160},
    Channel.STATEMENT: {"title": 40, "text": 120},
}
"""So many characters a channel shows, where it shows less than may be written; an SMS is one message, and has no title of its own."""
GSM: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_ESCAPED: Final = frozenset("^{}\\[~]|€\f")
"""Characters of an SMS (GSM 03.38), and those that take the place of two. With any other one a message holds 70."""
LONGEST_OTHER_SMS: Final = 70
WITHOUT_IMAGES: Final = frozenset({Channel.SMS, Channel.STATEMENT})


def _content_twice(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    seen: set[tuple[Channel, str]] = set()
    for place, content in enumerate(terms.content):
        key = (content.channel, content.language)
        if key in seen:
            message = f"There is a content for {content.channel.value} in {content.language} already: keep one."
            yield Problem(path=f"/content/{place}", message=message)
        seen.add(key)


def _default_missing(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    languages: dict[Channel, list[str]] = {}
    for content in terms.content:
        languages.setdefault(content.channel, []).append(content.language)
    first = {content.channel: place for place, content in reversed(list(enumerate(terms.content)))}
    for channel, known in languages.items():
        if terms.default_language not in known:
            default = terms.default_language
            message = f"Nothing for {channel.value} is in {default}, the default language: add it, or give another `default_language`."
            yield Problem(path=f"/content/{first[channel]}", message=message)


def _too_long(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    for place, content in enumerate(terms.content):
        for name, longest in LONGEST.get(content.channel, {}).items():
            written: str = getattr(content, name)
            length, most = _in_sms(written) if content.channel is Channel.SMS else (len(written), longest)
            if length > most:
                message = f"Is {length} characters long, of which {content.channel.value} shows {most}: shorten it."
                yield Problem(path=f"/content/{place}/{name}", message=message)


def _in_sms(text: str) -> tuple[int, int]:
    """How long a text is as an SMS, and how long that may be."""
    if GSM.union(GSM_ESCAPED).issuperset(text):
        return len(text) + sum(letter in GSM_ESCAPED for letter in text), LONGEST[Channel.SMS]["text"]
    return len(text.encode("utf-16-le")) // 2, LONGEST_OTHER_SMS


def _image_unseen(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    for place, content in enumerate(terms.content):
        if content.images and content.channel in WITHOUT_IMAGES:
            yield Problem(path=f"/content/{place}/images", message=f"There are no images in {content.channel.value}: leave them out.")


RULES: Final = (
    ValidationRule("content_twice", "There is one content for each channel and language.", _content_twice),
    ValidationRule("default_missing", "Each channel with content has some in the default language.", _default_missing),
    ValidationRule(
        "content_too_long", "Titles and texts are as short as their channel needs: 160 characters of SMS (70 with others).", _too_long
    ),
    ValidationRule("image_unseen", "Only channels that show images have some.", _image_unseen),
)
