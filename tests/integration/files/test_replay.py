"""A file that stands still, or was turned away, is taken up again: it ends as it would have, and nothing takes effect twice."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import pytest

from events.files import FileDropped
from shared.files import answers, chunks, desk, receiving
from shared.files.api import FileTakenUp, ReplayAsked
from shared.kernel.errors import NotFound
from tests.conftest import MakeCall
from tests.integration.files.place import FILE, TAKEN, Place, bought
from tests.integration.files.test_dying import Died, dying
from tests.world import World, amounts

CSV, SECOND, THIRD = (f"{FILE}_delta_r{revision}.csv" for revision in (1, 2, 3))
RECORDS = 9
WHY = ReplayAsked(reason="A test")


@pytest.fixture
def world(call: MakeCall, monkeypatch: pytest.MonkeyPatch) -> World:
    """Two dollars a purchase, and chunks of some records."""
    monkeypatch.setattr(receiving, "CHUNK_BYTES", 300)
    monkeypatch.setattr(receiving, "LONGEST_RECORD", 300)
    world = World(call)
    world.grant(world.offer(world.campaign(budget=1_000_000), repeat=True), *(f"cust-{number}" for number in range(RECORDS)))
    return world


@contextmanager
def losing(monkeypatch: pytest.MonkeyPatch, kind: str, step: str, *, but: int = 0) -> Iterator[None]:
    """Let events of a kind and step get lost, but for the first so many."""
    deliver: Callable[[Place, dict[str, Any], str], None] = Place._deliver
    came: list[str] = []

    def lose(place: Place, row: dict[str, Any], consumer: str) -> None:
        told = json.loads(bytes(row["payload"]))
        if row["type"] == f"clo.file.{kind}.v1" and told["step"] == step:
            came.append(step)
            if len(came) > but:
                with place.make().transaction() as tx:
                    tx.connection.execute(TAKEN, {"consumer": consumer, "seq": row["seq"]})
                return
        deliver(place, row, consumer)

    with monkeypatch.context() as patched:
        patched.setattr(Place, "_deliver", lose)
        yield
    assert len(came) > but


def replay(place: Place, drop_id: UUID) -> FileTakenUp:
    """Take a file up again, and let all follow from it."""
    taken_up = desk.replay_file(place.call(), drop_id, WHY)
    place.receive()
    return taken_up


@pytest.mark.parametrize(
    ("kind", "step", "but"),
    [
        ("chunk_ready", "read", 0),
        ("chunk_ready", "read", 1),
        ("chunk_ready", "apply", 0),
        ("chunk_ready", "apply", 1),
        ("step_done", "read", 0),
        ("step_done", "apply", 0),
    ],
)
def test_what_got_lost_is_asked_for_again(
    place: Place, world: World, monkeypatch: pytest.MonkeyPatch, kind: str, step: str, but: int
) -> None:
    with losing(monkeypatch, kind, step, but=but):
        place.receive(place.rows(*(bought(number) for number in range(RECORDS))))
    stuck = place.file()
    assert stuck.state != "closed"
    taken_up = replay(place, stuck.drop_id)
    assert (taken_up.drop_id, taken_up.step) == (stuck.drop_id, step)
    assert taken_up.chunks == (stuck.chunks - but if kind == "chunk_ready" else 0)
    assert (place.file().outcome, sorted(place.posted())) == ("accepted", [f"t{number}" for number in range(RECORDS)])
    assert amounts(world.redemptions()) == [200] * RECORDS
    assert replay(place, stuck.drop_id).step is None
    asked = place.query("SELECT asked_by, reason, step FROM drop_replays ORDER BY step")
    assert asked == [{"asked_by": "bank", "reason": "A test", "step": one} for one in (step, None)]
    world.verify()


@pytest.mark.parametrize(("kind", "step"), [("chunk_ready", "withdraw"), ("step_done", "withdraw"), ("chunk_ready", "apply")])
def test_a_revision_that_stands_still_is_taken_up_where_it_stands(
    place: Place, world: World, monkeypatch: pytest.MonkeyPatch, kind: str, step: str
) -> None:
    place.receive(place.rows(*(bought(number) for number in range(RECORDS))))
    with losing(monkeypatch, kind, step):
        place.receive(place.rows(bought(0), bought(1, amount=3000), name=SECOND, revision=2, supersedes=1))
    stuck = next(view for view in place.files() if view.state != "closed")
    assert replay(place, stuck.drop_id).step == ("apply" if kind == "step_done" else step)
    standing = [row for row in world.redemptions() if row["state"] != "reversed"]
    assert [(row["transaction_id"], row["qualifying_minor"]) for row in standing] == [("t0", 1500), ("t1", 3000)]
    assert desk.get_file(place.call(), stuck.drop_id).outcome == "accepted"
    world.verify()


def test_a_file_that_was_seen_and_never_cut_is_taken_up(place: Place, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    dropped = place.rows(bought(0))
    dying(monkeypatch, receiving, "_cut", turn=1, after=False)
    with pytest.raises(Died):
        receiving.receive_file(place.call(key="1", consumer="receive_file"), dropped)
    assert place.file().state == "received"
    assert replay(place, place.drop_id()).step == "receive"
    assert (place.file().outcome, amounts(world.redemptions())) == ("accepted", [200])


def late_data(place: Place) -> FileDropped:
    dropped = place.rows(bought(0), bought(1))
    (place.folder / "drops" / "inbox" / CSV).rename(place.folder / "aside")
    return dropped


def test_a_file_that_was_refused_because_its_data_came_late_is_tried_anew(place: Place, world: World) -> None:
    place.receive(late_data(place))
    refused = place.file()
    assert refused.outcome == "refused"
    (place.folder / "aside").rename(place.folder / "drops" / "inbox" / CSV)
    taken_up = replay(place, refused.drop_id)
    assert taken_up.drop_id != refused.drop_id
    assert desk.get_file(place.call(), taken_up.drop_id).outcome == "accepted"
    assert desk.get_file(place.call(), refused.drop_id).tried_anew_by == taken_up.drop_id
    assert (place.answer()["outcome"], amounts(world.redemptions())) == ("accepted", [200, 200])
    assert replay(place, refused.drop_id) == FileTakenUp(drop_id=taken_up.drop_id, step=None, chunks=0)
    assert amounts(world.redemptions()) == [200, 200]


def test_a_file_that_was_removed_while_it_was_read_is_tried_anew_when_it_is_back(
    place: Place, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped = place.rows(*(bought(number, **({"currency": "usd"} if number == 3 else {})) for number in range(RECORDS)))
    data, aside = place.folder / "drops" / "inbox" / CSV, place.folder / "aside"
    with losing(monkeypatch, "chunk_ready", "read", but=1):
        place.receive(dropped)
    data.rename(aside)
    assert replay(place, place.drop_id()).step == "read"
    rejected = place.file()
    assert (rejected.outcome, place.answer()["outcome"], world.redemptions()) == ("rejected", "rejected", [])
    aside.rename(data)
    taken_up = replay(place, rejected.drop_id)
    assert desk.get_file(place.call(), taken_up.drop_id).outcome == "partial"
    assert (place.answer()["outcome"], len(place.rejects()), place.left()) == ("partial", 1, [])
    assert amounts(world.redemptions()) == [200] * (RECORDS - 1)


def test_a_revision_that_came_too_early_is_tried_anew(place: Place, world: World) -> None:
    place.receive(place.rows(bought(0)))
    place.receive(place.rows(bought(2), name=THIRD, revision=3, supersedes=2))
    early = place.by_outcome()["refused"]
    place.receive(place.rows(bought(1), name=SECOND, revision=2, supersedes=1))
    taken_up = replay(place, early.drop_id)
    assert desk.get_file(place.call(), taken_up.drop_id).outcome == "accepted"
    assert [row["transaction_id"] for row in world.redemptions() if row["state"] != "reversed"] == ["t2"]


def test_what_is_wrong_with_a_file_itself_is_found_again(place: Place, world: World) -> None:
    place.receive(place.rows(bought(0), record_count=7))
    first = place.file()
    for attempt in (2, 3):
        taken_up = replay(place, first.drop_id)
        again = desk.get_file(place.call(), taken_up.drop_id)
        assert (again.outcome, again.problems, len(place.files())) == ("rejected", first.problems, attempt)
    assert world.redemptions() == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("module", "name"), [(answers, "remove"), (receiving, "_cut"), (chunks, "keep"), (answers, "acknowledgement")])
def test_death_while_it_is_tried_anew_changes_nothing_in_the_end(
    place: Place, world: World, monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, *, after: bool
) -> None:
    dropped = late_data(place)
    place.receive(dropped)
    (place.folder / "aside").rename(place.folder / "drops" / "inbox" / CSV)
    calls = dying(monkeypatch, module, name, turn=1, after=after)
    taken_up = desk.replay_file(place.call(), place.drop_id(), WHY)
    place.receive(survives=Died)
    assert len(calls) > 1
    assert desk.get_file(place.call(), taken_up.drop_id).outcome == "accepted"
    assert (place.answer()["outcome"], amounts(world.redemptions()), place.left()) == ("accepted", [200, 200], [])


def test_an_attempt_whose_event_got_lost_is_asked_for_again(place: Place, world: World) -> None:
    place.receive(late_data(place))
    (place.folder / "aside").rename(place.folder / "drops" / "inbox" / CSV)
    drop_id = place.drop_id()
    first = desk.replay_file(place.call(), drop_id, WHY)
    with place.make().transaction() as tx:
        tx.connection.execute("UPDATE outbox SET pending = '{}'")
    assert replay(place, drop_id) == first
    assert amounts(world.redemptions()) == [200, 200]


def test_a_file_that_is_not_there_is_told(place: Place) -> None:
    with pytest.raises(NotFound):
        desk.replay_file(place.call(), uuid4(), WHY)
