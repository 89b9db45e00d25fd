"""Redeeming a batch: purchases to posted cashback, against COPY of the very rows, and against commits for each purchase."""

import time
from collections.abc import Callable
from statistics import median

import psycopg

from benchmarks.place import NOW, REWARD_MINOR, Place, place
from benchmarks.result import Result
from events.payloads import Transaction

BATCH = 5_000
BATCHES = 4
ROUNDS = 5
SINGLES = 2_000
TABLES = ("handled", "transactions", "redemptions", "postings", "outbox")


def run() -> list[Result]:
    """Measure all four."""
    with place(customers=4_000, budget_minor=10**11, shard=0) as at:
        ours, copied = _in_turns(at)
        at.forget()
        same_work = _one_by_one(at)
        at.forget()
        plain = _commit_each(at)
    per_second = BATCH * BATCHES / ours
    return [
        Result(
            name="redeem a batch of 5,000, of COPY of the rows it writes",
            ours=f"{per_second:,.0f} purchases/s",
            peer=f"{BATCH * BATCHES / copied:,.0f} purchases/s",
            ratio=copied / ours,
            at_least=0.25,
        ),
        Result(
            name="redeem a batch of 5,000, against the same work with a commit for each purchase",
            ours=f"{per_second:,.0f} purchases/s",
            peer=f"{SINGLES / same_work:,.0f} purchases/s",
            ratio=per_second / (SINGLES / same_work),
            at_least=15,
        ),
        Result(
            name="redeem a batch of 5,000, against a plain program without inbox, history or events, a commit for each purchase",
            ours=f"{per_second:,.0f} purchases/s",
            peer=f"{SINGLES / plain:,.0f} purchases/s",
            ratio=per_second / (SINGLES / plain),
            at_least=15,
        ),
    ]


def _in_turns(at: Place) -> tuple[float, float]:
    """Seconds for the batches and for COPY of their rows: the medians of several rounds; a batch before them warms up."""
    purchases = at.purchases("p", BATCH * BATCHES)
    at.redeem(0, purchases[:BATCH])
    rounds = []
    for _ in range(ROUNDS):
        at.forget()
        redeemed = _redeem_batches(at, purchases)
        rounds.append((redeemed, _copy(at, _rows_written(at))))
    ours, copied = zip(*rounds, strict=True)
    return median(ours), median(copied)


def _redeem_batches(at: Place, purchases: list[Transaction]) -> float:
    start = time.perf_counter()
    for number in range(BATCHES):
        at.redeem(0, purchases[number * BATCH : (number + 1) * BATCH])
    return time.perf_counter() - start


def _rows_written(at: Place) -> dict[str, tuple[str, bytes]]:
    """The rows that were written, by table, with the names of their columns."""
    found = {}
    with psycopg.connect(at.postgres.owner_url()) as connection:
        for table in TABLES:
            names = connection.execute(
                "SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute"
                " WHERE attrelid = %s::regclass AND attnum > 0 AND attidentity = ''",
                (table,),
            ).fetchone()
            columns = str(names[0]) if names else ""
            where = " WHERE step <> 'approve'" if table == "postings" else ""
            with connection.cursor().copy(f"COPY (SELECT {columns} FROM {table}{where}) TO STDOUT (FORMAT binary)") as copy:  # noqa: S608
                found[table] = (columns, b"".join(bytes(block) for block in copy))
    return found


def _copy(at: Place, rows: dict[str, tuple[str, bytes]]) -> float:
    """Seconds for COPY of the same rows into the same tables, emptied, with all keys and indexes, in one transaction."""
    at.forget()

    def copy_all() -> None:
        with psycopg.connect(at.postgres.owner_url()) as connection:
            for table, (columns, data) in rows.items():
                with connection.cursor().copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT binary)") as copy:
                    copy.write(data)

    return _timed(copy_all)


def _one_by_one(at: Place) -> float:
    """Seconds for purchases in batches of one."""
    purchases = at.purchases("o", SINGLES)
    start = time.perf_counter()
    for purchase in purchases:
        at.redeem(0, [purchase])
    return time.perf_counter() - start


def _commit_each(at: Place) -> float:
    """Seconds for purchases one by one, as a plain program would: look up the grant, check the budget, write, commit."""
    purchases = at.purchases("s", SINGLES)
    with psycopg.connect(at.postgres.app_url(), autocommit=True, prepare_threshold=1) as connection:

        def redeem_each() -> None:
            for number, purchase in enumerate(purchases):
                with connection.transaction():
                    _redeem_one(connection, at, number, str(purchase.customer_id), purchase.transaction_id)

        return _timed(redeem_each)


def _redeem_one(connection: psycopg.Connection[tuple[object, ...]], at: Place, number: int, customer: str, transaction: str) -> None:
    offer_id = at.offer_ids[number // len(at.customers)]
    grant = connection.execute("SELECT grant_id FROM grants WHERE customer_id = %s AND offer_id = %s", (customer, offer_id)).fetchone()
    left = connection.execute(
        "UPDATE accounts SET debit_minor = debit_minor + %s WHERE kind = 'available' AND campaign_id = %s"
        " AND credit_minor - debit_minor >= %s RETURNING account_no",
        (REWARD_MINOR, at.campaign_id, REWARD_MINOR),
    ).fetchone()
    if grant is None or left is None:
        raise RuntimeError(customer)
    connection.execute(
        "INSERT INTO transactions (transaction_id, kind, purchase_id, customer_id, at, amount_minor, currency, merchant_id, matched_by,"
        " offers, content_hash, recorded_at)"
        " VALUES (%s, 'purchase', %s, %s, %s, 1500, 'USD', 'shop', 'merchant_unknown', ARRAY[%s::uuid], '', %s)",
        (transaction, transaction, customer, NOW, offer_id, NOW),
    )
    connection.execute(
        "INSERT INTO redemptions (redemption_id, grant_id, completion, offer_id, campaign_id, customer_id, state, wanted_minor,"
        " reward_minor, earned_minor, currency, qualifying_minor, version, transaction_id, merchant_id, earned_at, payable_at,"
        " revision, recorded_at)"
        " VALUES (gen_random_uuid(), %s, '1', %s, %s, %s, 'payable', %s, %s, %s, 'USD', 1500, 1, %s, 'shop', %s, %s, 1, %s)",
        (grant[0], offer_id, at.campaign_id, customer, REWARD_MINOR, REWARD_MINOR, REWARD_MINOR, transaction, NOW, NOW, NOW),
    )
    for step, target in (("reserve", "reserved"), ("post", "payable")):
        connection.execute(
            "INSERT INTO postings SELECT gen_random_uuid(), %s, %s, account_no, %s, campaign_id, %s, NULL, %s, %s, 1"
            " FROM accounts WHERE kind = %s AND campaign_id = %s",
            (step, left[0], REWARD_MINOR, grant[0], NOW, NOW, target, at.campaign_id),
        )


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
