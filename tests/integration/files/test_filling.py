"""Purchases and impressions that no file tells reach the lake: once for each event, whoever dies and however often it comes."""

import json
from typing import Any
from uuid import uuid4

import pytest

from events.payloads import Impression, ImpressionsLogged, Transaction, TransactionsPosted
from shared.files import lake
from shared.files.columns import schema_of
from shared.files.filling import keep_impressions, keep_transactions, table_of
from shared.files.library import load
from shared.files.names import read_name
from shared.files.places import read_whole
from shared.kernel.errors import Invalid
from shared.kernel.ids import OFFER
from shared.kernel.shards import shard_of
from shared.platform.call import Replayed
from shared.platform.failpoints import Point, watched
from shared.redemptions.intake import post_transactions
from shared.redemptions.service import redeem
from tests.conftest import NOW, SHARDS
from tests.integration.files.place import FILE, Place, bought
from tests.integration.files.test_dying import Died

KEPT = "SELECT name, kind, day, records, from_file FROM lake_parts ORDER BY name"
POINTS = (Point.OBJECT_DUE, Point.OBJECT_STORED, Point.COMMIT_DUE, Point.COMMITTED)
NEXT_DAY = NOW.replace(day=16)


def posted(*said: dict[str, Any], **other: object) -> TransactionsPosted:
    return TransactionsPosted.model_validate_json(json.dumps({"shard": 0, "transactions": said} | other))


def keep(place: Place, event: TransactionsPosted, key: str = "event-1") -> None:
    keep_transactions(place.call(key=key, consumer="fill_lake"), event.model_dump_json().encode())


def records(place: Place) -> list[dict[str, Any]]:
    """What the lake holds, without what is not said."""
    found = [row for stored in place.lake.list() for row in lake.of_parquet(read_whole(place.lake, stored.name), EVERY).to_pylist()]
    return [{name: value for name, value in row.items() if value is not None} for row in found]


EVERY = {*Transaction.model_fields, *Impression.model_fields}


def test_an_event_leaves_a_part_for_each_day_in_one_object(place: Place) -> None:
    keep(place, posted(bought(1), bought(2, at=NEXT_DAY.isoformat()), bought(3)))
    said = {"kind": "transactions", "from_file": False}
    found = place.query(KEPT)
    assert [row | {"name": ""} for row in found] == [
        {"name": "", "day": "2026-01-15", "records": 2} | said,
        {"name": "", "day": "2026-01-16", "records": 1} | said,
    ]
    [stored] = place.lake.list()
    assert [row["name"] for row in found] == [stored.name.replace("day=2026-01-15_2026-01-16", f"day={row['day']}") for row in found]
    assert place.counting() == {stored.name}
    assert [len(told) for told in place.content().values()] == [2, 1]
    assert [row["transaction_id"] for row in records(place)] == ["t1", "t3", "t2"]


def test_the_same_event_leaves_one_part(place: Place) -> None:
    event = posted(bought(1), bought(2))
    keep(place, event)
    with pytest.raises(Replayed):
        keep(place, event)
    assert len(place.query(KEPT)) == len(list(place.lake.list())) == 1


def test_another_event_leaves_another_part(place: Place) -> None:
    for key in ("event-1", "event-2"):
        keep(place, posted(bought(1)), key)
    assert len(place.query(KEPT)) == len(list(place.lake.list())) == 2


@pytest.mark.parametrize("turn", range(1, len(POINTS) + 1))
def test_death_at_any_point_leaves_what_one_delivery_leaves(place: Place, turn: int) -> None:
    reached: list[Point] = []

    def dies(point: Point) -> None:
        reached.append(point)
        if len(reached) == turn:
            raise Died

    event = posted(bought(1), bought(2))
    with pytest.raises(Died), watched(dies):
        keep(place, event)
    assert tuple(reached) == POINTS[:turn]
    try:
        keep(place, event)
    except Replayed:
        assert turn == len(POINTS)
    assert [row["records"] for row in place.query(KEPT)] == [2]
    assert [row["transaction_id"] for row in records(place)] == ["t1", "t2"]


@pytest.mark.parametrize("other", [{"file": {"file_id": FILE, "revision": 1}}, {"again": True}], ids=["by a file", "again"])
def test_what_the_lake_has_already_is_let_pass(place: Place, other: dict[str, object]) -> None:
    keep(place, posted(bought(1), **other))
    assert place.query(KEPT) == []
    assert list(place.lake.list()) == []


UNREADABLE = [{"transaction_id": ""}]


@pytest.mark.parametrize("other", [{"file": {"file_id": FILE, "revision": 1}}, {"again": True}], ids=["by a file", "again"])
def test_purchases_that_are_let_pass_are_not_read(place: Place, other: dict[str, object]) -> None:
    said = {"shard": 0, "transactions": UNREADABLE} | other
    keep_transactions(place.call(key="event-1", consumer="fill_lake"), json.dumps(said).encode())
    assert place.query(KEPT) == []


@pytest.mark.parametrize("said", [{"transactions": UNREADABLE}, {"transactions": [], "file": 1}, {}], ids=["purchases", "file", "nothing"])
def test_an_event_that_can_not_be_read_is_refused(place: Place, said: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        keep_transactions(place.call(key="event-1", consumer="fill_lake"), json.dumps({"shard": 0} | said).encode())
    assert place.query(KEPT) == []


def test_values_are_kept_as_files_have_them(place: Place) -> None:
    said = bought(1, at="2026-01-15T10:00:00-05:00", amount="15.25", tip="0.25", items=[{"product": "tea", "amount": 300}], mcc="5814")
    keep(place, posted(said))
    [row] = records(place)
    assert (row["amount"], row["tip"], row["at"].isoformat()) == (1525, 25, "2026-01-15T15:00:00+00:00")
    assert json.loads(row["items"]) == [{"product": "tea", "amount": 300}]
    assert (row["mcc"], row["kind"], row["sequence"]) == ("5814", "purchase", 0)


@pytest.mark.parametrize("ending", ["csv", "jsonl", "fixed", "parquet"])
def test_columns_are_those_of_files(ending: str) -> None:
    made = table_of(Transaction, posted(bought(1)).transactions).schema
    of_files = schema_of(load().find(read_name(f"{FILE}_delta_r1.{ending}"), "1"))
    assert [field for field in of_files if made.field(field.name).type != field.type] == []


def test_impressions_are_kept(place: Place) -> None:
    offer = OFFER.render(uuid4())
    said = {"impression_id": "i1", "kind": "viewed", "customer_id": "ann", "offer_id": offer, "channel": "email", "placement": "top"}
    told = said | {"at": NOW.isoformat(), "version": 2}
    logged = ImpressionsLogged.model_validate_json(json.dumps({"shard": 0, "impressions": [told]}))
    keep_impressions(place.call(key="event-1", consumer="fill_lake"), logged)
    [part] = place.query(KEPT)
    assert (part["kind"], part["day"], part["records"]) == ("impressions", "2026-01-15", 1)
    [row] = records(place)
    assert row == said | {"at": NOW, "version": 2}


def test_a_purchase_that_is_posted_comes_to_the_lake_once(place: Place) -> None:
    raw = json.dumps({"transactions": [bought(1), bought(2)]}).encode()
    for _ in range(2):
        try:
            post_transactions(place.call(key="request-1"), raw)
        except Replayed:
            place.receive()
    assert sum(row["records"] for row in place.query(KEPT)) == 2
    assert {"fill_lake", "redeem_cashback"} <= {consumer for consumer, _ in place.came}


def test_a_purchase_that_is_sent_on_to_another_shard_comes_to_the_lake_once(place: Place) -> None:
    event = posted(bought(1), shard=(shard_of("cust-1", SHARDS) + 1) % SHARDS)
    keep(place, event)
    redeem(place.call(key="event-1", consumer="redeem_cashback"), event)
    place.receive()
    assert place.came.count(("fill_lake", "clo.transactions.posted.v1")) == 1
    assert [row["records"] for row in place.query(KEPT)] == [1]


def test_without_a_lake_nothing_is_kept(place: Place) -> None:
    keep_transactions(place.make("bank", key="event-1", consumer="fill_lake"), posted(bought(1)).model_dump_json().encode())
    assert place.query(KEPT) == []
