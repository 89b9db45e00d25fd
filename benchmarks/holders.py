"""Whose purchases are for offers that they hold: grants in PostgreSQL, read once a batch, against a program that keeps them in memory."""

import time
from collections.abc import Callable
from datetime import timedelta
from random import Random
from statistics import median
from uuid import UUID

import psutil

from benchmarks.place import NOW, OFFERS, Place, place
from benchmarks.result import Result
from shared.eligibility.model import Purchase
from shared.offers.catalogue import catalogue
from shared.redemptions import store

CUSTOMERS = 50_000
BATCH = 5_000
ROUNDS = 10


def run() -> list[Result]:
    """Measure memory and time."""
    with place(customers=CUSTOMERS, budget_minor=10**11) as at:
        at.forget()  # what is there is analysed and written out
        _ours(at)  # the catalogue, the pool and the memory of a batch are there from here on
        before = _resident()
        seconds = _ours(at)
        ours_bytes = (_resident() - before) / CUSTOMERS
        before = _resident()
        held = {str(customer.encode(), "ascii"): set(at.offer_ids) for customer in at.customers}
        plain_bytes = (_resident() - before) / CUSTOMERS
        plain_seconds = _plain(at, held)
    return [
        Result(
            name=f"memory of a process with {CUSTOMERS:,} customers who hold {OFFERS} grants each: bytes a customer",
            ours=f"{ours_bytes:,.0f}",
            peer=f"{plain_bytes:,.0f}",
            ratio=ours_bytes,
            at_most=100,
        ),
        Result(
            name="offers of a purchase and the customer's grants of them, from PostgreSQL: of dictionaries in memory",
            ours=f"{BATCH / seconds:,.0f} purchases/s",
            peer=f"{BATCH / plain_seconds:,.0f} purchases/s",
            ratio=plain_seconds / seconds,
            at_least=2,
        ),
    ]


def _batch(at: Place, random: Random) -> list[tuple[str, Purchase]]:
    return [
        (
            random.choice(at.customers),
            Purchase(
                transaction_id=f"t{number}",
                at=NOW + timedelta(seconds=number),
                amount_minor=1_500,
                currency="USD",
                merchant_id=f"shop-{random.randrange(OFFERS)}",
            ),
        )
        for number in range(BATCH)
    ]


def _held(at: Place, batch: list[tuple[str, Purchase]]) -> int:
    with at.call().reading() as tx:
        found = catalogue(tx).match([purchase for _, purchase in batch])
        pairs = {(customer, one.offer.offer_id) for (customer, _), offers in zip(batch, found, strict=True) for one in offers}
        return len(store.read_grants(tx, pairs))


def _ours(at: Place) -> float:
    random = Random()
    return median([_timed(lambda batch: _held(at, batch), _batch(at, random)) for _ in range(ROUNDS)])


def _plain(at: Place, held: dict[str, set[UUID]]) -> float:
    by_merchant = {f"shop-{number}": [offer_id] for number, offer_id in enumerate(at.offer_ids)}

    def find(batch: list[tuple[str, Purchase]]) -> object:
        return [
            [offer_id for offer_id in by_merchant.get(purchase.merchant_id or "", ()) if offer_id in held[customer]]
            for customer, purchase in batch
        ]

    random = Random(1)
    return median([_timed(find, _batch(at, random)) for _ in range(ROUNDS)])


def _resident() -> int:
    return int(psutil.Process().memory_info().rss)


def _timed(work: Callable[[list[tuple[str, Purchase]]], object], batch: list[tuple[str, Purchase]]) -> float:
    start = time.perf_counter()
    work(batch)
    return time.perf_counter() - start
