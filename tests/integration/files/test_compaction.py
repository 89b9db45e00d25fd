"""Small objects of the lake are put together: what they hold stays as it is, whoever dies, reads or takes rows back meanwhile."""

from collections.abc import Callable, Collection
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from events.files import LakeScattered
from events.payloads import ScheduleTicked
from shared.files import chunks, compaction, lake, lake_store, receiving, store
from shared.files.compaction import compact, remove_left
from shared.files.places import keep_blocks
from shared.kernel.errors import Busy
from shared.platform.failpoints import Point, watched
from shared.schedule.service import run_schedule
from tests.conftest import NOW, MakeCall
from tests.integration.files.place import FILE, Place, bought
from tests.integration.files.test_dying import Died
from tests.integration.files.test_revisions import dropped
from tests.world import World

DAY = LakeScattered(kind="transactions", day=NOW.date().isoformat())
FILES = 6
ROWS_OF_A_FILE = 3


def file_id(number: int) -> str:
    return FILE.replace("0001", f"{number:04}")


def filled(place: Place, files: int = FILES) -> None:
    """A day of the lake as some small files leave it."""
    for number in range(100, 100 + files):
        rows = [bought(10 * number + row) for row in range(ROWS_OF_A_FILE)]
        place.receive(place.rows(*rows, name=f"{file_id(number)}_delta_r1.csv", file_id=file_id(number)))


def put_together(place: Place, key: str | None = None) -> None:
    compact(place.call(key=key, consumer="compact_lake"), DAY)


@pytest.fixture
def _nothing_is_left_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "LEFT_FOR", timedelta())


def swept(place: Place, *needed: str) -> set[str]:
    """What lies in the lake once all that was left is removed."""
    remove_left(place.call(), needed)
    return {stored.name for stored in place.lake.list()}


@pytest.mark.usefixtures("_nothing_is_left_for_long")
def test_many_small_objects_become_one_that_holds_the_same(place: Place) -> None:
    filled(place)
    before, objects = place.content(), {stored.name for stored in place.lake.list()}
    assert len(objects) == FILES
    put_together(place)
    [one] = place.counting()
    assert place.content() == before
    assert one.startswith(f"kind=transactions/day={DAY.day}/")
    assert {stored.name for stored in place.lake.list()} == objects | {one}
    assert swept(place) == {one}
    assert place.content() == before
    put_together(place)
    assert place.counting() == {one}


def test_objects_that_were_left_stay_for_a_while(place: Place) -> None:
    filled(place)
    put_together(place)
    assert len(swept(place)) == FILES + 1


@pytest.mark.usefixtures("_nothing_is_left_for_long")
def test_objects_that_somebody_needs_stay(place: Place) -> None:
    filled(place)
    needed = sorted(place.counting())[:2]
    put_together(place)
    assert swept(place, *needed) == {*needed, *place.counting()}


def test_the_schedule_asks_once_while_nothing_changes(place: Place) -> None:
    def asked() -> list[dict[str, Any]]:
        run_schedule(place.call(), ScheduleTicked(at=NOW))
        return place.query("SELECT payload FROM outbox WHERE type = 'clo.lake.scattered.v1'")

    filled(place, compaction.LEAST_OBJECTS - 1)
    assert asked() == []
    place.receive(place.rows(bought(1), name=f"{file_id(90)}_delta_r1.csv", file_id=file_id(90)))
    assert [LakeScattered.model_validate_json(bytes(row["payload"])) for row in asked()] == [DAY]
    assert len(asked()) == 1
    place.receive()
    assert len(place.counting()) == 1
    assert len(asked()) == 1


def test_only_so_much_is_put_together_at_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "MOST_RECORDS", 4 * ROWS_OF_A_FILE)
    filled(place)
    before = place.content()
    put_together(place)
    assert len(place.counting()) == FILES - 4 + 1
    assert place.content() == before


def test_large_objects_are_left_alone(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(place)
    put_together(place)
    monkeypatch.setattr(lake_store, "FEW_RECORDS", FILES * ROWS_OF_A_FILE)
    place.receive(place.rows(bought(1), bought(2), name=f"{file_id(90)}_delta_r1.csv", file_id=file_id(90)))
    before = place.counting()
    put_together(place)
    assert place.counting() == before


POINTS = (Point.COMMIT_DUE, Point.COMMITTED, Point.OBJECT_DUE, Point.OBJECT_STORED, Point.COMMIT_DUE, Point.COMMITTED)


@pytest.mark.usefixtures("_nothing_is_left_for_long")
@pytest.mark.parametrize("turn", range(1, len(POINTS) + 1))
def test_death_at_any_point_changes_nothing_in_the_end(place: Place, turn: int) -> None:
    filled(place)
    before, reached = place.content(), list[Point]()

    def dies(point: Point) -> None:
        reached.append(point)
        if len(reached) == turn:
            raise Died

    with pytest.raises(Died), watched(dies):
        put_together(place)
    assert tuple(reached) == POINTS[:turn]
    assert place.content() == before
    put_together(place)
    assert len(place.counting()) == 1
    assert place.content() == before
    assert swept(place) == place.counting()


@pytest.mark.usefixtures("_nothing_is_left_for_long")
def test_what_a_writer_that_died_has_stored_is_removed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(place)

    def dies(*_: object) -> bool:
        raise Died

    with monkeypatch.context() as broken:
        broken.setattr(lake_store, "move_parts", dies)
        with pytest.raises(Died):
            put_together(place)
    assert len(list(place.lake.list())) == FILES + 1
    assert swept(place) == place.counting()
    assert len(place.counting()) == FILES


@pytest.mark.parametrize("more", [0, 1], ids=["the same", "more"])
def test_of_two_that_put_the_same_together_one_does(place: Place, monkeypatch: pytest.MonkeyPatch, more: int) -> None:
    def other() -> None:
        for _ in range(more):
            place.receive(place.rows(bought(1), name=f"{file_id(90)}_delta_r1.csv", file_id=file_id(90)))
        put_together(place)

    filled(place)
    before = place.content()
    meanwhile(monkeypatch, other)
    with pytest.raises(Busy):
        put_together(place)
    assert before.items() <= place.content().items()
    assert len(place.counting()) == 1


@pytest.mark.usefixtures("_nothing_is_left_for_long")
def test_an_object_that_was_removed_while_it_was_written_is_not_used(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(place)
    before = place.content()
    meanwhile(monkeypatch, lambda: swept(place), after=True)
    with pytest.raises(Busy):
        put_together(place)
    assert place.content() == before
    put_together(place)
    assert (len(place.counting()), place.content()) == (1, before)


def meanwhile(monkeypatch: pytest.MonkeyPatch, does: Callable[[], object], *, after: bool = False) -> None:
    """Let something be done while an object is written, before it is stored or after."""
    done = list[bool]()

    def kept(*told: Any) -> Any:  # noqa: ANN401  (as it is)
        if done:
            return keep_blocks(*told)
        done.append(True)
        if not after:
            does()
        stored = keep_blocks(*told)
        if after:
            does()
        return stored

    monkeypatch.setattr(compaction, "keep_blocks", kept)


# Beside revisions.


@pytest.fixture
def world(call: MakeCall, monkeypatch: pytest.MonkeyPatch) -> World:
    """Customers who hold an offer; files are cut into small chunks."""
    monkeypatch.setattr(receiving, "CHUNK_BYTES", 300)
    monkeypatch.setattr(receiving, "LONGEST_RECORD", 300)
    world = World(call)
    world.grant(world.offer(world.campaign(budget=1_000_000), repeat=True), *(f"cust-{number}" for number in range(30)))
    return world


def first(place: Place) -> None:
    place.receive(dropped(place, 1, *map(bought, range(20))))


def second(place: Place) -> None:
    place.receive(dropped(place, 2, *(bought(number, amount=2000) for number in range(0, 20, 4))))


def is_as_the_second_alone(place: Place, world: World, others: Collection[str] = ()) -> None:
    """What the lake holds beside some parts, and what was earned."""
    told = [row for name, rows in place.content().items() if name not in others for row in rows]
    assert len(told) == 5
    assert all("'amount': 2000" in row for row in told)
    standing = [row["transaction_id"] for row in world.redemptions() if row["state"] != "reversed"]
    assert sorted(standing) == [f"t{number}" for number in sorted(range(0, 20, 4), key=str)]
    world.verify()


@pytest.mark.usefixtures("_nothing_is_left_for_long")
def test_a_revision_takes_rows_back_out_of_what_was_put_together(place: Place, world: World) -> None:
    filled(place, 2)
    others = place.content()
    first(place)
    put_together(place)
    [one] = place.counting()
    second(place)
    assert one in place.counting()
    assert others.items() <= place.content().items()
    assert place.query(f"SELECT gone FROM lake_objects WHERE name = '{one}'") == [{"gone": 20}]
    put_together(place)
    assert one not in place.counting()
    assert swept(place) == place.counting()
    assert others.items() <= place.content().items()
    is_as_the_second_alone(place, world, others)


@pytest.mark.usefixtures("_nothing_is_left_for_long")
def test_an_object_in_which_nothing_counts_any_more_is_removed(place: Place, world: World) -> None:
    first(place)
    put_together(place)
    [one] = place.counting()
    second(place)
    assert one not in swept(place)
    is_as_the_second_alone(place, world)


def test_an_object_of_which_half_is_gone_is_written_anew_though_it_is_alone(
    place: Place, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(place, 1)
    others = place.content()
    first(place)
    put_together(place)
    [one] = place.counting()
    second(place)
    monkeypatch.setattr(compaction, "MOST_OBJECTS", 1)
    with place.call().reading() as tx:
        assert [day for _, day, _ in lake_store.scattered_days(tx, least=1_000, most=10)] == [DAY.day]
    put_together(place)
    [other] = {row["object"] for row in place.query("SELECT name, object FROM lake_parts") if row["name"] in others}
    assert other != one
    assert place.query(f"SELECT records, gone FROM lake_objects WHERE name = '{other}'") == [{"records": ROWS_OF_A_FILE, "gone": 0}]
    is_as_the_second_alone(place, world, others)


def test_parts_that_count_no_more_when_all_is_written_stop_it(place: Place, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first(place)
    meanwhile(monkeypatch, lambda: second(place))
    with pytest.raises(Busy):
        put_together(place)
    put_together(place)
    assert len(place.counting()) == 1
    is_as_the_second_alone(place, world)


@pytest.mark.parametrize(("module", "name"), [(store, "chunk_withdrawn"), (lake, "read_parts"), (chunks, "_tell_when_all_are")])
def test_a_revision_finds_what_is_put_together_at_any_moment(
    place: Place,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    name: str,
) -> None:
    first(place)
    work = getattr(module, name)

    def moved_first(*told: Any) -> Any:  # noqa: ANN401  (as it is)
        put_together(place)
        return work(*told)

    monkeypatch.setattr(module, name, moved_first)
    second(place)
    is_as_the_second_alone(place, world)
