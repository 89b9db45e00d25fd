from datetime import UTC, datetime
from typing import cast

from events.payloads import MAX_BATCH, HistoriesChanged
from shared.audiences.histories import emit_changed
from shared.kernel.ids import derived_id
from shared.kernel.shards import shard_key, shard_of
from shared.platform.call import Call, Transaction

OFFER = derived_id("offer")
SHARDS = 4


class Emitting:
    """Stands for a transaction and keeps what is emitted."""

    def __init__(self) -> None:
        self.emitted: list[tuple[HistoriesChanged, str, str]] = []
        self.now = datetime(2026, 1, 15, tzinfo=UTC)

    def emit(self, payload: HistoriesChanged, *, subject: str, key: str) -> None:
        self.emitted.append((payload, subject, key))


class Calling:
    shards = SHARDS


def emitted(*customer_ids: str) -> list[tuple[HistoriesChanged, str, str]]:
    tx = Emitting()
    emit_changed(cast("Call", Calling()), cast("Transaction", tx), [(customer_id, OFFER) for customer_id in customer_ids], "a test")
    return tx.emitted


def test_each_pair_goes_out_once_in_an_event_of_its_shard() -> None:
    customer_ids = [f"c{n}" for n in range(100)]
    events = emitted(*customer_ids)
    assert sorted(pair for event, _, _ in events for pair in event.pairs) == sorted((customer_id, OFFER) for customer_id in customer_ids)
    assert {event.shard for event, _, _ in events} == set(range(SHARDS))
    for event, subject, key in events:
        assert {shard_of(customer_id, SHARDS) for customer_id, _ in event.pairs} == {event.shard}
        assert subject == key == shard_key(event.shard)


def test_an_event_holds_no_more_than_it_may() -> None:
    customer_ids = [f"c{n}" for n in range(10 * MAX_BATCH) if shard_of(f"c{n}", SHARDS) == 1][: MAX_BATCH + 1]
    assert [len(event.pairs) for event, _, _ in emitted(*customer_ids)] == [MAX_BATCH, 1]


def test_nothing_changed_tells_nobody() -> None:
    assert emitted() == []
