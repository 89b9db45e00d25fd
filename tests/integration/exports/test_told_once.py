"""A purchase that a file and a request tell is sent once, whoever told it first and however the lake lies."""

import json
import random
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from events.files import LakeScattered
from shared.exports import planning, told_once, writing
from shared.files import compaction
from shared.redemptions.intake import post_transactions
from tests.conftest import NOW
from tests.integration.exports.office import Office, bought

FEW = 3
FILE, EVENT = True, False


@pytest.fixture(autouse=True)
def _customers(office: Office) -> None:
    office.customers(*(f"cust-{number}" for number in range(12)))


def keep(office: Office, name: str, *numbers: int, from_file: bool, **other: object) -> None:
    office.keep(name, *(bought(number, **other) for number in numbers), from_file=from_file)


def put_together(office: Office) -> None:
    compaction.compact(office.call(), LakeScattered(kind="transactions", day="2026-01-15"))


def sent(office: Office) -> list[str]:
    """What is new for the partner, who takes it."""
    view = office.send()
    office.answer(view)
    assert view.records == len(office.ids(view)) == office.manifest(view)["record_count"]
    return sorted(office.ids(view))


@pytest.mark.parametrize("together", [False, True], ids=["apart", "together"])
@pytest.mark.parametrize("most", [1, FEW, 100], ids=["small parts", "parts of some", "one part"])
def test_a_full_export_holds_each_purchase_once(office: Office, monkeypatch: pytest.MonkeyPatch, most: int, *, together: bool) -> None:
    monkeypatch.setattr(planning, "PART_RECORDS", most)
    monkeypatch.setattr(writing, "SLICE", 2)
    keep(office, "p0", 0, 1, 2, from_file=FILE)
    keep(office, "p1", 2, 3, 3, 4, from_file=EVENT)
    keep(office, "p2", 3, 5, 1, from_file=EVENT)
    keep(office, "p3", 6, from_file=FILE)
    if together:
        put_together(office)
    view = office.send(scope="full")
    assert sorted(office.ids(view)) == [f"t{number}" for number in range(7)]
    assert (view.records, view.withheld) == (7, {})


@pytest.mark.parametrize("together", [False, True], ids=["apart", "together"])
@pytest.mark.parametrize(("first", "second"), [(FILE, EVENT), (EVENT, FILE), (EVENT, EVENT)])
def test_a_delta_leaves_out_what_the_partner_knows(office: Office, *, first: bool, second: bool, together: bool) -> None:
    keep(office, "p0", 0, 1, from_file=first)
    assert sent(office) == ["t0", "t1"]
    keep(office, "p1", 1, 2, from_file=second)
    if together:
        put_together(office)
    assert sent(office) == ["t2"]
    assert sent(office) == []


@pytest.mark.parametrize("other", [{"kind": "clearing"}, {"sequence": 1}, {"transaction_id": "t77"}], ids=lambda other: next(iter(other)))
def test_another_message_is_sent_too(office: Office, other: Mapping[str, object]) -> None:
    keep(office, "p0", 0, from_file=FILE)
    keep(office, "p1", 0, from_file=EVENT, **other)
    assert len(sent(office)) == 2


@pytest.mark.parametrize("usual", [{"kind": None}, {"sequence": 0}], ids=lambda usual: next(iter(usual)))
def test_what_is_not_said_is_the_usual(office: Office, usual: Mapping[str, object]) -> None:
    keep(office, "p0", 0, from_file=FILE, **usual)
    keep(office, "p1", 0, from_file=EVENT)
    assert len(sent(office)) == 1


def test_a_purchase_that_was_posted_is_sent(office: Office) -> None:
    said = {name: told for name, told in bought(1).items() if name != "at"} | {"at": NOW.isoformat()}
    post_transactions(office.call(key="request-1"), json.dumps({"transactions": [said]}).encode())
    office.run()
    assert sent(office) == ["t1"]
    office.run()
    assert sent(office) == []


def test_what_a_request_told_stays_when_a_file_is_taken_back(office: Office) -> None:
    keep(office, "p0", 0, 1, from_file=FILE)
    keep(office, "p1", 1, from_file=EVENT)
    with office.call().transaction() as tx:
        tx.connection.execute("DELETE FROM lake_parts WHERE from_file")
    assert sent(office) == ["t1"]


def test_files_alone_are_held_against_nothing(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(office, "p0", 0, 1, from_file=FILE)
    sent(office)
    keep(office, "p1", 2, from_file=FILE)
    monkeypatch.setattr(told_once, "_told_by_others", None)
    assert sent(office) == ["t2"]


@pytest.mark.parametrize("seed", range(8))
def test_over_any_row_of_deltas_each_purchase_is_sent_once(office: Office, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(planning, "PART_RECORDS", chance.choice([1, FEW, 100]))
    monkeypatch.setattr(writing, "SLICE", chance.choice([1, 2, 100]))
    told: set[str] = set()
    got: list[str] = []
    for number, (from_file, purchases) in enumerate(parts(chance)):
        keep(office, f"p{number}", *purchases, from_file=from_file, at=NOW)
        told |= {f"t{purchase}" for purchase in purchases}
        if chance.random() < 0.3:
            put_together(office)
        if chance.random() < 0.4:
            got += sent(office)
    got += sent(office)
    assert sorted(got) == sorted(told)


def parts(chance: random.Random) -> Iterator[tuple[bool, list[Any]]]:
    """Files tell each purchase once; events tell whatever they like."""
    of_files = list(range(12))
    chance.shuffle(of_files)
    for _ in range(8):
        if chance.random() < 0.5:
            yield EVENT, [chance.randrange(12) for _ in range(chance.randrange(1, 5))]
        elif of_files:
            yield FILE, [of_files.pop() for _ in range(min(len(of_files), chance.randrange(1, 4)))]
