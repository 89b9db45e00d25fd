"""Events go out if what they tell of was committed, and only then."""

import json
from typing import Any

import pytest

from events.payloads import CampaignEnded, CampaignWentLive, PayoutsDue
from shared.kernel.ids import derived_id, new_id
from shared.kernel.wire import Wire
from shared.platform.database import Database
from shared.platform.outbox import SOURCE
from tests.conftest import NOW, MakeCall

CAMPAIGN = new_id(NOW)
ENDED = CampaignEnded(campaign_id=CAMPAIGN, ended_at=NOW, cancelled=False)
LIVE = CampaignWentLive(campaign_id=CAMPAIGN, live_at=NOW)


def stored(database: Database) -> list[dict[str, Any]]:
    with database.connection() as connection:
        return list(
            connection.execute(
                "SELECT type, topic, key, subject, source, pending, retained, occurred_at, payload FROM outbox ORDER BY seq"
            ).fetchall()
        )


def test_event_is_stored_with_its_consumers_topic_and_key(call: MakeCall, database: Database) -> None:
    with call().transaction() as tx:
        tx.emit(LIVE, subject="cmp", key="k")
    (row,) = stored(database)
    assert (row["type"], row["topic"], row["key"], row["subject"], row["source"]) == (
        "clo.campaign.went_live.v1",
        "clo.campaigns",
        "k",
        "cmp",
        SOURCE,
    )
    assert row["pending"] == ["launch_offer"]
    assert row["retained"] is True
    assert row["occurred_at"] == NOW
    assert json.loads(bytes(row["payload"]))["campaign_id"] == f"cmp_{CAMPAIGN.hex}"


def test_event_of_a_transaction_that_fails_is_not_stored(call: MakeCall, database: Database) -> None:
    def fail() -> None:
        with call(key="k1").transaction() as tx:
            tx.emit(LIVE, subject="cmp", key="k")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert stored(database) == []
    with call(key="k1").transaction() as tx:  # and its key is free again
        tx.emit(LIVE, subject="cmp", key="k")
    assert len(stored(database)) == 1


def test_effect_is_undone_when_its_event_can_not_be_stored(call: MakeCall, database: Database) -> None:
    def bump(*, emitting: bool) -> int:
        with call().transaction() as tx:
            if emitting:
                tx.emit(Wire(), subject="cmp", key="k")  # no event of the catalog
            return tx.bump("campaigns")

    before = bump(emitting=False)
    with pytest.raises(KeyError):
        bump(emitting=True)
    assert bump(emitting=False) == before + 1


def test_event_with_a_derived_id_is_stored_once(call: MakeCall, database: Database) -> None:
    for _ in range(2):
        with call().transaction() as tx:
            tx.emit(LIVE, subject="cmp", key="k", event_id=derived_id("origin"))
    assert len(stored(database)) == 1


def test_events_keep_the_order_in_which_they_were_emitted(call: MakeCall, database: Database) -> None:
    with call().transaction() as tx:
        for number in range(50):
            tx.emit(LIVE, subject=str(number), key="k")
    assert [row["subject"] for row in stored(database)] == [str(number) for number in range(50)]


def test_event_for_systems_outside_is_kept_though_no_function_takes_it(call: MakeCall, database: Database) -> None:
    with call().transaction() as tx:
        tx.emit(ENDED, subject="cmp", key="k")
    (row,) = stored(database)
    assert row["pending"] == []
    assert row["retained"] is True


def test_event_for_functions_alone_is_not_retained(call: MakeCall, database: Database) -> None:
    with call().transaction() as tx:
        tx.emit(PayoutsDue(shard=1, redemption_ids=[CAMPAIGN]), subject="s", key="1")
    (row,) = stored(database)
    assert row["retained"] is False
    assert row["pending"] == ["pay_cashback"]
