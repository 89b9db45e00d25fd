"""How records of a redemption differ from ours; cases as data."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from shared.kernel.ids import derived_id
from shared.reconciliation.model import BreakKind, Record, Side, Sides, breaks

CASES: Final = sorted((Path(__file__).parents[2] / "cases" / "reconciliation").glob("*.json"))
NOW: Final = datetime(2026, 1, 8, 12, tzinfo=UTC)
ALLOWED: Final = timedelta(days=3)
REDEMPTION: Final = derived_id("redemption")


def side(said: dict[str, Any] | None) -> Side | None:
    return Side(**said | {"at": datetime.fromisoformat(said["at"])}) if said else None


@pytest.mark.parametrize("case", [pytest.param(json.loads(path.read_text()), id=path.stem) for path in CASES])
@pytest.mark.parametrize("record", Record)
def test_difference_is_classed(case: dict[str, Any], record: Record) -> None:
    ours, theirs = side(case["ours"]), side(case["theirs"])
    sides = Sides(
        redemption_id=REDEMPTION, ours={record: ours} if ours else {}, theirs={record: theirs} if theirs else {}
    )  # fmt: skip
    found = list(breaks(sides, ALLOWED, NOW))
    assert [one.kind.value for one in found] == ([case["kind"]] if case["kind"] else [])
    assert [(one.record, one.ours, one.theirs) for one in found] == [(record, ours, theirs)] * len(found)


def test_every_kind_of_break_has_a_case() -> None:
    assert {json.loads(path.read_text())["kind"] for path in CASES} == {None, *(kind.value for kind in BreakKind)}


def test_each_record_is_held_against_ours_by_itself() -> None:
    at = NOW - timedelta(days=9)
    ours = dict.fromkeys(Record, Side(amount_minor=200, currency="USD", at=at))
    theirs = {Record.PARTNER: Side(amount_minor=150, currency="USD", at=at), Record.CARDS: Side(amount_minor=200, currency="USD", at=at)}
    found = {
        one.record: (one.kind, one.difference_minor)
        for one in breaks(Sides(redemption_id=REDEMPTION, ours=ours, theirs=theirs), ALLOWED, NOW)
    }
    assert found == {Record.PARTNER: (BreakKind.AMOUNT, -50), Record.SETTLEMENT: (BreakKind.MISSING, -200)}
