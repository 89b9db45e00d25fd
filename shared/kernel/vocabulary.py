"""Vocabularies: stable codes, each with a sentence for support and one for the customer."""

from enum import Enum
from typing import Self


class Vocabulary(Enum):
    """A stable code with a sentence for support and one for the customer."""

    code: str
    support: str
    customer: str

    def __new__(cls, code: str, support: str, customer: str) -> Self:
        """Let the code be the member's value and keep the sentences beside it."""
        member = object.__new__(cls)
        member._value_ = member.code = code
        member.support, member.customer = support, customer
        return member
