"""Matching: which of 10,000 live offers each purchase is for, against a plain inverted index, where few or many offers share a code."""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import median
from typing import Any, Final, NamedTuple
from uuid import UUID

from benchmarks.result import Result
from shared.eligibility.compile import compile_offer
from shared.eligibility.listings import Found
from shared.eligibility.matching import Catalogue
from shared.eligibility.model import Offer, Purchase, Version
from shared.eligibility.terms import Terms
from shared.platform.runtime import tune_memory

OFFERS = 10_000
BATCH = 5_000
ROUNDS = 10
WARM_UP = 20
"""So many batches go before: what a process redeems in its first quarter of a minute."""
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
MERCHANTS: Final = [f"shop-{number}" for number in range(20_000)]
CATEGORIES: Final = [f"{number:04}" for number in range(5000, 5400)]
CHANNELS: Final = ["in_store", "online", "app"]
FEW: Final = {"merchants": (MERCHANTS, 4)}
MANY: Final = {"mccs": (CATEGORIES, 4)}
"""By what offers are found, and how many codes each names: a purchase falls under 2 of them, or under 100."""


def run() -> list[Result]:
    """Measure where few offers share a code, and where many do."""
    return [_measure("few offers of a code", FEW), _measure("many offers of a code", MANY)]


def _measure(name: str, lists: Mapping[str, tuple[list[str], int]]) -> Result:
    random = Random(1)
    offers = [_offer(random, number, lists) for number in range(OFFERS)]
    catalogue, plain = Catalogue.of(map(compile_offer, offers)), plain_index(offers)
    programs = {"ours": lambda batch: list(catalogue.match(batch)), "plain": lambda batch: [plain(purchase) for purchase in batch]}
    seconds: dict[str, list[float]] = {program: [] for program in programs}
    tune_memory()
    for number in range(WARM_UP + ROUNDS):
        batch = [_purchase(random, n) for n in range(BATCH)]
        for program in sorted(programs, reverse=number % 2 == 0):
            seconds[program].append(_timed(programs[program], batch))
        if number == 0 and [_ids(found) for found in catalogue.match(batch)] != [sorted(plain(purchase)) for purchase in batch]:
            raise RuntimeError(name)
    ours, theirs = (median(times[WARM_UP:]) for times in seconds.values())
    return Result(
        name=f"matching with 10,000 live offers, {name}: of a plain inverted index",
        ours=f"{BATCH / ours:,.0f} purchases/s",
        peer=f"{BATCH / theirs:,.0f} purchases/s",
        ratio=theirs / ours,
        at_least=2,
    )


def _ids(found: Found) -> list[UUID]:
    return sorted(offer.offer.offer_id for offer in found)


class _Listed(NamedTuple):
    """An offer as a plain program would keep it."""

    offer_id: UUID
    start: datetime
    stop: datetime
    merchants: frozenset[str] | None
    mccs: frozenset[str] | None
    channels: frozenset[str] | None


def plain_index(offers: list[Offer]) -> Callable[[Purchase], list[UUID]]:
    """Offers by the codes that they name; what is found so is checked one by one."""
    by_code: defaultdict[str | None, list[_Listed]] = defaultdict(list)
    for offer in offers:
        listed = _listed(offer)
        for code in listed.merchants or listed.mccs or ():
            by_code[code].append(listed)

    def find(purchase: Purchase) -> list[UUID]:
        at, merchant, mcc, channel = purchase.at, purchase.merchant_id, purchase.mcc, purchase.channel
        return [
            listed.offer_id
            for code in (merchant, mcc)
            for listed in by_code.get(code, ())
            if listed.start <= at < listed.stop
            and (listed.channels is None or channel in listed.channels)
            and (listed.merchants is None or merchant in listed.merchants)
            and (listed.mccs is None or mcc in listed.mccs)
        ]

    return find


def _listed(offer: Offer) -> _Listed:
    terms = offer.versions[0].terms
    include, window = terms.scope.include, terms.window
    start, stop = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (window.start, window.end))
    merchants, mccs, channels = (frozenset(codes) if codes else None for codes in (include.merchants, include.mccs, include.channels))
    return _Listed(offer.offer_id, start, stop, merchants, mccs, channels)


def _offer(random: Random, number: int, lists: Mapping[str, tuple[list[str], int]]) -> Offer:
    first = START + timedelta(days=random.randrange(100))
    include: dict[str, Any] = {kind: random.sample(codes, count) for kind, (codes, count) in lists.items()}
    if random.random() < 0.5:  # noqa: PLR2004
        include["channels"] = random.sample(CHANNELS, random.choice((1, 2)))
    days = {"start": f"{first:%Y-%m-%d}", "end": f"{first + timedelta(days=100):%Y-%m-%d}"}
    terms = {
        "currency": "USD",
        "reward": {"kind": "fixed", "amount": 100},
        "qualification": {"kind": "single_purchase", "threshold": 1000},
        "scope": {"include": include},
        "window": {**days, "end_inclusive": False, "zone": "UTC"},
    }
    version = Version(number=1, in_force_from=START, terms=Terms.model_validate_json(json.dumps(terms)))
    return Offer(offer_id=UUID(int=number), campaign_id=UUID(int=1), versions=(version,))


def _purchase(random: Random, number: int) -> Purchase:
    """Of a merchant: the more popular, the lower its number."""
    place = int(len(MERCHANTS) ** random.random()) - 1
    return Purchase(
        transaction_id=f"t{number}",
        at=START + timedelta(days=100, seconds=random.randrange(10**6)),
        amount_minor=2_000,
        currency="USD",
        merchant_id=MERCHANTS[place],
        mcc=CATEGORIES[place * 7 % len(CATEGORIES)],
        channel=random.choice(CHANNELS),
    )


def _timed(find_all: Callable[[list[Purchase]], object], batch: list[Purchase]) -> float:
    """Seconds of this process's own time: what else runs on the machine matters less."""
    start = time.process_time()
    find_all(batch)
    return time.process_time() - start
