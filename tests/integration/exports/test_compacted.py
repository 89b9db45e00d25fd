"""Exports of a lake whose parts are put together, and taken back, while files are on their way."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from itertools import permutations

import pytest

from events.files import LakeScattered
from shared.exports import planning, writing
from shared.exports.api import ExportView
from shared.exports.due import in_use
from shared.files import compaction, lake_store
from shared.files.drops import LakePart
from shared.files.filling import keep_transactions
from shared.files.places import read_whole
from shared.files.stores.protocol import ObjectStore
from tests.conftest import NOW
from tests.integration.exports.office import Office, bought

DAY = LakeScattered(kind="transactions", day="2026-01-15")
PARTS = 5


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left goes at once, and parts of exports are small."""
    monkeypatch.setattr(compaction, "LEFT_FOR", timedelta())
    monkeypatch.setattr(planning, "PART_RECORDS", 4)


def keep(office: Office, numbers: Iterable[int]) -> None:
    """Some parts of two purchases each."""
    for number in numbers:
        office.customers(f"cust-{2 * number}", f"cust-{2 * number + 1}")
        office.keep(f"p{number}", bought(2 * number), bought(2 * number + 1))


def put_together(office: Office) -> None:
    """The day as one object; nothing else is left but what exports need."""
    compaction.compact(office.call(), DAY)
    sweep(office)


def sweep(office: Office) -> None:
    compaction.remove_left(office.call(), in_use(office.call()))


def objects(office: Office) -> list[str]:
    return [stored.name for stored in office.lake.list("kind=")]


def ids(*numbers: int) -> list[str]:
    return [f"t{number}" for number in numbers]


def test_the_same_is_sent_of_parts_that_lie_together(office: Office) -> None:
    keep(office, range(PARTS))
    before = office.send()
    office.answer(before)
    put_together(office)
    assert len(objects(office)) == 1
    after = office.send(scope="full")
    assert office.rows(after) == office.rows(before)
    assert (after.records, office.manifest(after)["sums"]) == (before.records, office.manifest(before)["sums"])


def test_a_delta_holds_only_what_is_new_of_parts_that_lie_together(office: Office) -> None:
    keep(office, range(2))
    office.answer(office.send())
    keep(office, range(2, 4))
    put_together(office)
    view = office.send()
    assert (view.scope, sorted(office.ids(view))) == ("delta", ids(4, 5, 6, 7))
    office.answer(view)
    put_together(office)
    assert office.ids(office.send()) == []


def of_one(name: str) -> LakePart:
    name = f"kind=transactions/day=2026-01-15/{name}.parquet"
    return LakePart(name=name, kind="transactions", day=DAY.day, records=2, object=name, first_row=0, bytes=1)


def taken_back(office: Office) -> None:
    """A later revision takes the place of what some parts tell."""
    with office.call().transaction() as tx:
        lake_store.forget_parts(tx, [of_one(f"p{number}") for number in range(PARTS)])
        lake_store.add_parts(tx, [office.lay("later", bought(77))])
    sweep(office)


@pytest.mark.parametrize("beside", [put_together, taken_back], ids=["put together", "taken back"])
@pytest.mark.parametrize("before", [False, True], ids=["apart", "together"])
def test_an_export_on_its_way_is_made_of_what_was_settled(office: Office, beside: Callable[[Office], None], *, before: bool) -> None:
    keep(office, range(PARTS))
    if before:
        put_together(office)
    export_id = office.ask()
    settled = settle(office)
    beside(office)
    office.run()
    view = office.view(export_id)
    assert (settled.state, view.state, sorted(office.ids(view))) == ("writing", "written", sorted(ids(*range(2 * PARTS))))
    sweep(office)
    assert len(objects(office)) == 1


def settle(office: Office) -> ExportView:
    """Let what goes into the export be settled, and no more."""
    [row] = office.place.query("SELECT seq, event_id, payload, type, pending FROM outbox WHERE pending <> '{}' ORDER BY seq")
    office.place._deliver(row, "export_file")
    return office.views()[0]


def test_objects_are_kept_for_parts_that_are_not_written_yet(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(office, range(PARTS))
    office.ask()
    settle(office)
    put_together(office)
    assert len(objects(office)) == PARTS + 1

    def read(store: ObjectStore, name: str) -> bytes:
        sweep(office)
        return read_whole(store, name)

    monkeypatch.setattr(writing, "read_whole", read)
    office.run()
    assert office.views()[0].state == "written"


def test_what_an_export_is_held_against_is_kept_too(office: Office) -> None:
    keep(office, range(1))
    office.answer(office.send())
    office.keep("told", bought(1), bought(2), from_file=False)
    office.customers("cust-2")
    export_id = office.ask()
    settle(office)
    put_together(office)
    office.run()
    assert office.ids(office.view(export_id)) == ids(2)


# Objects that hold several days.

DAYS = ("2026-01-15", "2026-01-16", "2026-01-17")


def tell(office: Office, event: str, *numbers: int) -> None:
    """Purchases of these numbers come by an event, one on each day in turn."""
    office.customers(*(f"cust-{number}" for number in numbers))
    rows = [bought(number, at=(NOW + timedelta(days=number % len(DAYS))).isoformat()) for number in numbers]
    call = office.call(key=event, consumer="fill_lake")
    keep_transactions(call, json.dumps({"shard": 0, "transactions": rows}).encode())


def put_days_together(office: Office, *days: str) -> None:
    for day in days:
        compaction.compact(office.call(), LakeScattered(kind="transactions", day=day))
        sweep(office)


@pytest.mark.parametrize("order", list(permutations(DAYS)))
def test_the_same_is_sent_whichever_days_were_put_together(office: Office, order: Sequence[str]) -> None:
    tell(office, "e1", *range(6))
    tell(office, "e2", *range(6, 12))
    assert len(objects(office)) == 2
    for day in order:
        put_days_together(office, day)
        view = office.send(scope="full")
        office.answer(view)
        assert sorted(office.ids(view)) == sorted(ids(*range(12)))
    assert len(objects(office)) == len(DAYS)


@pytest.mark.parametrize("moved", [DAYS[:1], DAYS[1:], DAYS], ids=["the first day", "the others", "all"])
@pytest.mark.parametrize("again", [False, True], ids=["told once", "told twice"])
def test_an_export_on_its_way_reads_days_where_they_lay(office: Office, moved: Sequence[str], *, again: bool) -> None:
    tell(office, "e1", *range(6))
    tell(office, "e2", *range(0 if again else 6, 12))
    export_id = office.ask()
    settle(office)
    put_days_together(office, *moved)
    office.run()
    assert sorted(office.ids(office.view(export_id))) == sorted(ids(*range(12)))
    put_days_together(office, *DAYS)
    assert len(objects(office)) == len(DAYS)


@pytest.mark.parametrize("known", [(), DAYS[:1], DAYS[1:], DAYS], ids=["nowhere", "the first day", "the others", "all"])
@pytest.mark.parametrize("new", [(), DAYS[:1], DAYS], ids=["then nowhere", "then the first day", "then all"])
def test_a_delta_is_held_against_the_days_wherever_they_lie(office: Office, known: Sequence[str], new: Sequence[str]) -> None:
    tell(office, "e1", *range(6))
    tell(office, "e2", *range(6, 9))
    put_days_together(office, *known)
    office.answer(office.send())
    tell(office, "e3", 3, 4, 8, 9, 10)
    put_days_together(office, *new)
    view = office.send()
    assert (view.scope, sorted(office.ids(view))) == ("delta", sorted(ids(9, 10)))
