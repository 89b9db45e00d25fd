"""Generated files go the whole way: dropped, taken in, answered; and what they say fits together."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from events.files import FileDropped
from shared.audiences import service as audiences
from shared.audiences.api import NewSegment
from shared.files import receiving
from shared.generator.files import Made
from shared.generator.habits import PRODUCTS
from shared.generator.portfolio import FIRST_CUSTOMER, segment_id
from shared.generator.programme import Programme
from shared.kernel.ids import CREDIT
from shared.offers import service as offers
from shared.offers.api import OfferQuery
from shared.platform.call import Call
from shared.reconciliation.api import Reconciliation, ReconciliationAsked
from shared.reconciliation.service import reconcile
from tests.conftest import MakeCall
from tests.integration.files.place import Place
from tests.unit.files.files import LAYOUTS
from tests.unit.generator.made import BANK, MONDAY, bad_lines, credits_written, made
from tests.world import WHY, World

PROGRAMME = Programme(portfolio=BANK, year=MONDAY.year)
TOGETHER = ("merchants", "customers", "cards", "segments", "offers", "grants", "transactions", "redemptions", "settlement")
"""All kinds, in an order in which each finds what it speaks of."""


@pytest.fixture
def world(call: MakeCall) -> World:
    """What generated files speak of and don't bring: the campaign and the lists."""
    world = World(call)
    world.campaign(campaign_id=PROGRAMME.campaign_id, start="2025-12-31", end="2027-02-01", budget=100_000_000)
    for tier in PRODUCTS:
        audiences.create_segment(
            call(), NewSegment(segment_id=segment_id(BANK.seed, tier), name=tier, kind="list", customers=[FIRST_CUSTOMER])
        )
    return world


def sent(place: Place, folder: Path, *kinds: str, **order: Any) -> Iterator[Made]:
    """Files of kinds, each sent when the one before is answered, and the partner's offers approved by a person."""
    for file in made(folder, *(LAYOUTS[kind if "-" in kind else f"clo-{kind}-csv"] for kind in kinds), **order):
        place.receive(dropped(place, file))
        if file.path.name.startswith("offers"):
            approve(place.make("omar"))
        yield file


def approve(call: Call) -> None:
    for offer in offers.list_offers(call, OfferQuery(campaign_id=PROGRAMME.campaign_id, limit=200)).offers:
        if offer.review == "in_review":
            offers.approve_offer(call, offer.offer_id, WHY)


def dropped(place: Place, file: Made) -> FileDropped:
    """The file and then its manifest, in the drop place."""
    place.drops.create(f"inbox/{file.path.name}", [file.path.read_bytes()])
    stored = place.drops.create(f"inbox/{file.manifest.name}", [file.manifest.read_bytes()])
    return FileDropped(name=stored.name, generation=stored.generation)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("kind", TOGETHER)
@pytest.mark.usefixtures("world")
def test_bad_lines_are_answered_by_line_and_code_and_the_others_taken(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, *, packed: bool
) -> None:
    monkeypatch.setattr(receiving, "CHUNK_BYTES", 1 << 14)
    monkeypatch.setattr(receiving, "LONGEST_RECORD", 1 << 13)
    if kind == "grants":
        list(sent(place, tmp_path / "before", "customers", "offers"))
    (file,) = made(tmp_path / "made", LAYOUTS[f"clo-{kind}-csv"], rows=500, bad=0.1, packed=packed)
    place.receive(dropped(place, file))
    (view,) = [view for view in place.files() if view.kind == kind]
    assert (view.outcome, view.problems, view.records, view.rejected) == ("partial", [], file.records, file.bad)
    assert sorted((told["line"], told["field"], told["code"]) for told in place.rejects(file.path.name)) == bad_lines(file)
    assert len(place.posted()) == (file.records - file.bad if kind == "transactions" else 0)


def test_files_of_a_bank_and_of_two_of_its_days_are_taken_whole(place: Place, tmp_path: Path) -> None:
    layouts = [LAYOUTS[name] for name in ("clo-merchants-jsonl", "clo-customers-jsonl", "clo-cards-csv", "clo-transactions-fixed")]
    place.receive(*(dropped(place, file) for file in made(tmp_path / "made", *layouts, rows=300, days=2)))
    assert [view.outcome for view in place.files()] == ["accepted"] * 5
    assert place.query("SELECT count(*) FROM dead_letters") == [{"count": 0}]
    assert place.query("SELECT count(*) FROM customers") == [{"count": 500}]


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_what_is_offered_and_given_makes_purchases_earn_what_the_partner_confirms_and_settles(
    place: Place, tmp_path: Path, world: World, form: str
) -> None:
    kinds = [f"clo-{kind}-{form}" for kind in TOGETHER]
    files = list(sent(place, tmp_path, *kinds, rows=1_000, days=3))
    assert [view.outcome for view in place.files()] == ["accepted"] * len(files)
    assert place.query("SELECT count(*) FROM dead_letters") == [{"count": 0}]
    world.verify()
    earned = [row for row in world.redemptions() if row["earned_minor"]]
    assert len(earned) > 100
    answer = reconciled(place)
    breaks = {told.redemption_id for told in answer.breaks if told.record != "cards"}
    told = {row["redemption_id"]: row["reference"] for row in place.query("SELECT redemption_id, reference FROM partner_lines")}
    assert breaks < told.keys()
    assert {day_of(told[one]) < MONDAY for one in breaks} == {True}
    assert len(breaks) < len(earned) / 20


def day_of(reference: str) -> date:
    """When the purchase was made that a partner's line is about."""
    return date.fromordinal(int(reference.partition("d")[2].partition("r")[0]))


def reconciled(place: Place) -> Reconciliation:
    first, end = datetime(2025, 12, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    return reconcile(place.call(), ReconciliationAsked(partner=PROGRAMME.partner, earned_from=first, earned_to=end, limit=20_000))


@pytest.mark.parametrize("bad", [0.0, 0.1])
def test_results_of_the_credits_that_were_asked_for_are_taken(place: Place, tmp_path: Path, world: World, bad: float) -> None:
    list(sent(place, tmp_path / "bank", "merchants", "customers", "offers", "grants", "transactions", rows=1_000))
    asked = [(CREDIT.render(row["credit_id"]), row["amount_minor"], row["instructed_at"].isoformat()) for row in world.credits()]
    assert len(asked) > 50
    (file,) = sent(place, tmp_path / "made", "payouts", credits=credits_written(tmp_path, asked), bad=bad)
    (view,) = [view for view in place.files() if view.kind == "payouts"]
    assert (view.outcome, view.records, view.rejected) == ("partial" if bad else "accepted", len(asked), file.bad)
    if bad:
        assert sorted((told["line"], told["field"], told["code"]) for told in place.rejects(file.path.name)) == bad_lines(file)
    (counted,) = world.rows("SELECT count(*) FILTER (WHERE state = 'paid') AS paid FROM redemptions")
    assert 0.8 * len(asked) < counted["paid"] < len(asked)
    world.verify()
