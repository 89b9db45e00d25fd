"""Logging: the good ones go out by shard, the bad ones are named, a repeat is the same events."""

import json

import pytest

from events.payloads import ImpressionsLogged
from shared.impressions.service import MOST_PER_EVENT, log_impressions
from shared.kernel.errors import Invalid, Malformed
from shared.kernel.shards import shard_of
from shared.platform.call import Replayed
from shared.platform.database import Database
from tests.conftest import SHARDS, MakeCall
from tests.integration.impressions.builders import body, impression, make_offers, offer_text, wire

MOST_BYTES = 900_000


@pytest.fixture(autouse=True)
def _offers(database: Database) -> None:
    make_offers(database)


def sent(database: Database) -> list[tuple[str, ImpressionsLogged, int]]:
    with database.connection() as connection:
        rows = connection.execute("SELECT key, payload FROM outbox ORDER BY seq").fetchall()
    return [(row["key"], ImpressionsLogged.model_validate_json(row["payload"]), len(row["payload"])) for row in rows]


def test_sends_each_impression_with_its_customers_shard(call: MakeCall, database: Database) -> None:
    impressions = [impression(n, customer_id=f"c{n}") for n in range(40)]

    answer = log_impressions(call(), body(impressions))

    assert (answer.accepted, answer.rejected) == (40, [])
    events = sent(database)
    assert len(events) == SHARDS
    assert sorted(i.impression_id for _, event, _ in events for i in event.impressions) == sorted(i.impression_id for i in impressions)
    for key, event, _ in events:
        assert key == f"shard-{event.shard}"
        assert {shard_of(i.customer_id, SHARDS) for i in event.impressions} == {event.shard}


def test_takes_the_good_ones_and_names_the_bad_ones(call: MakeCall, database: Database) -> None:
    items = [
        wire(impression_id="a"),
        wire(impression_id="b", kind="touched", at="yesterday"),
        wire(impression_id="c", offer_id=offer_text().replace("off_", "off_0")[:36]),
        wire(impression_id="d", colour="red"),
        wire(impression_id="e"),
    ]

    answer = log_impressions(call(), body(items))

    assert answer.accepted == 2
    assert [(r.index, r.id, sorted(p.path for p in r.problems)) for r in answer.rejected] == [
        (1, "b", ["/impressions/1/at", "/impressions/1/kind"]),
        (2, "c", ["/impressions/2/offer_id"]),
        (3, "d", ["/impressions/3/colour"]),
    ]
    assert [i.impression_id for _, event, _ in sent(database) for i in event.impressions] == ["a", "e"]


def test_sends_nothing_when_nothing_is_good(call: MakeCall, database: Database) -> None:
    answer = log_impressions(call(), body([wire(kind="touched")]))

    assert answer.accepted == 0
    assert sent(database) == []


@pytest.mark.parametrize("raw", [b'{"impressions": []}', b'{"impression": 1}', body([impression()] * 5_001)])
def test_refuses_a_body_that_is_no_batch(call: MakeCall, raw: bytes) -> None:
    with pytest.raises(Invalid):
        log_impressions(call(), raw)


def test_refuses_what_is_no_json(call: MakeCall) -> None:
    with pytest.raises(Malformed):
        log_impressions(call(), b'{"impressions": [')


def test_same_request_again_sends_the_same_events(call: MakeCall, database: Database) -> None:
    raw = body([impression(n, customer_id=f"c{n}") for n in range(8)])
    log_impressions(call(), raw)
    first = sent(database)

    log_impressions(call(), raw)

    assert sent(database) == first


def test_same_key_again_gives_the_first_answer(call: MakeCall) -> None:
    answer = log_impressions(call(key="k1"), body([impression()]))

    with pytest.raises(Replayed) as replayed:
        log_impressions(call(key="k1"), body([impression()]))
    assert replayed.value.status == 207
    assert json.loads(replayed.value.answer or "") == answer.model_dump()


def test_events_stay_small_however_long_the_ids_are(call: MakeCall, database: Database) -> None:
    longest = [
        impression(
            0, impression_id=f"{n:06d}".ljust(64, "x"), customer_id="c" * 64, placement="p" * 64, channel="statement", kind="clicked"
        )
        for n in range(MOST_PER_EVENT + 1)
    ]

    log_impressions(call(), body(longest))

    events = sent(database)
    assert [len(event.impressions) for _, event, _ in events] == [MOST_PER_EVENT, 1]
    assert max(size for _, _, size in events) < MOST_BYTES
