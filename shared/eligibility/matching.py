"""The catalogue: which offers a purchase could be for, found by the codes in it rather than by asking every offer."""

from collections.abc import Iterable, Iterator
from typing import Final
from uuid import UUID

from shared.eligibility.compile import CompiledOffer, CompiledVersion
from shared.eligibility.model import Purchase

Bucket = tuple[CompiledOffer, ...]
Index = dict[str, Bucket]

KINDS: Final = ("locations", "merchants", "products", "mccs")
"""The include lists by which a version can be found, the most selective first where nothing else tells."""
EVERYWHERE: Final = ("",)
"""The one key of what has no include list."""


class Catalogue:
    """Compiled offers with an inverted index over their include lists. Never changed once made; parts are shared with the next one.

    Each version of an offer is indexed under one of its include lists: the one whose codes the fewest other offers share so far.
    """

    __slots__ = ("_indexes", "_offers")

    def __init__(self, offers: dict[UUID, CompiledOffer], indexes: dict[str, Index]) -> None:
        """Use `of` or `with_changes`."""
        self._offers, self._indexes = offers, indexes
