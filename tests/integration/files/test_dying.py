"""A function that dies anywhere on the way of a file is followed by one that goes on: nothing lost, nothing doubled, nothing left."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from shared.files import answers, chunks, effects, lake, lake_store, receiving, revising, steps, store
from shared.redemptions import history
from tests.conftest import MakeCall
from tests.integration.files.place import FILE, Place, bought
from tests.world import World, amounts

RECORDS = 24
SECOND = f"{FILE}_delta_r2.csv"


class Died(Exception):
    """What a process does not survive."""


def dying(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, *, turn: int, after: bool) -> list[int]:
    """Let a function of a module die the so manieth time it is called, before it does its work or after; the calls so far."""
    work: Callable[..., Any] = getattr(module, name)
    calls: list[int] = []

    def works_or_dies(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401  (whatever the function takes)
        calls.append(len(calls) + 1)
        if calls[-1] == turn and not after:
            raise Died
        made = work(*arguments, **named)
        if calls[-1] == turn and after:
            raise Died
        return made

    monkeypatch.setattr(module, name, works_or_dies)
    return calls


def _granted(call: MakeCall, monkeypatch: pytest.MonkeyPatch) -> World:
    """Customers who hold an offer; files are cut into small chunks."""
    monkeypatch.setattr(receiving, "CHUNK_BYTES", 600)
    monkeypatch.setattr(receiving, "LONGEST_RECORD", 600)
    world = World(call)
    world.grant(world.offer(world.campaign(budget=1_000_000), repeat=True), *(f"cust-{number}" for number in range(RECORDS)))
    return world


def _is_put_away(place: Place, records: int) -> None:
    """Nothing is left of what was made on the way; the lake holds so many records in the parts that are on record."""
    assert place.left() == []
    assert {row["name"] for row in place.query("SELECT name FROM lake_objects")} == {stored.name for stored in place.lake.list()}
    assert place.query("SELECT sum(records)::int AS records FROM lake_parts") == [{"records": records}]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("module", "name", "turn"),
    [
        (store, "add", 1),
        (store, "add_pieces", 1),
        (receiving, "keep", 1),
        (receiving, "keep", 2),
        (chunks, "keep", 1),
        (chunks, "keep", 2),
        (store, "chunk_read", 1),
        (store, "chunk_read", 2),
        (store, "chunk_applied", 1),
        (store, "chunk_applied", 2),
        (lake_store, "add_parts", 1),
        (store, "found", 1),
        (store, "found", 2),
        (store, "update", 1),
        (store, "update", 2),
        (lake, "keep", 1),
        (lake, "keep", 2),
        (effects, "publish", 1),
        (effects, "publish", 2),
        (steps, "start", 1),
        (steps, "start", 2),
        (steps, "step_done", 1),
        (steps, "step_done", 2),
        (answers, "write", 1),
        (answers, "acknowledgement", 1),
    ],
    ids=lambda part: part.__name__.rsplit(".", 1)[-1] if isinstance(part, ModuleType) else str(part),
)
def test_death_anywhere_changes_nothing_in_the_end(
    place: Place, call: MakeCall, monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, turn: int, *, after: bool
) -> None:
    world = _granted(call, monkeypatch)
    rows = [bought(number, **({"currency": "usd"} if number == 7 else {})) for number in range(RECORDS)]
    calls = dying(monkeypatch, module, name, turn=turn, after=after)
    place.receive(place.packed(*rows), survives=Died)
    assert len(calls) > turn or (after and len(calls) == turn)
    assert (place.file().outcome, place.file().accepted, place.file().rejected) == ("partial", RECORDS - 1, 1)
    assert sorted(place.posted()) == sorted(f"t{number}" for number in range(RECORDS) if number != 7)
    assert amounts(world.redemptions()) == [200] * (RECORDS - 1)
    assert len(place.rejects(place.PACKED)) == 1
    assert place.answer(place.PACKED)["outcome"] == "partial"
    assert len(list(place.lake.list())) == place.file().chunks
    _is_put_away(place, RECORDS - 1)
    world.verify()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("module", "name", "turn"),
    [
        (lake, "read_parts", 1),
        (revising, "publish", 1),
        (revising, "publish", 2),
        (store, "chunk_withdrawn", 1),
        (store, "chunk_withdrawn", 2),
        (store, "superseded", 1),
        (lake_store, "forget_parts", 1),
        (lake_store, "add_parts", 1),
        (store, "update", 3),
        (steps, "start", 2),
        (steps, "start", 3),
        (steps, "step_done", 2),
        (answers, "write", 1),
        (history, "newest_revision", 2),
        (history, "restate", 1),
        (history, "restate", 2),
        (history, "retell", 1),
    ],
    ids=lambda part: part.__name__.rsplit(".", 1)[-1] if isinstance(part, ModuleType) else str(part),
)
def test_death_anywhere_on_the_way_of_a_revision_changes_nothing_in_the_end(
    place: Place, call: MakeCall, monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, turn: int, *, after: bool
) -> None:
    world = _granted(call, monkeypatch)
    place.receive(place.rows(*(bought(number) for number in range(RECORDS))))
    rows = [bought(number, **({"amount": 2000} if number % 3 else {})) for number in range(0, RECORDS, 2)]
    calls = dying(monkeypatch, module, name, turn=turn, after=after)
    place.receive(place.rows(*rows, name=SECOND, revision=2, supersedes=1), survives=Died)
    assert len(calls) > turn or (after and len(calls) == turn)
    standing = [row for row in world.redemptions() if row["state"] != "reversed"]
    assert sorted((row["transaction_id"], row["qualifying_minor"]) for row in standing) == sorted(
        (str(row["transaction_id"]), row["amount"]) for row in rows
    )
    assert world.rows("SELECT count(*) AS gone FROM transactions WHERE withdrawn") == [{"gone": RECORDS // 2}]
    assert place.answer(SECOND)["outcome"] == "accepted"
    _is_put_away(place, len(rows))
    world.verify()
