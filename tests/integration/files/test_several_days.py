"""Objects of the lake that hold several days: each day is put together by itself, and an object stays while any of its days lies there."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import permutations
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest

from events.files import LakeScattered
from shared.files import compaction, lake_store
from shared.files.compaction import compact, remove_left
from shared.files.filling import keep_transactions
from shared.kernel.errors import Busy
from shared.platform.failpoints import Point, watched
from tests.conftest import NOW, MakeCall
from tests.integration.files.place import Place, Row, bought
from tests.integration.files.test_compaction import POINTS, file_id, meanwhile
from tests.integration.files.test_dying import Died
from tests.integration.files.test_revisions import dropped
from tests.world import World

DAYS = tuple((NOW + timedelta(days=number)).date().isoformat() for number in range(3))
EVENTS = 4
STANDING = {"records": 5, "gone": 0}
WAIT_SECONDS = 20
Content = dict[str, list[str]]
AtOnce = Callable[[Sequence[Callable[[], None]]], None]


@pytest.fixture(autouse=True)
def _nothing_is_left_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "LEFT_FOR", timedelta())


@pytest.fixture
def before(place: Place) -> Content:
    """What the lake holds of some events, each of which tells of every day; the days stand in turn."""
    for event in range(EVENTS):
        rows = [on(day, 10 * event + day + 3 * turn) for turn in range(2) for day in range(len(DAYS))]
        told = {"shard": 0, "transactions": rows}
        call = place.call(key=f"event-{event}", consumer="fill_lake")
        keep_transactions(call, json.dumps(told).encode())
    content = place.content()
    assert (len(objects(place)), len(content)) == (EVENTS, EVENTS * len(DAYS))
    return content


def on(day: int, number: int, **other: object) -> Row:
    return bought(number, at=(NOW + timedelta(days=day)).isoformat(), **other)


def objects(place: Place) -> set[str]:
    return {stored.name for stored in place.lake.list()}


def swept(place: Place, *needed: str) -> set[str]:
    remove_left(place.call(), needed)
    return objects(place)


def put_together(place: Place, day: str) -> None:
    compact(place.call(), LakeScattered(kind="transactions", day=day))


def of_day(place: Place, day: str) -> set[str]:
    return {row["object"] for row in place.query(f"SELECT object FROM lake_parts WHERE day = '{day}'")}


def all_is_put_together(place: Place, before: Content) -> None:
    """Whatever was done until now: each day lies in one object, these are all there are, and hold what there was."""
    for day in DAYS:
        put_together(place, day)
    assert [len(of_day(place, day)) for day in DAYS] == [1] * len(DAYS)
    assert swept(place) == place.counting()
    assert len(place.counting()) == len(DAYS)
    assert place.content() == before


@pytest.mark.parametrize("order", list(permutations(DAYS)))
def test_days_are_put_together_in_any_order(place: Place, before: Content, order: Sequence[str]) -> None:
    many = objects(place)
    for done, day in enumerate(order, start=1):
        put_together(place, day)
        assert len(of_day(place, day)) == 1
        left = swept(place)
        assert place.content() == before
        assert left == place.counting()
        assert len(left) == (done + EVENTS if done < len(DAYS) else done)
        assert (many <= left) == (done < len(DAYS))
    all_is_put_together(place, before)


def test_days_that_lie_scattered_are_told_of_one_by_one(place: Place, before: Content) -> None:
    def scattered() -> list[str]:
        with place.call().reading() as tx:
            return [day for _, day, _ in lake_store.scattered_days(tx, least=EVENTS, most=10)]

    assert len(before) == EVENTS * len(DAYS)
    for left in range(len(DAYS)):
        assert scattered() == list(DAYS[left:])
        put_together(place, DAYS[left])
    assert scattered() == []


def test_an_object_of_which_another_day_is_needed_stays(place: Place, before: Content) -> None:
    needed = min(objects(place))
    for day in DAYS:
        put_together(place, day)
    assert swept(place, needed) == place.counting() | {needed}
    assert swept(place) == place.counting()
    assert place.content() == before


def test_an_object_stays_for_a_while_after_its_last_day_was_left(place: Place, before: Content, monkeypatch: pytest.MonkeyPatch) -> None:
    many = objects(place)
    monkeypatch.setattr(compaction, "LEFT_FOR", timedelta(days=1))
    for day in DAYS:
        put_together(place, day)
    for day in DAYS:
        assert many <= swept(place)
        with place.make().transaction() as tx:
            tx.connection.execute("UPDATE lake_objects SET left_at = left_at - interval '2 days' WHERE day = %s", (day,))
    assert swept(place) == place.counting()
    assert place.content() == before


@pytest.mark.parametrize("after", [False, True], ids=["before it is stored", "after"])
def test_a_day_may_be_put_together_while_another_one_is(
    place: Place, before: Content, monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    def other() -> None:
        put_together(place, DAYS[1])
        assert objects(place) >= place.counting()

    meanwhile(monkeypatch, other, after=after)
    put_together(place, DAYS[0])
    assert swept(place) >= place.counting()
    assert place.content() == before
    all_is_put_together(place, before)


def test_objects_of_which_a_day_still_lies_there_outlive_a_sweep_in_between(
    place: Place, before: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    def others() -> None:
        for day in DAYS[1:]:
            put_together(place, day)
        swept(place)

    meanwhile(monkeypatch, others)
    with pytest.raises(Busy):  # with what was left long ago, what is about to be written went as well
        put_together(place, DAYS[0])
    assert place.content() == before
    all_is_put_together(place, before)


@pytest.fixture
def at_one_moment(monkeypatch: pytest.MonkeyPatch) -> AtOnce:
    """Does some things at once, each of which comes to the commit that lets parts lie elsewhere when all have come there."""
    barrier = Barrier(1)
    move = lake_store.move_parts

    def moved(*told: Any) -> bool:
        try:
            barrier.wait(WAIT_SECONDS)
        except BrokenBarrierError:
            raise AssertionError("not all came there") from None
        return move(*told)

    def at_once(works: Sequence[Callable[[], None]]) -> None:
        nonlocal barrier
        barrier = Barrier(len(works))
        with ThreadPoolExecutor(len(works)) as pool:
            for future in [pool.submit(work) for work in works]:
                future.result()
        barrier = Barrier(1)

    monkeypatch.setattr(lake_store, "move_parts", moved)
    return at_once


def test_days_of_the_same_objects_are_put_together_at_the_same_moment(place: Place, before: Content, at_one_moment: AtOnce) -> None:
    at_one_moment([partial(put_together, place, day) for day in DAYS])
    assert place.content() == before
    assert [len(of_day(place, day)) for day in DAYS] == [1] * len(DAYS)
    assert swept(place) == place.counting()
    assert len(place.counting()) == len(DAYS)


@pytest.mark.parametrize("turn", range(1, len(POINTS) + 1))
def test_death_at_any_point_changes_no_day(place: Place, before: Content, turn: int) -> None:
    reached: list[Point] = []

    def dies(point: Point) -> None:
        reached.append(point)
        if len(reached) == turn:
            raise Died

    with pytest.raises(Died), watched(dies):
        put_together(place, DAYS[1])
    assert tuple(reached) == POINTS[:turn]
    assert swept(place) >= place.counting()
    assert place.content() == before
    all_is_put_together(place, before)


# Beside revisions.


@pytest.fixture
def world(call: MakeCall) -> World:
    """Customers who hold an offer."""
    world = World(call)
    world.grant(world.offer(world.campaign(budget=1_000_000), repeat=True), *(f"cust-{number}" for number in range(30)))
    return world


def first(place: Place) -> None:
    """A file of two days, and another one."""
    place.receive(dropped(place, 1, *(on(number // 8, number) for number in range(12))))
    place.receive(dropped(place, 1, on(0, 20), on(1, 21), file_id=file_id(9)))


def second(place: Place) -> None:
    """Of the first day less is told, of the second none, of the third something new."""
    place.receive(dropped(place, 2, on(0, 0), on(0, 2), on(2, 12)))


def is_as_the_second_alone(place: Place, world: World) -> None:
    told = sorted((name.split("/")[1], len(rows)) for name, rows in place.content().items())
    assert told == [(f"day={DAYS[0]}", 1), (f"day={DAYS[0]}", 2), (f"day={DAYS[1]}", 1), (f"day={DAYS[2]}", 1)]
    standing = sorted(row["transaction_id"] for row in world.redemptions() if row["state"] != "reversed")
    assert standing == ["t0", "t12", "t2", "t20", "t21"]
    world.verify()


@pytest.mark.parametrize("moved", [(), DAYS[:1], DAYS[1:2], DAYS[:2]], ids=["nothing", "the first day", "the second day", "both"])
def test_a_revision_takes_the_records_of_every_day_back_out(place: Place, world: World, moved: Sequence[str]) -> None:
    first(place)
    many = objects(place)
    for day in moved:
        put_together(place, day)
    assert (many <= place.counting()) == (len(moved) < 2)
    second(place)
    is_as_the_second_alone(place, world)
    assert swept(place) == place.counting()
    assert place.query("SELECT sum(records - gone)::int AS records FROM lake_objects WHERE left_at IS NULL") == [{"records": 5}]
    for day in DAYS:
        put_together(place, day)
    assert swept(place) == place.counting()
    assert place.query("SELECT sum(records)::int AS records, sum(gone)::int AS gone FROM lake_objects WHERE left_at IS NULL") == [STANDING]
    is_as_the_second_alone(place, world)


def test_a_revision_at_the_moment_when_a_day_is_put_together_goes_before(
    place: Place, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first(place)
    meanwhile(monkeypatch, lambda: second(place))
    with pytest.raises(Busy):
        put_together(place, DAYS[0])
    put_together(place, DAYS[0])
    [name] = of_day(place, DAYS[0])
    assert place.query(f"SELECT records::int, gone::int FROM lake_objects WHERE name = '{name}'") == [{"records": 3, "gone": 0}]
    is_as_the_second_alone(place, world)
