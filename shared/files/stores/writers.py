"""Whose an object is, where several write it and answers get lost."""

from collections.abc import Callable
from typing import Final

from shared.files.stores.protocol import Exists, Stored
from shared.kernel.errors import Busy, CloError, NotFound

WRITER: Final = "clo-writer"
"""The piece of an object's metadata in which its writer left a mark of its own."""


def settled(name: str, mark: str, doubt: CloError, look: Callable[[], tuple[str | None, Stored]]) -> Stored:
    """The writer's own object after all, when a no or no answer was said to a repetition of what had succeeded.

    `look` gives the mark on what the name holds, and what that is. Raises Exists when it is another writer's, Busy when it is nobody's.
    """
    try:
        found, stored = look()
    except NotFound:
        raise Busy(f"Nothing could be stored: {doubt}") from doubt
    if found != mark:
        raise Exists(name=name) from doubt
    return stored
