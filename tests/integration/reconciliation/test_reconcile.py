"""A partner's redemptions and settlement, and the card system's credits, held against ours."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from events.payloads import PayoutsDue
from shared.kernel.clock import SimulatedClock
from shared.kernel.ids import REDEMPTION, derived_id
from shared.kernel.shards import shard_of
from shared.platform.batches import BatchAnswer
from shared.reconciliation import service
from shared.reconciliation.api import Reconciliation, ReconciliationAsked
from shared.redemptions import payout
from tests.conftest import NOW, SHARDS, MakeCall
from tests.world import World, purchase

DAY = timedelta(days=1)
FROM, TO = NOW - 10 * DAY, NOW + DAY
BOUGHT = NOW - 5 * DAY


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


@pytest.fixture
def campaign(world: World) -> UUID:
    """Three customers bought something five days ago, and their credits are confirmed."""
    campaign = world.campaign()
    world.grant(world.offer(campaign, repeat=True), "c1", "c2", "c3")
    world.post(*(purchase(f"t-{who}", who, at=BOUGHT) for who in ("c1", "c2", "c3")))
    for row in world.redemptions():
        due = PayoutsDue(shard=shard_of(row["customer_id"], SHARDS), redemption_ids=[row["redemption_id"]])
        payout.pay_due(world.call("pay_cashback"), due)
    world.confirm()
    return campaign


def of(world: World, customer: str) -> UUID:
    [found] = [row["redemption_id"] for row in world.redemptions() if row["customer_id"] == customer]
    return UUID(str(found))


def line(redemption_id: UUID, reference: str | None = None, **other: Any) -> dict[str, Any]:
    usual = {"amount": 200, "currency": "USD", "at": (NOW - 4 * DAY).isoformat()}
    return {"reference": reference or f"l-{redemption_id.hex[:20]}", "redemption_id": REDEMPTION.render(redemption_id)} | usual | other


def tell(world: World, *lines: dict[str, Any], settled: bool = False, partner: str = "acme") -> BatchAnswer:
    use_case = service.put_settlement if settled else service.put_partner_redemptions
    return use_case(world.call(partner), partner, json.dumps({"lines": lines}).encode())


def all_told(world: World) -> None:
    """The partner says the same as we do of all redemptions, in both records."""
    for settled in (False, True):
        lines = [line(row["redemption_id"]) for row in world.redemptions()]
        assert tell(world, *lines, settled=settled).rejected == []


def reconciled(world: World, **asked: Any) -> Reconciliation:
    values: dict[str, Any] = {"partner": "acme", "earned_from": FROM, "earned_to": TO}
    return service.reconcile(world.call(), ReconciliationAsked(**values | asked))


def found(world: World, **asked: Any) -> list[tuple[UUID, str, str, int]]:
    return [(one.redemption_id, one.record, one.kind, one.difference_minor) for one in reconciled(world, **asked).breaks]


def test_records_that_agree_have_no_breaks(world: World, campaign: UUID) -> None:
    all_told(world)
    answer = reconciled(world, campaign_id=campaign)
    assert (answer.breaks, answer.counts, answer.next) == ([], [], None)
    assert {(total.record, total.redemptions, total.amount_minor) for total in answer.totals} == {
        ("ours", 3, 600),
        ("partner", 3, 600),
        ("settlement", 3, 600),
        ("cards", 3, 600),
    }


@pytest.mark.usefixtures("campaign")
def test_each_difference_is_classed_for_its_record(world: World) -> None:
    all_told(world)
    one, two, three = (of(world, who) for who in ("c1", "c2", "c3"))
    tell(world, line(one, at=NOW.isoformat(), amount=150))
    tell(world, line(two, "again"), settled=True)
    tell(world, line(three, state="reversed", at=NOW.isoformat()))
    assert sorted(found(world)) == sorted(
        [(one, "partner", "amount", -50), (two, "settlement", "duplicate", 200), (three, "partner", "reversed", -200)]
    )
    assert {(count.record, count.kind, count.breaks, count.difference_minor) for count in reconciled(world).counts} == {
        ("partner", "amount", 1, -50),
        ("partner", "reversed", 1, -200),
        ("settlement", "duplicate", 1, 200),
    }


def test_what_the_partner_did_not_tell_is_late_and_then_missing(world: World, campaign: UUID) -> None:
    breaks = [(record, kind) for _, record, kind, _ in found(world, campaign_id=campaign, late_days=5)]
    assert breaks == [("partner", "late"), ("settlement", "late")] * 3
    breaks = [(record, kind) for _, record, kind, _ in found(world, campaign_id=campaign, late_days=4)]
    assert breaks == [("partner", "missing"), ("settlement", "missing")] * 3


@pytest.mark.usefixtures("campaign")
def test_what_we_do_not_have_is_missing_with_us(world: World) -> None:
    all_told(world)
    tell(world, line(derived_id("nobody's")))
    [only] = reconciled(world).breaks
    assert (only.record, only.kind, only.ours_minor, only.theirs_minor) == ("partner", "missing", None, 200)


def test_refund_that_the_others_do_not_know_is_reversed(world: World, campaign: UUID) -> None:
    all_told(world)
    world.post(purchase("r1", "c1", kind="refund", original_transaction_id="t-c1", at=NOW - DAY))
    assert [(record, kind) for _, record, kind, _ in found(world, campaign_id=campaign)] == [
        ("partner", "reversed"),
        ("settlement", "reversed"),
        ("cards", "reversed"),
    ]


def test_credit_that_is_not_confirmed_is_late_and_then_missing_with_the_card_system(
    world: World, campaign: UUID, clock: SimulatedClock
) -> None:
    all_told(world)
    world.post(purchase("t4", "c1"))
    new = next(row["redemption_id"] for row in world.redemptions() if row["transaction_id"] == "t4")
    for settled in (False, True):
        tell(world, line(new), settled=settled)
    asked = {"campaign_id": campaign, "late_days": 3}
    assert found(world, **asked) == [(new, "cards", "late", -200)]
    clock.advance(NOW + 4 * DAY)
    assert found(world, **asked) == [(new, "cards", "missing", -200)]


def test_lines_told_again_or_out_of_order_end_the_same(world: World, campaign: UUID) -> None:
    all_told(world)
    one = of(world, "c1")
    back = line(one, state="reversed", at=NOW.isoformat())
    for said in ([back], [line(one)], [back, line(one)], [line(one), back]):
        assert tell(world, *said).rejected == []
        assert found(world, campaign_id=campaign) == [(one, "partner", "reversed", -200)]


@pytest.mark.usefixtures("campaign")
def test_reference_of_another_redemption_is_refused(world: World) -> None:
    tell(world, line(of(world, "c1"), "ref-1"))
    answer = tell(world, line(of(world, "c2"), "ref-1"), line(of(world, "c2"), "ref-2"), line(of(world, "c3"), "ref-2"))
    assert [(item.index, item.problems[0].path) for item in answer.rejected] == [(0, "/lines/0/reference"), (2, "/lines/2/reference")]
    assert answer.accepted == 1


def test_partners_and_periods_are_kept_apart(world: World, campaign: UUID) -> None:
    all_told(world)
    assert {kind for _, _, kind, _ in found(world, partner="other", campaign_id=campaign)} == {"missing"}
    assert found(world, partner="other") == []
    assert found(world, earned_from=NOW, earned_to=TO, campaign_id=campaign) == []


def test_breaks_come_page_by_page_and_as_csv(world: World, campaign: UUID) -> None:
    whole = found(world, campaign_id=campaign)
    first = reconciled(world, campaign_id=campaign, limit=2)
    rest = reconciled(world, campaign_id=campaign, limit=2, after=first.next)
    assert (len({one.redemption_id for one in first.breaks}), rest.next) == (2, None)
    assert [(one.redemption_id, one.record, one.kind, one.difference_minor) for one in [*first.breaks, *rest.breaks]] == whole
    asked = ReconciliationAsked(partner="acme", earned_from=FROM, earned_to=TO, campaign_id=campaign)
    header, *lines = service.reconcile_csv(world.call(), asked).text.splitlines()
    assert header == "redemption_id,record,kind,ours_minor,theirs_minor,difference_minor,currency,times"
    assert lines[0] == f"{REDEMPTION.render(whole[0][0])},partner,missing,200,,-200,USD,0"
    assert len(lines) == 6
