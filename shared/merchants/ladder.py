"""The match ladder: which merchant a purchase was made at, by what is said of it. Pure.

The rungs, in order: the merchant's own id, the acquirer's id of it, the card network's, and the descriptor with category and place. An
alias counts that held at the moment of the purchase. The first rung that tells any merchant decides; where it tells several, none is
taken: that is a reason, not a guess. An id that was said and that no rung knows stands as the merchant's.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from shared.kernel.reasons import Reason
from shared.merchants.descriptors import normalised, plain
from shared.merchants.model import CIRCUMSTANCES, Alias, Place, Rung, Value


class Clues(NamedTuple):
    """What is said, or known by its location, of where a purchase was made."""

    at: datetime
    merchant_id: str | None = None
    network: str | None = None
    network_merchant_id: str | None = None
    descriptor: str | None = None
    mcc: str | None = None
    country: str | None = None
    region: str | None = None
    city: str | None = None
    location_id: str | None = None

    def circumstances(self) -> frozenset[tuple[str, str]]:
        """What an alias of a descriptor may ask for, as far as it is known."""
        city = plain(self.city) if self.city else None
        known = (self.mcc, self.country, self.region, city, self.location_id)
        return frozenset((name, found) for name, found in zip(CIRCUMSTANCES, known, strict=True) if found)

    def values(self) -> list[Value]:
        """What to look for, rung by rung."""
        said = (
            (Rung.MERCHANT_ID, self.merchant_id),
            (Rung.ACQUIRER, self.merchant_id),
            (Rung.NETWORK, self.network_merchant_id),
            (Rung.DESCRIPTOR, normalised(self.descriptor) if self.descriptor else None),
        )
        return [(rung, value) for rung, value in said if value]


class Match(NamedTuple):
    """The merchant, None where it is not known; and the rung that told it, or why none did."""

    merchant_id: str | None
    matched_by: Rung | Reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Book:
    """What is known of merchants, as far as it was asked: names by which they are found, brands by merchant, places by location.

    What was asked and is not known is in it too: no aliases, None as place.
    """

    aliases: dict[Value, list[Alias]] = field(default_factory=dict)
    brands: dict[str, str] = field(default_factory=dict)
    places: dict[str, Place | None] = field(default_factory=dict)

    def covers(self, purchases: Iterable[Clues]) -> bool:
        """Whether all that these purchases say was asked."""
        return all(
            (clues.location_id is None or clues.location_id in self.places) and all(value in self.aliases for value in clues.values())
            for clues in purchases
        )

    def add(self, other: "Book") -> None:
        """Take in what another book tells."""
        self.aliases.update(other.aliases)
        self.brands.update(other.brands)
        self.places.update(other.places)

    def __len__(self) -> int:
        """How much was asked."""
        return len(self.aliases) + len(self.places)

    def place(self, location_id: str | None) -> Place | None:
        """What a location tells, if it is known."""
        return self.places.get(location_id) if location_id else None

    def completed(self, clues: Clues) -> Clues:
        """What is said, and what is not said as the location tells it."""
        place = self.place(clues.location_id)
        if place is None:
            return clues
        return clues._replace(
            mcc=clues.mcc or place.mcc,
            country=clues.country or place.country,
            region=clues.region or place.region,
            city=clues.city or place.city,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Spot:
    """All that is known of where purchases were made that say the same of it, at whatever moment each was made."""

    place: Place | None
    clues: Clues
    """What is said, and what is not said as the location tells it."""
    rungs: tuple[tuple[Rung, Collection[Alias]], ...]
    """The rungs that know what was said, each with the aliases that have it."""

    @classmethod
    def of(cls, clues: Clues, book: Book) -> "Spot":
        """What a book tells of it."""
        rungs = tuple([(value[0], known) for value in clues.values() if (known := book.aliases.get(value))])
        return cls(place=book.place(clues.location_id), clues=book.completed(clues), rungs=rungs)

    @property
    def has_aliases(self) -> bool:
        """Whether what was said is an alias of any merchant, of whatever time and place: then it may have been matched otherwise before."""
        return any(rung is not Rung.MERCHANT_ID for rung, _ in self.rungs)

    def match(self, at: datetime) -> Match:
        """The merchant, at a moment, that the first rung tells which tells any."""
        for rung, known in self.rungs:
            holding = [alias for alias in known if _holds(alias, self.clues, at)]
            if holding:
                merchants = {alias.merchant_id for alias in _most_particular(holding)}
                return Match(merchants.pop(), rung) if len(merchants) == 1 else Match(self.clues.merchant_id, Reason.MERCHANT_AMBIGUOUS)
        return Match(self.clues.merchant_id, Reason.MERCHANT_UNKNOWN)


def match(clues: Clues, book: Book) -> Match:
    """The merchant that the first rung tells which tells any."""
    return Spot.of(clues, book).match(clues.at)


def _holds(alias: Alias, clues: Clues, at: datetime) -> bool:
    """Whether it held at the moment of the purchase, and the purchase is all that it asks; any network will do where none is said."""
    at_its_time = (alias.valid_from is None or alias.valid_from <= at) and (alias.valid_to is None or at < alias.valid_to)
    of_its_network = not (alias.network and clues.network) or alias.network == clues.network
    return at_its_time and of_its_network and (not alias.asks or alias.asks <= clues.circumstances())


def _most_particular(holding: Collection[Alias]) -> Collection[Alias]:
    """Of aliases that hold, those than which no other asks for all the same and more."""
    if len(holding) <= 1:
        return holding
    return [alias for alias in holding if not any(alias.asks < other.asks for other in holding)]
