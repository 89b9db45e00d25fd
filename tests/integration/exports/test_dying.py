"""A function that dies anywhere on the way of an export is followed by one that goes on: nothing lost, doubled, half seen or left."""

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from shared.exports import ending, finishing, planning, store, writing
from shared.files.stores.folder import FolderStore
from tests.integration.exports.office import Office, bought
from tests.integration.files.test_dying import Died, dying

PURCHASES = 6


def filled(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "PART_RECORDS", 2)
    office.customers(*(f"cust-{number}" for number in range(PURCHASES)))
    for number in range(3):
        office.keep(f"p{number}", bought(2 * number), bought(2 * number + 1))


def whole(office: Office) -> None:
    """The file is there, once, as if nobody had died."""
    [view] = office.views()
    assert (view.state, view.records, view.parts) == ("written", PURCHASES, 3)
    assert office.ids(view) == [f"t{number}" for number in range(PURCHASES)]
    assert office.manifest(view)["sha256_plain"] == view.sha256 == office.report(view)["sha256"]
    assert office.seen() == [f"{view.name}{ending}" for ending in ("", ".manifest.json", ".report.jwt")]
    assert office.left() == []
    assert office.moved() == ["written"]
    office.answer(view)
    assert office.ids(office.send()) == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("module", "name", "turn"),
    [
        (store, "add_parts", 1),
        (planning, "keep_work", 1),
        (store, "update", 1),
        (store, "update", 2),
        (writing, "read_whole", 2),
        (writing, "encoded", 1),
        (writing, "encoded", 3),
        (store, "part_written", 1),
        (store, "part_written", 3),
        (store, "all_written", 3),
        (finishing, "keep", 1),
        (finishing, "keep", 2),
        (finishing, "tell", 1),
        (finishing, "clear", 1),
    ],
    ids=lambda part: part.__name__.rsplit(".", 1)[-1] if isinstance(part, ModuleType) else str(part),
)
def test_death_at_any_step_changes_nothing_in_the_end(
    office: Office, monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, turn: int, *, after: bool
) -> None:
    filled(office, monkeypatch)
    calls = dying(monkeypatch, module, name, turn=turn, after=after)
    office.ask()
    office.run(survives=Died)
    assert len(calls) > turn or (after and len(calls) == turn)
    whole(office)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("method", "turn"), [*(("create", turn) for turn in range(1, 8)), *(("delete", turn) for turn in range(1, 5))])
def test_death_at_any_write_of_a_store_changes_nothing_in_the_end(
    office: Office, monkeypatch: pytest.MonkeyPatch, method: str, turn: int, *, after: bool
) -> None:
    filled(office, monkeypatch)
    work = getattr(FolderStore, method)
    calls: list[int] = []

    def works_or_dies(store: FolderStore, name: str, *told: Any) -> Any:  # noqa: ANN401  (as the store)
        calls.append(len(calls) + 1)
        if calls[-1] == turn and not after:
            raise Died
        made = work(store, name, *told)
        if calls[-1] == turn and after:
            raise Died
        return made

    monkeypatch.setattr(FolderStore, method, works_or_dies)
    office.ask()
    office.run(survives=Died)
    assert len(calls) >= turn
    monkeypatch.setattr(FolderStore, method, work)
    whole(office)


def test_death_in_the_middle_of_the_data_leaves_nothing_that_is_seen(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(office, monkeypatch)
    contents = finishing._contents
    died: list[bool] = []

    def dies_once(*told: Any) -> Iterator[bytes]:
        for number, block in enumerate(contents(*told)):
            if number == 2 and not died:
                died.append(True)
                assert office.seen() == []
                raise Died
            yield block

    monkeypatch.setattr(finishing, "_contents", dies_once)
    office.ask()
    office.run(survives=Died)
    assert died
    whole(office)


def test_what_is_seen_is_always_whole_and_the_manifest_comes_last(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(office, monkeypatch)
    seen: list[list[str]] = []
    kept: Callable[..., Any] = vars(finishing)["keep"]

    def looks(*told: Any) -> Any:  # noqa: ANN401  (as the function)
        seen.append([name.partition(".csv")[2] for name in office.seen()])
        return kept(*told)

    monkeypatch.setattr(finishing, "keep", looks)
    office.send()
    assert seen == [[""], ["", ".report.jwt"]]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("module", "name"), [(finishing, "end"), (ending, "tell"), (finishing, "keep"), (finishing, "clear")])
def test_death_while_a_file_is_refused_leaves_its_report_alone(
    office: Office, monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, *, after: bool
) -> None:
    filled(office, monkeypatch)
    office.keep("p9", bought(9, customer_id="cust-1", city="jo@example.com"))
    dying(monkeypatch, module, name, turn=1, after=after)
    office.ask()
    office.run(survives=Died)
    [view] = office.views()
    assert (view.state, office.seen(), office.left(), office.moved()) == ("refused", [f"{view.name}.report.jwt"], [], ["refused"])


def test_a_part_that_was_changed_after_it_was_scanned_is_never_sent(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(office, monkeypatch)
    all_written = store.all_written

    def changed(*told: Any) -> bool:
        [part, *_] = [stored for stored in office.lake.list("exports/") if "/parts/" in stored.name]
        (office.folder / "lake" / part.name).write_bytes(b"x" * part.size)
        return all_written(*told)

    monkeypatch.setattr(store, "all_written", changed)
    office.ask()
    with pytest.raises(Exception, match="not there as it was scanned"):
        office.run()
    assert office.seen() == []
