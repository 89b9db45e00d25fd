"""Counting: each impression once, whatever comes twice, late, mixed up or at the same time."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from typing import LiteralString

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.payloads import Impression, ImpressionsLogged
from shared.impressions.service import count_impressions
from shared.kernel.errors import KeyReused
from shared.platform.call import Replayed
from shared.platform.database import Database
from tests.conftest import MakeCall
from tests.integration.impressions.builders import AT, OFFER_ID, OTHER_OFFER_ID, empty, impression, tables


def batch(*impressions: Impression) -> ImpressionsLogged:
    return ImpressionsLogged(shard=0, impressions=list(impressions))


def test_counts_by_hour_and_reaches_each_customer_once(call: MakeCall, database: Database) -> None:
    later = AT + timedelta(hours=1)
    count_impressions(call(), batch(impression(1), impression(2), impression(3, customer_id="c2", at=later), impression(4, kind="viewed")))

    hour = AT.replace(minute=0, second=0)
    found = tables(database)
    assert found["counts"] == [
        (OFFER_ID, "email", "top", "served", hour, 2, ""),
        (OFFER_ID, "email", "top", "served", hour + timedelta(hours=1), 1, ""),
        (OFFER_ID, "email", "top", "viewed", hour, 1, ""),
    ]
    assert found["reach"] == [
        (OFFER_ID, "email", "served", "c1", ""),
        (OFFER_ID, "email", "served", "c2", ""),
        (OFFER_ID, "email", "viewed", "c1", ""),
    ]


def test_same_id_with_other_content_keeps_the_first(call: MakeCall, database: Database) -> None:
    count_impressions(call(), batch(impression(1, kind="clicked"), impression(1, kind="viewed")))
    count_impressions(call(), batch(impression(1, channel="web")))

    found = tables(database)
    assert [(row[1], row[4]) for row in found["impressions"]] == [("clicked", "email")]
    assert [(row[3], row[5]) for row in found["counts"]] == [("clicked", 1)]
    assert [row[2] for row in found["reach"]] == ["clicked"]


def test_version_and_variant_are_kept_where_the_channel_says_them(call: MakeCall, database: Database) -> None:
    count_impressions(call(), batch(impression(1), impression(2, version=3, variant="gold")))
    with database.connection() as connection:
        found = connection.execute("SELECT version, variant FROM impressions ORDER BY impression_id").fetchall()
    assert [(row["version"], row["variant"]) for row in found] == [(None, None), (3, "gold")]


def test_variants_are_counted_apart_and_each_reaches_its_customers_once(call: MakeCall, database: Database) -> None:
    gold = [impression(n, variant="gold", customer_id=customer) for n, customer in enumerate(("c1", "c1", "c2"))]
    count_impressions(call(), batch(*gold, impression(3, variant="teal")))
    count_impressions(call(), batch(impression(4, variant="gold"), impression(5)))

    found = tables(database)
    assert [(row[6], row[5]) for row in found["counts"]] == [("", 1), ("teal", 1), ("gold", 4)]
    assert [(row[4], row[3]) for row in found["reach"]] == [("", "c1"), ("gold", "c1"), ("teal", "c1"), ("gold", "c2")]


def test_event_that_is_delivered_again_is_taken_once(call: MakeCall, database: Database) -> None:
    count_impressions(call(key="e1"), batch(impression(1)))

    with pytest.raises(Replayed):
        count_impressions(call(key="e1"), batch(impression(1)))
    with pytest.raises(KeyReused):
        count_impressions(call(key="e1", said=b"other"), batch(impression(2)))
    assert len(tables(database)["impressions"]) == 1


impressions = st.builds(
    lambda *facts: facts,
    st.sampled_from(["served", "viewed", "clicked"]),
    st.sampled_from(["c1", "c2", "c3"]),
    st.sampled_from([OFFER_ID, OTHER_OFFER_ID]),
    st.sampled_from(["email", "web"]),
    st.integers(0, 2),
    st.sampled_from([None, "gold"]),
)


@settings(max_examples=40)
@given(facts=st.lists(impressions, min_size=1, max_size=12), seed=st.integers(0, 2**32))
def test_order_and_repetition_never_change_the_result(
    facts: list[tuple[str, str, object, str, int, str | None]], seed: int, call: MakeCall, database: Database
) -> None:
    ordered = [
        impression(n, kind=kind, customer_id=customer, offer_id=offer, channel=channel, at=AT + timedelta(hours=hours), variant=variant)
        for n, (kind, customer, offer, channel, hours, variant) in enumerate(facts)
    ]
    empty(database)
    count_impressions(call(), batch(*ordered))
    expected = tables(database)

    random = Random(seed)
    mixed = ordered * 2 + random.choices(ordered, k=3)
    random.shuffle(mixed)
    empty(database)
    while mixed:
        size = random.randint(1, len(mixed))
        count_impressions(call(), batch(*mixed[:size]))
        mixed = mixed[size:]

    assert tables(database) == expected
    assert sum(row[5] for row in expected["counts"]) == len(ordered)


def waiting(database: Database, sessions: int) -> bool:
    with database.connection() as connection:
        found = connection.execute("SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone()
        return found is not None and found["n"] >= sessions


def race(call: MakeCall, database: Database, held: LiteralString, *batches: ImpressionsLogged) -> None:
    """Run batches at once, all of them held up by one row in their middle until each has got as far as it can."""
    with ThreadPoolExecutor(len(batches)) as threads:
        with database.connection() as connection, connection.transaction(force_rollback=True):
            connection.execute(held)
            running = [threads.submit(count_impressions, call(), each) for each in batches]
            deadline = time.monotonic() + 20
            while not waiting(database, len(batches)):
                assert time.monotonic() < deadline, "the batches never met"
        for future in running:
            future.result(timeout=60)


def test_concurrent_batches_with_the_same_impressions_never_deadlock(call: MakeCall, database: Database) -> None:
    same = [impression(n) for n in range(100, 200)]
    held: LiteralString = (
        "INSERT INTO impressions SELECT 'imp-150', 'served', 'c', gen_random_uuid(), 'email', 'p', now(), now()"  # as a third batch would
    )

    race(call, database, held, batch(*same), batch(*reversed(same)))

    assert sum(row[5] for row in tables(database)["counts"]) == len(same)


def test_concurrent_batches_with_the_same_counts_never_deadlock(call: MakeCall, database: Database) -> None:
    first = [impression(n, placement=f"p{n}") for n in range(100, 200)]
    second = [impression(n, placement=f"p{n}", impression_id=f"other-{n}") for n in range(100, 200)]
    count_impressions(call(), batch(*(impression(n, placement=f"p{n}", impression_id=f"earlier-{n}") for n in range(100, 200))))

    race(call, database, "SELECT FROM impression_counts WHERE placement = 'p150' FOR UPDATE", batch(*first), batch(*reversed(second)))

    assert {row[5] for row in tables(database)["counts"]} == {3}
