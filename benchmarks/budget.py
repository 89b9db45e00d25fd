"""One budget under eight concurrent writers: batches admitted under one lock, against a conditional UPDATE for each redemption.

Both drain the same burst. The latency of a redemption is the time from the start of the burst until its decision is committed.
"""

import threading
import time
from collections.abc import Callable
from uuid import UUID

import psycopg

from benchmarks.place import NOW, REWARD_MINOR, SHARDS, Place, place
from benchmarks.result import Result
from shared.kernel.shards import shard_of

WRITERS = 8
EACH = 500
BATCH = 250
SHARE = 3
"""The budget covers two thirds of the burst, so that it runs dry on the way."""
BUDGET_MINOR = WRITERS * EACH * REWARD_MINOR * (SHARE - 1) // SHARE

Writer = Callable[[int, Callable[[int], None]], None]


def run() -> list[Result]:
    """Measure throughput, tail and overspending."""
    with place(customers=1_000, budget_minor=BUDGET_MINOR) as at:
        ours = _burst(lambda writer, done: _redeem(at, writer, done))
        spent = _spent(at)
        at.forget()
        theirs = _burst(lambda writer, done: _update_each(at, writer, done))
    total = WRITERS * EACH
    return [
        Result(
            name=f"budget, {WRITERS} writers: redemptions decided",
            ours=f"{total / max(ours):,.0f}/s",
            peer=f"{total / max(theirs):,.0f}/s",
            ratio=max(theirs) / max(ours),
            at_least=1.5,
        ),
        Result(
            name=f"budget, {WRITERS} writers: p99 until decided",
            ours=f"{_p99(ours) * 1000:,.0f} ms",
            peer=f"{_p99(theirs) * 1000:,.0f} ms",
            ratio=_p99(ours) / _p99(theirs),
            at_most=0.5,
        ),
        Result(
            name=f"budget, {WRITERS} writers: spent, of approved",
            ours=f"{spent:,}",
            peer=f"{BUDGET_MINOR:,}",
            ratio=spent / BUDGET_MINOR,
            at_most=1.0,
        ),
    ]


def _burst(write: Writer) -> list[float]:
    """Seconds from the start of the burst until each redemption was decided."""
    latencies: list[float] = []
    barrier = threading.Barrier(WRITERS + 1)
    started: list[float] = []

    def done(count: int) -> None:
        latencies.extend([time.perf_counter() - started[0]] * count)

    def work(writer: int) -> None:
        barrier.wait()
        write(writer, done)

    threads = [threading.Thread(target=work, args=(writer,)) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    started.append(time.perf_counter())
    barrier.wait()
    for thread in threads:
        thread.join()
    if len(latencies) != WRITERS * EACH:
        raise RuntimeError(f"{len(latencies)} of {WRITERS * EACH} redemptions were decided")
    return latencies


def _redeem(at: Place, writer: int, done: Callable[[int], None]) -> None:
    """Drain the writer's share in batch events of its shard."""
    purchases = at.purchases(f"w{writer}", EACH, shard=writer)
    for first in range(0, EACH, BATCH):
        at.redeem(writer, purchases[first : first + BATCH])
        done(BATCH)


def _update_each(at: Place, writer: int, done: Callable[[int], None]) -> None:
    """Drain the writer's share one by one: a conditional UPDATE of the budget's row, a row for the redemption, a commit."""
    customers = [customer for customer in at.customers if shard_of(customer, SHARDS) == writer]
    with psycopg.connect(at.postgres.app_url(), autocommit=True, prepare_threshold=1) as connection:
        for number in range(EACH):
            with connection.transaction():
                _update_one(connection, at.campaign_id, customers[number % len(customers)], f"w{writer}-{number}")
            done(1)


def _update_one(connection: psycopg.Connection[tuple[object, ...]], campaign_id: UUID, customer: str, transaction: str) -> None:
    admitted = connection.execute(
        "UPDATE accounts SET debit_minor = debit_minor + %s WHERE kind = 'available' AND campaign_id = %s"
        " AND credit_minor - debit_minor >= %s RETURNING account_no",
        (REWARD_MINOR, campaign_id, REWARD_MINOR),
    ).fetchone()
    reward_minor = REWARD_MINOR if admitted else 0
    connection.execute(
        "INSERT INTO redemptions (redemption_id, grant_id, completion, offer_id, campaign_id, customer_id, state, wanted_minor,"
        " reward_minor, earned_minor, currency, qualifying_minor, version, transaction_id, merchant_id, earned_at, payable_at,"
        " revision, recorded_at)"
        " VALUES (gen_random_uuid(), gen_random_uuid(), '1', %s, %s, %s, %s, %s, %s, %s, 'USD', 1500, 1, %s, 'shop', %s, %s, 1, %s)",
        (
            campaign_id,
            campaign_id,
            customer,
            "payable" if admitted else "rejected",
            REWARD_MINOR,
            reward_minor,
            reward_minor,
            transaction,
            NOW,
            NOW,
            NOW,
        ),
    )


def _spent(at: Place) -> int:
    """What was posted, in minor units, by the postings themselves."""
    with psycopg.connect(at.postgres.owner_url()) as connection:
        row = connection.execute("SELECT coalesce(sum(amount_minor), 0)::bigint FROM postings WHERE step = 'post'").fetchone()
        return int(row[0]) if row else 0


def _p99(latencies: list[float]) -> float:
    return sorted(latencies)[int(len(latencies) * 0.99)]
