"""A drop on its way: which ones are taken in, and when the totals of a file agree."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from shared.files.drops import Drop, Found, Outcome, State, admitted, outcome_of, reconcile, superseded
from shared.files.manifest import Manifest
from shared.files.totals import Totals
from shared.kernel.errors import Busy, Problem

NOW = datetime(2026, 1, 12, 8, tzinfo=UTC)
TOLD = Totals(count=3, sums={"USD": 600}, entry_hash=42)


def manifest(revision: int = 1, *, supersedes: int | None = None, sha: str = "a") -> Manifest:
    return Manifest(
        file_id="merchants_mybank_20260112_0001",
        revision=revision,
        supersedes=supersedes,
        schema_version="1",
        record_count=3,
        entry_hash="0000000042",
        sha256_plain=sha * 64,
    )


def drop(number: int, told: Manifest, *, outcome: Outcome | None = None, kind: str = "merchants") -> Drop:
    return Drop(
        drop_id=UUID(int=number),
        name=f"inbox/{told.file_id}",
        generation=str(number),
        manifest_generation=str(number),
        size=10,
        state=State.CLOSED if outcome else State.RECEIVED,
        outcome=outcome,
        received_at=NOW,
        manifest=told,
        kind=kind,
        sender="mybank",
    )


def test_first_revision_is_taken_in() -> None:
    assert admitted(drop(1, manifest()), []) == drop(1, manifest())


def test_what_was_refused_stays_refused() -> None:
    refused = replace(drop(1, manifest()), manifest=None).refused([Problem(path="/kind", message="is unknown")])
    assert admitted(refused, []) == refused
    assert refused.outcome is Outcome.REFUSED


def test_drop_that_is_on_record_is_as_it_stands_there() -> None:
    on_record = replace(drop(1, manifest()), state=State.PROCESSING)
    assert admitted(drop(1, manifest()), [on_record]) == on_record


def test_same_data_again_repeat_the_first() -> None:
    again = admitted(drop(2, manifest()), [drop(1, manifest(), outcome=Outcome.ACCEPTED)])
    assert (again.state, again.outcome, again.repeat_of) == (State.CLOSED, Outcome.REPEATED, UUID(int=1))


def test_other_data_under_a_revision_that_was_taken_in_are_refused() -> None:
    other = admitted(drop(2, manifest(sha="b")), [drop(1, manifest(), outcome=Outcome.REJECTED)])
    assert (other.outcome, [problem.path for problem in other.problems]) == (Outcome.REFUSED, ["/revision"])


def test_new_revision_waits_for_the_one_before() -> None:
    with pytest.raises(Busy):
        admitted(drop(2, manifest(2, supersedes=1)), [drop(1, manifest())])


@pytest.mark.parametrize(
    ("told", "before", "path"),
    [
        (manifest(2, supersedes=1), [], "/supersedes"),
        (manifest(3, supersedes=1), [manifest(1), manifest(2, supersedes=1)], "/supersedes"),
        (manifest(1), [manifest(2, supersedes=1)], "/revision"),
    ],
    ids=["none before", "not the newest", "an older one"],
)
def test_revision_that_does_not_follow_is_refused(told: Manifest, before: list[Manifest], path: str) -> None:
    earlier = [drop(number, one, outcome=Outcome.ACCEPTED) for number, one in enumerate(before, 1)]
    refused = admitted(drop(9, told), earlier)
    assert refused.outcome is Outcome.REFUSED
    assert [problem.path for problem in refused.problems] == [path]


def test_revision_takes_the_place_of_the_one_whose_effects_stand() -> None:
    accepted, rejected = drop(1, manifest(), outcome=Outcome.PARTIAL), drop(2, manifest(2, supersedes=1), outcome=Outcome.REJECTED)
    later = drop(3, manifest(3, supersedes=2))
    assert superseded(later, [accepted, rejected, later]) == accepted
    assert superseded(later, [replace(accepted, superseded_by=later.drop_id)]) == replace(accepted, superseded_by=later.drop_id)
    assert superseded(later, [replace(accepted, superseded_by=UUID(int=9))]) is None
    assert superseded(later, [rejected, later]) is None


@pytest.mark.parametrize(
    ("found", "paths"),
    [
        (Found(accepted=3, totals=TOLD), []),
        (Found(accepted=2, totals=TOLD), ["/record_count"]),
        (Found(accepted=3, totals=replace(TOLD, sums={"USD": 599})), ["/sums/USD"]),
        (Found(accepted=3, totals=replace(TOLD, sums={"USD": 600, "EUR": 1})), ["/sums/EUR"]),
        (Found(accepted=3, totals=replace(TOLD, sums={})), ["/sums/USD"]),
        (Found(accepted=3, totals=replace(TOLD, entry_hash=41)), ["/entry_hash"]),
        (Found(accepted=2, rejected=1, totals=replace(TOLD, sums={"USD": 400}, entry_hash=1)), []),
        (Found(accepted=2, rejected=1, totals=replace(TOLD, sums={"USD": 601}, entry_hash=1)), ["/sums/USD"]),
        (Found(), ["/record_count", "/sums/USD", "/entry_hash"]),
    ],
)
def test_totals_that_differ_are_named(found: Found, paths: list[str]) -> None:
    assert [problem.path for problem in reconcile(TOLD, found)] == paths


@pytest.mark.parametrize(
    ("found", "problems", "outcome"),
    [
        (Found(accepted=3), (), Outcome.ACCEPTED),
        (Found(accepted=2, rejected=1), (), Outcome.PARTIAL),
        (Found(rejected=3), (), Outcome.REJECTED),
        (Found(), (), Outcome.ACCEPTED),
        (Found(accepted=3), (Problem(path="/sums/USD", message="differs"),), Outcome.REJECTED),
    ],
)
def test_file_ends_as_its_records_and_totals_say(found: Found, problems: tuple[Problem, ...], outcome: Outcome) -> None:
    assert outcome_of(found, problems) is outcome


def test_what_was_found_in_chunks_adds_up() -> None:
    parts = [
        Found(accepted=1, rejected=1, totals=Totals(count=1, sums={"USD": 5}, entry_hash=7)),
        Found(accepted=2, totals=Totals(count=2, sums={"USD": 1, "EUR": 2}, entry_hash=4)),
    ]
    assert sum(parts, Found()) == Found(accepted=3, rejected=1, totals=Totals(count=3, sums={"USD": 6, "EUR": 2}, entry_hash=11))
