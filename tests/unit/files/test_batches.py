"""Events of accepted transactions are, byte for byte, what pydantic would write, in the shard of whom they are about."""

import json
from collections.abc import Iterable
from typing import Final

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from events.payloads import MAX_BATCH, FileOrigin, Transaction, TransactionsPosted
from shared.files.batches import EventPayload, payloads
from shared.files.parsing import Parsed, parse, shapes_of
from shared.files.way import Way
from shared.kernel.shards import shard_of
from shared.kernel.wire import Wire
from tests.unit.files.files import LAYOUTS, USUAL, csv_file, jsonl_file, way

SHARDS: Final = 4
KAFKA_RECORD: Final = 900_000


def parsed(data: bytes, name: str = "clo-transactions-csv") -> Parsed:
    read = parse(data, way(name))
    assert read.rejects == []
    return read


def transactions(event: EventPayload) -> list[Transaction]:
    posted = TransactionsPosted.model_validate_json(event.json)
    assert posted.model_dump_json(exclude_unset=True).encode() == event.json
    assert (posted.shard, len(posted.transactions)) == (event.shard, event.count)
    return posted.transactions


def test_events_say_which_revision_of_a_file_tells_them() -> None:
    origin = FileOrigin(file_id="transactions_mybank_20260112_0001", revision=2)
    read = parsed(csv_file([USUAL]))
    (event,) = payloads(read.accepted, SHARDS, origin=origin)
    assert [one.transaction_id for one in transactions(event)] == [USUAL["transaction_id"]]
    assert TransactionsPosted.model_validate_json(event.json).file == origin


def whose(transaction: Transaction) -> str:
    return transaction.customer_id or str(transaction.card_token)


def in_order(records: Iterable[Wire]) -> list[str]:
    return sorted(record.model_dump_json() for record in records)


OPTIONAL: Final = {
    "sequence": st.sampled_from(["", "0"]),
    "kind": st.sampled_from(["", "purchase", "refund"]),
    "at": st.sampled_from(
        ["2026-01-12T09:41:07Z", "1950-01-12T09:41:07.000001-05:00", "2026-01-12T09:41:07.5Z", "2999-12-31T23:59:59.999999Z"]
    ),
    "posted_at": st.sampled_from(["", "2026-01-12T09:41:07Z", "2026-01-12T09:41:07.25Z"]),
    "tip": st.sampled_from(["", "0", "007"]),
    "customer_id": st.sampled_from(["", "c1", "c2", "c3", "c4", "c5"]),
    "card_token": st.sampled_from(["tok1", "tok2", "tok3"]),
    "descriptor": st.sampled_from(["", 'SQ "BLUE"', "back\\slash", "é ☕ 1", "</script>1", "a\u2028b", '\\"1']),
    "city": st.sampled_from(["", "São Paulo", 'O"', "\\"]),
}


@given(st.lists(st.fixed_dictionaries({}, optional=OPTIONAL), max_size=40), st.integers(0, 3))
def test_events_are_what_pydantic_would_write(changes: list[dict[str, str]], left_out: int) -> None:
    records = [{**USUAL, "transaction_id": f"t{number}", "card_token": "tok9", **change} for number, change in enumerate(changes)]
    for record in records:
        if '"' in record.get("descriptor", "") + record.get("city", ""):
            record |= {name: f'"{record[name].replace(chr(34), chr(34) * 2)}"' for name in ("descriptor", "city") if name in record}
    accepted = [batch.slice(left_out) for batch in parsed(csv_file(records)).accepted if batch.num_rows > left_out]
    events = list(payloads(accepted, SHARDS))
    sent = [transaction for event in events for transaction in transactions(event)]
    shapes = shapes_of(accepted, LAYOUTS["clo-transactions-csv"])
    assert in_order(sent) == in_order(Transaction.model_validate_json(to_json(shape)) for shape in shapes)
    assert len(sent) == max(0, len(changes) - left_out)
    assert all(shard_of(whose(transaction), SHARDS) == event.shard for event in events for transaction in transactions(event))


def test_baskets_go_along() -> None:
    basket = [{"product": "beans", "amount": 1900}, {"product": "filter", "amount": "4.50"}]
    read = parsed(jsonl_file([{**USUAL, "amount": 1, "items": basket}, {**USUAL, "amount": 2}]), "clo-transactions-jsonl")
    sent = [transaction for event in payloads(read.accepted, 1) for transaction in transactions(event)]
    assert {transaction.amount: [item.amount for item in transaction.items] for transaction in sent} == {1: [1900, "4.50"], 2: []}


def test_who_holds_a_card_decides_where_nobody_is_named() -> None:
    unnamed = {**USUAL, "customer_id": "", "card_token": "tok1"}
    read = parsed(
        csv_file([{**unnamed, "transaction_id": "held"}, {**unnamed, "transaction_id": "nobodys"}, {**USUAL, "transaction_id": "named"}])
    )
    events = list(payloads(read.accepted, 1024, [pa.array(["holder", None, "another"])]))
    found = {transaction.transaction_id: event.shard for event in events for transaction in transactions(event)}
    assert found == {"held": shard_of("holder", 1024), "nobodys": shard_of("tok1", 1024), "named": shard_of("c1", 1024)}


def test_a_layout_may_know_customers_or_cards_alone() -> None:
    line = b"t1;12.01.2026 09:41:07;12,34;K;c1;Laden;;L\n"
    layout = LAYOUTS["partner-transactions-csv"]
    cards = [told.model_copy(update={"target": "card_token"}) if told.target == "customer_id" else told for told in layout.fields]
    for by in (Way(layout=layout), Way(layout=layout.model_copy(update={"fields": cards}))):
        [event] = payloads(parse(line, by).accepted, 1024)
        assert event.shard == shard_of("c1", 1024)
        assert len(transactions(event)) == 1


def test_a_shards_records_stay_in_their_order() -> None:
    read = parsed(csv_file({**USUAL, "transaction_id": f"t{n}", "customer_id": f"c{n % 7}"} for n in range(20_000)))
    for event in payloads(read.accepted, 2):
        numbers = [int(transaction.transaction_id[1:]) for transaction in transactions(event)]
        assert numbers == sorted(numbers)


def test_events_are_small_enough_and_full() -> None:
    long = {"descriptor": "x" * 100, "location_id": "l" * 64, "merchant_id": "m" * 64, "city": "c" * 64, "region": "r" * 64}
    for other, most in (({}, MAX_BATCH), (long, MAX_BATCH - 1)):
        read = parsed(csv_file({**USUAL, **other, "transaction_id": f"t{n}"} for n in range(12_000)))
        events = list(payloads(read.accepted, 3))
        assert sum(event.count for event in events) == 12_000
        assert [event.part for event in events] == list(range(len(events)))
        assert max(event.count for event in events) <= most
        assert max(len(event.json) for event in events) < KAFKA_RECORD
        assert all(event.count == MAX_BATCH or len(event.json) > KAFKA_RECORD * 0.95 for event in events[:-1])


def test_an_event_shows_no_records_where_it_is_printed() -> None:
    [event] = payloads(parsed(csv_file([USUAL])).accepted, 1)
    assert "c1" not in repr(event)
    assert json.loads(event.json)["transactions"][0]["customer_id"] == "c1"


def test_nothing_accepted_makes_no_event() -> None:
    assert list(payloads(parsed(b"").accepted, SHARDS)) == []


def test_what_single_records_say_is_not_kept_in_memory() -> None:
    by = way("clo-transactions-csv")
    for number in range(3):
        list(payloads(parse(csv_file([USUAL | {"descriptor": f"shop {number}"}]), by).accepted, 16))
    before = pa.total_allocated_bytes()
    for number in range(100):
        list(payloads(parse(csv_file([USUAL | {"descriptor": f"shop {number} {'x' * 80}"}]), by).accepted, 16))
    assert pa.total_allocated_bytes() - before < 40 << 20


def test_baskets_that_are_all_the_same_take_no_more_memory_than_they_have() -> None:
    record = USUAL | {"amount": 1, "items": [{"product": "p" * 60, "amount": number} for number in range(1000)]}
    parsed = parse(jsonl_file([record | {"transaction_id": f"t{number}"} for number in range(20)]), way("clo-transactions-jsonl"))
    before = pa.total_allocated_bytes()
    written = sum(len(payload.json) for payload in payloads(parsed.accepted, 16))
    assert pa.total_allocated_bytes() - before < 4 * written
