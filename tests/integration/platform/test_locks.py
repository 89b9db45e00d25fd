import threading
from concurrent.futures import ThreadPoolExecutor

from shared.platform.locks import SHARDS, lock_shards
from tests.conftest import MakeCall

SECONDS = 30
TURNS = 20


def held(call: MakeCall, shard: int) -> bool:
    """Whether somebody else holds the shard."""
    with call().transaction() as tx:
        row = tx.connection.execute("SELECT pg_try_advisory_xact_lock(%s, %s) AS free", (SHARDS, shard)).fetchone()
    assert row
    return not row["free"]


def test_shards_are_held_until_the_transaction_ends(call: MakeCall) -> None:
    with call().transaction() as tx:
        lock_shards(tx, [3, 1, 1])
        assert [held(call, shard) for shard in range(4)] == [False, True, False, True]
    assert [held(call, shard) for shard in range(4)] == [False] * 4


def test_who_lock_the_same_shards_in_any_order_never_wait_for_each_other(call: MakeCall) -> None:
    start = threading.Barrier(2, timeout=SECONDS)

    def lock(shards: list[int]) -> int:
        done = 0
        for _ in range(TURNS):
            start.wait()
            with call().transaction() as tx:
                lock_shards(tx, shards)
                done += 1
        return done

    with ThreadPoolExecutor(2) as threads:
        turns = [threads.submit(lock, shards) for shards in (list(range(200)), list(range(199, -1, -1)))]
        assert [turn.result(SECONDS) for turn in turns] == [TURNS, TURNS]


def test_no_shards_are_no_locks(call: MakeCall) -> None:
    with call().transaction() as tx:
        lock_shards(tx, [])
        row = tx.connection.execute(
            "SELECT count(*) AS locks FROM pg_locks WHERE locktype = 'advisory' AND classid = %s", (SHARDS,)
        ).fetchone()
    assert row == {"locks": 0}
