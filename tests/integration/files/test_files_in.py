"""A file from the drop place to cashback: every line ends once, accepted or rejected, and nothing takes effect that does not agree."""

import gzip
from typing import Any, Literal

import pytest

from events.files import ChunkReady, FileDropped, FileStepDone
from shared.files import chunks, closing, desk, receiving, splitting
from shared.files.api import FilesQuery
from shared.files.names import read_name
from shared.files.places import places_of
from shared.files.stores.protocol import Stored
from shared.kernel.errors import Busy
from shared.platform.call import Replayed
from tests.conftest import MakeCall
from tests.integration.files.place import FILE, Place, as_csv, as_jsonl, bought, manifest_of
from tests.world import World, amounts

CSV = f"{FILE}_delta_r1.csv"


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of a few records."""
    monkeypatch.setattr(receiving, "CHUNK_BYTES", 300)
    monkeypatch.setattr(receiving, "LONGEST_RECORD", 300)


def give(call: MakeCall, *customers: str) -> World:
    """An offer that pays these customers two dollars for a purchase."""
    world = World(call)
    world.grant(world.offer(world.campaign(budget=1_000_000), repeat=True), *customers)
    return world


@pytest.mark.usefixtures("small_chunks")
def test_purchases_in_a_file_earn(place: Place, call: MakeCall) -> None:
    world = give(call, *(f"cust-{number}" for number in range(40)))
    place.receive(place.rows(*map(bought, range(40))))
    view = place.file()
    assert (view.state, view.outcome, view.records, view.accepted, view.rejected) == ("closed", "accepted", 40, 40, 0)
    assert view.chunks > 3
    assert view.chunks == view.chunks_read == view.chunks_applied
    assert amounts(world.redemptions()) == [200] * 40
    world.verify()


def test_file_is_acknowledged_and_nothing_of_its_way_is_left(place: Place) -> None:
    place.receive(place.rows(bought(1), bought(2)))
    told = place.answer()
    assert {name: told[name] for name in ("outcome", "records", "accepted", "rejected", "sums", "problems")} == {
        "outcome": "accepted",
        "records": 2,
        "accepted": 2,
        "rejected": 0,
        "sums": {"USD": "3000"},
        "problems": [],
    }
    assert place.left() == []


@pytest.mark.usefixtures("small_chunks")
def test_bad_lines_are_named_and_the_others_taken(place: Place, call: MakeCall) -> None:
    world = give(call, *(f"cust-{number}" for number in range(20)))
    rows = [bought(number, **({"currency": "usd"} if number in {3, 17} else {})) for number in range(20)]
    place.receive(place.rows(*rows))
    assert (place.file().outcome, place.file().accepted, place.file().rejected) == ("partial", 18, 2)
    assert [(reject["line"], reject["field"]) for reject in place.rejects()] == [(6, "currency"), (20, "currency")]
    assert amounts(world.redemptions()) == [200] * 18


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ({"record_count": 3}, "/trailer/record_count"),
        ({"sums": {"USD": "3001"}}, "/trailer/sums"),
        ({"entry_hash": "0000000001"}, "/trailer/entry_hash"),
        ({"sha256_plain": "0" * 64}, "/sha256_plain"),
    ],
)
def test_file_that_is_not_what_its_manifest_says_takes_no_effect(place: Place, said: dict[str, Any], path: str) -> None:
    place.receive(place.rows(bought(1), bought(2), **said))
    assert (place.file().outcome, [problem.path for problem in place.file().problems]) == ("rejected", [path])
    assert place.answer()["problems"][0]["path"] == path
    assert place.posted() == []
    assert ("process_chunk", "clo.file.chunk_ready.v1") not in place.came


@pytest.mark.usefixtures("small_chunks")
def test_totals_that_only_the_records_belie_are_found_before_anything_takes_effect(place: Place) -> None:
    rows = [bought(number) for number in range(20)]
    told = manifest_of(rows) | {"sums": {"USD": "30001"}}
    trailer = f"T,{told['record_count']},{told['entry_hash']},USD:30001\n"
    place.receive(place.drop(as_csv(rows, trailer=trailer), **told))
    assert (place.file().outcome, [problem.path for problem in place.file().problems]) == ("rejected", ["/sums/USD"])
    assert place.file().chunks_read == place.file().chunks
    assert place.file().chunks_applied == 0
    assert (place.posted(), place.left(), list(place.lake.list())) == ([], [], [])


def test_same_file_again_changes_nothing_and_points_to_the_first(place: Place) -> None:
    data, told = as_csv([bought(1)]), manifest_of([bought(1)])
    place.receive(place.drop(data, **told))
    first = place.file().drop_id
    (stored,) = (one for one in place.drops.list() if one.name.endswith(".manifest.json"))
    place.drops.delete(stored.name, stored.generation)
    place.drops.delete(f"inbox/{CSV}", place.drops.stat(f"inbox/{CSV}").generation)
    place.receive(place.drop(data, **told))
    again = place.by_outcome()["repeated"]
    assert (place.by_outcome()["accepted"].drop_id, again.repeat_of) == (first, first)
    assert place.posted() == ["t1"]


def test_event_that_comes_again_finds_the_work_done(place: Place) -> None:
    dropped = place.rows(bought(1), bought(2))
    place.receive(dropped)
    before = place.query("SELECT * FROM drops")
    with pytest.raises(Replayed):
        place.receive(dropped)
    receiving.receive_file(place.call(key="other", consumer="receive_file"), dropped)
    steps: tuple[Literal["read", "apply"], ...] = ("read", "apply")
    for step in steps:
        chunks.process_chunk(place.call(), ChunkReady(drop_id=place.drop_id(), number=1, step=step))
    place.receive()
    assert place.query("SELECT * FROM drops") == before
    assert place.left() == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("transactions_mybank_2026011_0001_delta_r1.csv", {}),
        (CSV, {"record_count": -1}),
        (CSV, {"schema_version": "9"}),
        (CSV, {"revision": 2, "supersedes": 1}),
        (f"{FILE}_delta_r1.csv.pgp", {"sha256_cipher": "a" * 64}),
    ],
    ids=["name", "manifest", "layout", "another revision", "encrypted"],
)
def test_what_can_not_be_taken_in_is_refused_with_its_reasons(place: Place, name: str, said: dict[str, Any]) -> None:
    place.receive(place.rows(bought(1), name=name, **said))
    view = place.file()
    assert (view.state, view.outcome, view.chunks) == ("closed", "refused", 0)
    assert view.problems
    (told,) = [stored.name for stored in place.drops.list() if stored.name.endswith(".ack.json")]
    assert told == f"inbox/{name}.{view.drop_id.hex[:8]}.ack.json"


def test_manifest_without_data_is_refused_and_both_together_taken_in_later(place: Place) -> None:
    dropped = place.rows(bought(1))
    data = place.drops.stat(f"inbox/{CSV}")
    kept = place.drops.read(data.name, data.generation)
    place.drops.delete(data.name, data.generation)
    place.receive(dropped)
    assert place.file().outcome == "refused"
    place.drops.create(data.name, [kept])
    manifest = place.text(dropped.name)
    place.drops.delete(dropped.name, dropped.generation)
    place.receive(_dropped(place.drops.create(dropped.name, [manifest])))
    assert set(place.by_outcome()) == {"refused", "accepted"}


def _dropped(stored: Stored) -> FileDropped:
    return FileDropped(name=stored.name, generation=stored.generation)


def test_other_objects_start_nothing(place: Place) -> None:
    stored = place.drops.create(f"inbox/{CSV}", [b"whatever"])
    place.receive(FileDropped(name=stored.name, generation=stored.generation))
    assert place.files() == []


@pytest.mark.usefixtures("small_chunks")
def test_packed_file_is_cut_as_it_is_unpacked(place: Place, call: MakeCall) -> None:
    world = give(call, *(f"cust-{number}" for number in range(20)))
    rows = [bought(number) for number in range(20)]
    plain = as_csv(rows)
    place.receive(place.drop(gzip.compress(plain), name=f"{CSV}.gz", plain=plain, **manifest_of(rows)))
    assert (place.file().outcome, place.file().accepted) == ("accepted", 20)
    assert amounts(world.redemptions()) == [200] * 20
    assert place.left() == []


def test_cut_off_file_is_rejected(place: Place) -> None:
    rows = [bought(1), bought(2)]
    whole = as_csv(rows)
    place.receive(place.drop(whole[:-40], plain=whole, **manifest_of(rows)))
    assert place.file().outcome == "rejected"
    assert {problem.path for problem in place.file().problems} == {"/sha256_plain", "/trailer"}


def test_empty_file_is_accepted(place: Place) -> None:
    place.receive(place.rows())
    assert (place.file().outcome, place.file().records, place.file().chunks) == ("accepted", 0, 0)


def test_file_that_is_replaced_while_it_is_read_is_rejected(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    dropped = place.rows(bought(1))
    stored = place.drops.stat(f"inbox/{CSV}")

    def replaced(*_: object, **__: object) -> splitting.Splitter:
        place.drops.delete(stored.name, stored.generation)
        place.drops.create(stored.name, [b"something else"])
        return splitting.Splitter(layout=layout)

    layout = places_of(place.call()).library.find(read_name(CSV), "1")
    monkeypatch.setattr(receiving, "Splitter", replaced)
    place.receive(dropped)
    assert place.file().outcome == "rejected"
    assert "replaced" in place.file().problems[0].message


def test_revision_that_was_rejected_can_be_followed_by_another(place: Place) -> None:
    first = place.rows(bought(1), sums={"USD": "1"})
    second = place.rows(bought(1), name=f"{FILE}_delta_r2.csv", revision=2, supersedes=1)
    place.receive(first)
    place.receive(second)
    assert {outcome: view.revision for outcome, view in place.by_outcome().items()} == {"rejected": 1, "accepted": 2}
    assert place.posted() == ["t1"]


def test_revision_is_busy_while_the_one_before_is_on_its_way(place: Place) -> None:
    receiving.receive_file(place.call(key="1", consumer="receive_file"), place.rows(bought(1)))
    second = place.rows(bought(2), name=f"{FILE}_delta_r2.csv", revision=2, supersedes=1)
    with pytest.raises(Busy):
        receiving.receive_file(place.call(key="2", consumer="receive_file"), second)


def test_step_that_is_told_again_is_passed_over(place: Place) -> None:
    place.receive(place.rows(bought(1)))
    before = place.query("SELECT * FROM drops")
    steps: tuple[Literal["read", "apply"], ...] = ("read", "apply")
    for step in steps:
        closing.close_file(place.call(), FileStepDone(drop_id=place.drop_id(), step=step))
    assert place.query("SELECT * FROM drops") == before


def test_accepted_records_lie_in_the_lake_by_day(place: Place) -> None:
    place.receive(place.rows(bought(1), bought(2, at="2026-01-16T00:30:00Z"), bought(3, at="2026-01-16T23:59:59Z")))
    drop = place.drop_id().hex
    name = f"kind=transactions/day=2026-01-15_2026-01-16/{drop}-000001.parquet"
    assert [stored.name for stored in place.lake.list()] == [name]
    assert place.query("SELECT name, day, object, first_row::int, records::int FROM lake_parts ORDER BY day") == [
        {"name": f"kind=transactions/day={day}/{drop}-000001.parquet", "day": day, "object": name, "first_row": first, "records": records}
        for day, first, records in (("2026-01-15", 0, 1), ("2026-01-16", 1, 2))
    ]


@pytest.mark.parametrize(
    ("kind", "rows", "table"),
    [
        ("customers", [{"customer_id": f"cust-{number}", "consent": True, "zone": "Europe/Paris"} for number in range(30)], "customers"),
        ("merchants", [{"merchant_id": f"shop-{number}", "name": f"Shop {number}", "mcc": "5411"} for number in range(30)], "merchants"),
    ],
)
@pytest.mark.usefixtures("small_chunks")
def test_customers_and_merchants_are_taken_from_files(place: Place, kind: str, rows: list[dict[str, Any]], table: str) -> None:
    file_id = f"{kind}_mybank_20260112_0001"
    place.receive(place.drop(as_jsonl(rows), name=f"{file_id}_full_r1.jsonl", **manifest_of(rows)))
    assert (place.file().outcome, place.file().accepted) == ("accepted", 30)
    assert place.query(f"SELECT count(*) FROM {table}") == [{"count": 30}]


@pytest.mark.usefixtures("small_chunks")
def test_file_that_is_replaced_between_its_chunks_is_rejected_and_takes_no_effect(place: Place) -> None:
    dropped = place.rows(*map(bought, range(20)))
    receiving.receive_file(place.call(key="1", consumer="receive_file"), dropped)
    data = place.drops.stat(f"inbox/{CSV}")
    place.drops.delete(data.name, data.generation)
    place.receive()
    assert (place.file().outcome, place.file().chunks_applied) == ("rejected", 0)
    assert "replaced or removed" in place.answer()["problems"][0]["message"]
    assert (place.posted(), place.left()) == ([], [])


def test_files_are_listed_by_what_is_asked(place: Place) -> None:
    place.receive(place.rows(bought(1)), place.rows(bought(2), name=f"{FILE[:-1]}2_delta_r1.csv", sums={"USD": "1"}))
    asked: dict[str, tuple[str | None, int]] = {
        "outcome": ("accepted", 1),
        "state": ("closed", 2),
        "kind": ("merchants", 0),
        "sender": ("mybank", 2),
        "name": (CSV, 1),
    }
    for field, (value, count) in asked.items():
        assert len(desk.list_files(place.call(), FilesQuery.model_validate({field: value})).files) == count, field
    first = desk.list_files(place.call(), FilesQuery(limit=1))
    (second,) = desk.list_files(place.call(), FilesQuery(before=first.next)).files
    assert {first.files[0].drop_id, second.drop_id} == {view.drop_id for view in place.files()}


def test_file_that_is_told_of_again_after_its_answer_was_fetched_gets_no_other_answer(place: Place) -> None:
    dropped = place.rows(bought(1))
    place.receive(dropped)
    answer = place.drops.stat(f"inbox/{CSV}.ack.json")
    place.drops.delete(answer.name, answer.generation)
    receiving.receive_file(place.call(key="other", consumer="receive_file"), dropped)
    assert [stored.name for stored in place.drops.list() if "ack" in stored.name] == []


def test_manifest_that_is_gone_when_it_is_told_of_is_refused(place: Place) -> None:
    dropped = place.rows(bought(1))
    place.drops.delete(dropped.name, dropped.generation)
    place.receive(dropped)
    assert (place.file().outcome, place.posted()) == ("refused", [])
    assert "one of them is not there" in place.file().problems[0].message


def test_manifest_that_is_told_of_again_when_it_is_gone_changes_nothing(place: Place) -> None:
    dropped = place.rows(bought(1))
    place.receive(dropped)
    place.drops.delete(dropped.name, dropped.generation)
    receiving.receive_file(place.call(key="other", consumer="receive_file"), dropped)
    assert place.file().outcome == "accepted"


def test_revision_that_is_told_of_first_waits_for_the_one_before_it(place: Place) -> None:
    first = place.rows(bought(1), sums={"USD": "1"})
    second = place.rows(bought(1), name=f"{FILE}_delta_r2.csv", revision=2, supersedes=1)
    with pytest.raises(Busy):
        receiving.receive_file(place.call(key="early", consumer="receive_file"), second)
    place.receive(first, second)
    assert {outcome: view.revision for outcome, view in place.by_outcome().items()} == {"rejected": 1, "accepted": 2}


def test_revision_does_not_wait_for_one_that_was_refused(place: Place) -> None:
    first = place.rows(bought(1), record_count=-1)
    second = place.rows(bought(1), name=f"{FILE}_delta_r2.csv", revision=2, supersedes=1)
    place.receive(first, second)
    assert [view.outcome for view in place.files()] == ["refused", "refused"]
