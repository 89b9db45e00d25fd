"""Another company's loyalty programme: who got which offer when, who bought what when, and what truly came of it.

In the shape of a coffee house's app: hours since the start, amounts in cents, offers that want one purchase or a sum of purchases within
some days of being received. The truth is worked out by reading the programme's rules row by row, with nothing of the engine's.
"""

import random
from dataclasses import dataclass
from typing import Final, NamedTuple

HOURS: Final = 714
RECEIPT_HOURS: Final = (0, 168, 336, 408, 504, 576)
PURCHASES_EACH: Final = 12
RECEIVES: Final = 0.75
ON_THE_EDGE: Final = 0.5


class Offer(NamedTuple):
    """`bogo`: one purchase of at least `difficulty`. `discount`: all purchases together. Both within `days` of receipt. Cents."""

    name: str
    kind: str
    difficulty: int
    reward: int
    days: int


OFFERS: Final = (
    Offer("B1", "bogo", 1000, 1000, 7),
    Offer("B2", "bogo", 1000, 1000, 5),
    Offer("B3", "bogo", 500, 500, 7),
    Offer("B4", "bogo", 500, 500, 5),
    Offer("D1", "discount", 2000, 500, 10),
    Offer("D2", "discount", 700, 300, 7),
    Offer("D3", "discount", 1000, 200, 10),
    Offer("D4", "discount", 1000, 200, 7),
)
BY_NAME: Final = {offer.name: offer for offer in OFFERS}


class Received(NamedTuple):
    """A person got an offer."""

    person: int
    offer: str
    hour: int


class Bought(NamedTuple):
    """A person paid an amount in cents."""

    person: int
    hour: int
    amount: int


class Completed(NamedTuple):
    """What came of a receipt: it was completed at that hour for that reward."""

    received: Received
    hour: int
    reward: int


@dataclass(frozen=True, kw_only=True)
class Programme:
    """All facts of some weeks."""

    received: list[Received]
    bought: list[Bought]


def make_programme(seed: int, persons: int) -> Programme:
    """Facts like those of real life, with more of them than there on the very edges of the rules."""
    chance = random.Random(seed)
    received, bought = [], []
    for person in range(persons):
        got = [Received(person, chance.choice(OFFERS).name, hour) for hour in RECEIPT_HOURS if chance.random() < RECEIVES]
        received += got
        bought += [
            Bought(person, chance.randrange(HOURS), chance.choice((chance.randrange(100, 900), chance.randrange(100, 3000))))
            for _ in range(chance.randrange(PURCHASES_EACH * 2))
        ]
        bought += [_edge(receipt, chance) for receipt in got if chance.random() < ON_THE_EDGE]
    return Programme(received=received, bought=bought)


def truth(programme: Programme, *, more_than: bool = False, end_counts: bool = True) -> set[Completed]:
    """What came of every receipt, by the rules as they are told to customers."""
    completed = set()
    for receipt in programme.received:
        offer = BY_NAME[receipt.offer]
        last_hour = receipt.hour + offer.days * 24
        spent = 0
        for purchase in sorted(programme.bought, key=lambda bought: bought.hour):
            if purchase.person != receipt.person or purchase.hour < receipt.hour or purchase.hour > last_hour:
                continue
            if purchase.hour == last_hour and not end_counts:
                continue
            spent = purchase.amount if offer.kind == "bogo" else spent + purchase.amount
            if spent > offer.difficulty or (spent == offer.difficulty and not more_than):
                completed.add(Completed(receipt, purchase.hour, offer.reward))
                break
    return completed


def _edge(receipt: Received, chance: random.Random) -> Bought:
    """A purchase at the first or the last hour that counts, or just beside it, of about the amount that is asked."""
    offer = BY_NAME[receipt.offer]
    hour = receipt.hour + chance.choice((-1, 0, offer.days * 24, offer.days * 24, offer.days * 24 + 1))
    return Bought(receipt.person, max(hour, 0), offer.difficulty + chance.choice((-1, 0, 0, 1)))
