"""Campaigns through their use cases: two people for every budget, the clock's starts and ends, and a history of it all."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest

from shared.campaigns import service as campaigns
from shared.campaigns.api import BudgetAsked, CampaignView, CampaignWindow, NewCampaign, Page, Why
from shared.kernel.clock import SimulatedClock
from shared.kernel.errors import Conflict, Invalid, NotFound, SelfApproval
from shared.kernel.ids import derived_id
from shared.ledger import service as ledger
from shared.ledger.model import Step, movement
from tests.conftest import NOW, MakeCall

WHY = Why(reason="A test.")
DAY = timedelta(days=1)
ACTIONS: dict[str, Callable[..., CampaignView]] = {
    "approve": campaigns.approve_budget,
    "reject": campaigns.reject_budget,
    "schedule": campaigns.schedule_campaign,
    "pause": campaigns.pause_campaign,
    "resume": campaigns.resume_campaign,
    "cancel": campaigns.cancel_campaign,
}


class Desk:
    """Marketing's desk: maya asks, omar decides."""

    def __init__(self, call: MakeCall) -> None:
        self.call = call

    def create(self, *, start: str = "2026-01-01", end: str = "2026-01-31", **values: Any) -> UUID:
        body: dict[str, Any] = {"name": "Winter", "objective": "More visits", "portfolio": "cards", "currency": "USD"}
        window = CampaignWindow(start=start, end=end, zone="UTC")
        return campaigns.create_campaign(self.call("maya"), NewCampaign(**body | {"window": window} | values)).campaign_id

    def ask(self, campaign: UUID, amount: int | str = 1_000, *, by: str = "maya") -> None:
        campaigns.request_budget(self.call(by), campaign, BudgetAsked(amount=amount, reason="Plan"))

    def ask_less(self, campaign: UUID, amount: int, *, by: str = "maya") -> None:
        campaigns.request_budget(self.call(by), campaign, BudgetAsked(change="lower", amount=amount, reason="Less"))

    def promise(self, campaign: UUID, amount: int) -> None:
        with self.call("redeem").transaction() as tx:
            reference = derived_id(campaign, amount)
            reserve = movement(Step.RESERVE, campaign_id=campaign, amount_minor=amount, reference=reference, turn=1, effective_at=tx.now)
            ledger.post(tx, [reserve], ledger.lock_pots(tx, [campaign]))

    def do(self, campaign: UUID, action: str, *, by: str = "omar") -> str:
        return ACTIONS[action](self.call(by), campaign, WHY).state

    def funded(self, amount: int = 1_000, **values: Any) -> UUID:
        campaign = self.create(**values)
        self.ask(campaign, amount)
        self.do(campaign, "approve")
        return campaign

    def scheduled(self, **values: Any) -> UUID:
        campaign = self.funded(**values)
        self.do(campaign, "schedule", by="maya")
        return campaign

    def state(self, campaign: UUID) -> str:
        return campaigns.get_campaign(self.call(), campaign).state

    def history(self, campaign: UUID) -> list[tuple[str, str | None, str, str]]:
        found = campaigns.campaign_history(self.call(), campaign).history
        return [(change.action, change.from_state, change.to_state, change.by) for change in found]

    def available(self, campaign: UUID) -> int:
        with self.call().reading() as tx:
            return ledger.balances(tx, [campaign]).get(campaign, 0)

    def tick(self) -> int:
        with self.call("schedule").transaction() as tx:
            return campaigns.move_due_campaigns(tx)

    def events(self) -> list[tuple[str, str]]:
        with self.call().reading() as tx:
            found = tx.connection.execute("SELECT type, key FROM outbox ORDER BY seq").fetchall()
        return [(row["type"], row["key"]) for row in found]


@pytest.fixture
def desk(call: MakeCall) -> Desk:
    return Desk(call)


@pytest.mark.parametrize("action", ["approve", "reject"])
def test_who_asked_for_a_budget_does_not_decide_it(desk: Desk, action: str) -> None:
    campaign = desk.create()
    desk.ask(campaign, by="maya")
    with pytest.raises(SelfApproval):
        desk.do(campaign, action, by="maya")
    assert (desk.state(campaign), desk.available(campaign)) == ("budget_requested", 0)
    assert len(desk.history(campaign)) == 2


@pytest.mark.parametrize("action", ["approve", "reject"])
@pytest.mark.parametrize("state", ["live", "paused"])
def test_who_asked_for_more_budget_does_not_decide_it_either(desk: Desk, state: str, action: str) -> None:
    campaign = desk.scheduled()
    if state == "paused":
        desk.do(campaign, "pause")
    desk.ask(campaign, by="omar")
    with pytest.raises(SelfApproval):
        desk.do(campaign, action, by="omar")
    assert (desk.state(campaign), desk.available(campaign)) == (state, 1_000)


def test_an_approved_budget_is_there_to_be_spent(desk: Desk) -> None:
    campaign = desk.funded(1_234)
    assert (desk.state(campaign), desk.available(campaign)) == ("funded", 1_234)
    (request,) = campaigns.list_budget_requests(desk.call(), campaign).budget_requests
    assert (request.state, request.requested_by, request.decided_by, request.decided_at) == ("approved", "maya", "omar", NOW)
    assert (request.reason, request.decision_reason, request.amount_minor) == ("Plan", "A test.", 1_234)


def test_a_rejected_budget_gives_nothing_and_another_may_be_asked_for(desk: Desk) -> None:
    campaign = desk.create()
    desk.ask(campaign, 5_000)
    assert desk.do(campaign, "reject") == "rejected"
    assert desk.available(campaign) == 0
    desk.ask(campaign, 700)
    assert desk.do(campaign, "approve") == "funded"
    assert desk.available(campaign) == 700
    requests = campaigns.list_budget_requests(desk.call(), campaign).budget_requests
    assert [(request.state, request.amount_minor) for request in requests] == [("rejected", 5_000), ("approved", 700)]


@pytest.mark.parametrize("action", ["schedule", "pause"])
def test_a_budget_is_lowered_by_two_people_without_leaving_the_state(desk: Desk, action: str) -> None:
    campaign = desk.funded()
    for step in ("schedule", "pause")[: ("schedule", "pause").index(action) + 1]:
        desk.do(campaign, step)
    state = desk.state(campaign)
    desk.ask_less(campaign, 400)
    assert (desk.state(campaign), desk.available(campaign)) == (state, 1_000)
    with pytest.raises(SelfApproval):
        desk.do(campaign, "approve", by="maya")
    assert desk.do(campaign, "approve") == state
    assert desk.available(campaign) == 600
    requests = campaigns.list_budget_requests(desk.call(), campaign).budget_requests
    assert [(r.change, r.amount_minor, r.state) for r in requests] == [("raise", 1_000, "approved"), ("lower", 400, "approved")]
    assert desk.history(campaign)[-2:] == [
        ("request_lower_budget", state, state, "maya"),
        ("approve_lower_budget", state, state, "omar"),
    ]
    assert ledger.verify(desk.call("auditor")) == []


def test_a_budget_is_not_lowered_below_what_is_promised(desk: Desk) -> None:
    campaign = desk.funded()
    desk.promise(campaign, 700)
    with pytest.raises(Conflict, match=r"by 3\.01 USD\. Of 10\.00 approved, 7\.00 is reserved, .*: 3\.00 is free"):
        desk.ask_less(campaign, 301)
    desk.ask_less(campaign, 300)
    desk.do(campaign, "approve")
    assert desk.available(campaign) == 0


def test_what_was_promised_since_a_lower_budget_was_asked_for_refuses_it(desk: Desk) -> None:
    campaign = desk.funded()
    desk.ask_less(campaign, 500)
    desk.promise(campaign, 501)
    with pytest.raises(Conflict, match=r"4\.99 is free"):
        desk.do(campaign, "approve")
    assert desk.available(campaign) == 499
    assert campaigns.list_budget_requests(desk.call(), campaign).budget_requests[-1].state == "requested"
    desk.do(campaign, "reject")
    assert desk.history(campaign)[-1] == ("reject_lower_budget", "funded", "funded", "omar")


def test_a_campaign_without_budget_has_none_to_lower(desk: Desk) -> None:
    with pytest.raises(Conflict, match="of a campaign that is draft can't be lowered"):
        desk.ask_less(desk.create(), 1)


@pytest.mark.parametrize("action", ["schedule", "pause"])
def test_more_budget_is_added_without_leaving_the_state(desk: Desk, action: str) -> None:
    campaign = desk.funded()
    for step in ("schedule", "pause")[: ("schedule", "pause").index(action) + 1]:
        desk.do(campaign, step)
    state = desk.state(campaign)
    desk.ask(campaign, "2.50")
    assert (desk.state(campaign), desk.available(campaign)) == (state, 1_000)
    assert desk.do(campaign, "approve") == state
    assert desk.available(campaign) == 1_250
    assert ledger.verify(desk.call("auditor")) == []


def test_more_budget_that_is_rejected_changes_nothing(desk: Desk) -> None:
    campaign = desk.scheduled()
    desk.ask(campaign)
    assert desk.do(campaign, "reject") == "live"
    assert desk.available(campaign) == 1_000
    with pytest.raises(Conflict):
        desk.do(campaign, "approve")


@pytest.mark.parametrize("live", [False, True])
def test_a_second_request_waits_until_the_first_is_decided(desk: Desk, live: bool) -> None:  # noqa: FBT001
    campaign = desk.scheduled() if live else desk.create()
    desk.ask(campaign)
    lines = len(desk.history(campaign))
    with pytest.raises(Conflict):
        desk.ask(campaign, by="lena")
    assert len(desk.history(campaign)) == lines
    desk.do(campaign, "approve")
    desk.ask(campaign) if live else desk.do(campaign, "schedule")


@pytest.mark.parametrize(
    ("currency", "amount"), [("USD", 0), ("USD", "0.00"), ("USD", "0.001"), ("JPY", "1.5"), ("KWD", "9999999999999.999")]
)
def test_a_budget_is_more_than_nothing_not_beyond_reason_and_fits_its_currency(desk: Desk, currency: str, amount: int | str) -> None:
    campaign = desk.create(currency=currency)
    with pytest.raises(Invalid) as refusal:
        desk.ask(campaign, amount)
    assert [problem.path for problem in refusal.value.problems] == ["/amount"]
    assert desk.state(campaign) == "draft"


@pytest.mark.parametrize(("currency", "amount", "minor"), [("USD", "12.30", 1_230), ("JPY", "12", 12), ("KWD", "1.234", 1_234)])
def test_a_decimal_budget_is_read_by_its_currency(desk: Desk, currency: str, amount: str, minor: int) -> None:
    campaign = desk.create(currency=currency)
    desk.ask(campaign, amount)
    desk.do(campaign, "approve")
    assert desk.available(campaign) == minor


@pytest.mark.parametrize("action", ["approve", "reject"])
def test_a_cancelled_campaign_gets_no_budget(desk: Desk, action: str) -> None:
    campaign = desk.create()
    desk.ask(campaign)
    desk.do(campaign, "cancel")
    with pytest.raises(Conflict):
        desk.do(campaign, action)
    assert (desk.state(campaign), desk.available(campaign)) == ("cancelled", 0)


@pytest.mark.parametrize("stop", ["cancel", "end"])
def test_more_budget_asked_for_is_not_given_once_a_campaign_is_over(desk: Desk, clock: SimulatedClock, stop: str) -> None:
    campaign = desk.scheduled()
    desk.ask(campaign)
    if stop == "cancel":
        desk.do(campaign, "cancel")
    else:
        clock.advance(NOW + 60 * DAY)
        desk.tick()
    with pytest.raises(Conflict):
        desk.do(campaign, "approve")
    assert desk.available(campaign) == 1_000


def test_a_campaign_whose_window_is_open_starts_when_it_is_scheduled(desk: Desk) -> None:
    campaign = desk.scheduled(start="2026-01-01")
    assert desk.state(campaign) == "live"
    assert desk.history(campaign)[-2:] == [("schedule", "funded", "scheduled", "maya"), ("start", "scheduled", "live", "schedule")]
    assert desk.events() == [("clo.campaign.went_live.v1", campaign.hex)]


def test_a_campaign_whose_window_opens_later_waits_for_it(desk: Desk, clock: SimulatedClock) -> None:
    campaign = desk.scheduled(start="2026-01-20")
    assert (desk.state(campaign), desk.events()) == ("scheduled", [])
    clock.advance(datetime(2026, 1, 19, 23, 59, 59, 999_999, tzinfo=UTC))
    assert (desk.tick(), desk.state(campaign)) == (0, "scheduled")
    clock.advance(datetime(2026, 1, 20, tzinfo=UTC))
    assert (desk.tick(), desk.state(campaign)) == (1, "live")
    assert desk.tick() == 0
    assert desk.events() == [("clo.campaign.went_live.v1", campaign.hex)]


def test_a_campaign_scheduled_after_its_window_ends_at_once(desk: Desk) -> None:
    campaign = desk.scheduled(start="2026-01-01", end="2026-01-10")
    assert desk.state(campaign) == "ended"


@pytest.mark.parametrize("paused", [False, True])
def test_a_campaign_ends_with_its_window(desk: Desk, clock: SimulatedClock, paused: bool) -> None:  # noqa: FBT001
    campaign = desk.scheduled(end="2026-01-20")
    if paused:
        desk.do(campaign, "pause")
    clock.advance(datetime(2026, 1, 20, 23, 59, 59, tzinfo=UTC))
    assert desk.tick() == 0
    clock.advance(datetime(2026, 1, 22, 8, tzinfo=UTC))
    assert (desk.tick(), desk.state(campaign)) == (1, "ended")
    end = campaigns.campaign_history(desk.call(), campaign).history[-1]
    assert (end.action, end.at) == ("end", datetime(2026, 1, 21, tzinfo=UTC))
    assert desk.events()[-1] == ("clo.campaign.ended.v1", campaign.hex)


def test_time_moves_each_campaign_by_its_own_window(desk: Desk, clock: SimulatedClock) -> None:
    windows = [("2026-01-16", "2026-01-18"), ("2026-01-17", "2026-01-17"), ("2026-01-18", "2026-01-19"), ("2026-02-01", "2026-02-02")]
    made = [desk.scheduled(start=start, end=end) for start, end in windows]
    seen = []
    for day in (16, 17, 18, 19, 20):
        clock.advance(datetime(2026, 1, day, tzinfo=UTC))
        desk.tick()
        seen.append([desk.state(campaign) for campaign in made])
    assert seen == [
        ["live", "scheduled", "scheduled", "scheduled"],
        ["live", "live", "scheduled", "scheduled"],
        ["live", "ended", "live", "scheduled"],
        ["ended", "ended", "live", "scheduled"],
        ["ended", "ended", "ended", "scheduled"],
    ]


def test_a_late_tick_starts_and_ends_as_of_the_due_moments_in_order(desk: Desk, clock: SimulatedClock) -> None:
    campaign = desk.scheduled(start="2026-01-20", end="2026-01-25")
    clock.advance(datetime(2026, 1, 22, 7, tzinfo=UTC))
    desk.tick()
    clock.advance(datetime(2026, 1, 28, 9, tzinfo=UTC))
    desk.tick()
    found = [(change.action, change.at) for change in campaigns.campaign_history(desk.call(), campaign).history[-2:]]
    assert found == [("start", datetime(2026, 1, 20, tzinfo=UTC)), ("end", datetime(2026, 1, 26, tzinfo=UTC))]


def test_the_history_tells_who_did_what_when_and_why(desk: Desk, clock: SimulatedClock) -> None:
    campaign = desk.create()
    desk.ask(campaign)
    desk.do(campaign, "reject")
    desk.ask(campaign, by="lena")
    desk.do(campaign, "approve", by="omar")
    desk.do(campaign, "schedule", by="maya")
    clock.advance(NOW + timedelta(hours=1))
    desk.do(campaign, "pause", by="lena")
    desk.do(campaign, "resume", by="maya")
    desk.ask(campaign, by="lena")
    desk.do(campaign, "cancel", by="omar")
    assert desk.history(campaign) == [
        ("create", None, "draft", "maya"),
        ("request_budget", "draft", "budget_requested", "maya"),
        ("reject_budget", "budget_requested", "rejected", "omar"),
        ("request_budget", "rejected", "budget_requested", "lena"),
        ("approve_budget", "budget_requested", "funded", "omar"),
        ("schedule", "funded", "scheduled", "maya"),
        ("start", "scheduled", "live", "schedule"),
        ("pause", "live", "paused", "lena"),
        ("resume", "paused", "live", "maya"),
        ("request_budget", "live", "live", "lena"),
        ("cancel", "live", "cancelled", "omar"),
    ]
    lines = campaigns.campaign_history(desk.call(), campaign).history
    assert [line.at for line in lines if line.action in {"pause", "cancel"}] == [NOW + timedelta(hours=1)] * 2
    assert all(line.reason for line in lines)


def test_a_refused_action_leaves_no_trace(desk: Desk) -> None:
    campaign = desk.create()
    before = desk.history(campaign)
    for action in ("approve", "reject", "schedule", "pause", "resume"):
        with pytest.raises(Conflict):
            desk.do(campaign, action)
    assert (desk.state(campaign), desk.history(campaign), desk.events()) == ("draft", before, [])


def test_a_campaign_has_the_id_its_sender_chose_once(desk: Desk) -> None:
    mine = derived_id("mine")
    assert desk.create(campaign_id=mine) == mine
    with pytest.raises(Conflict):
        desk.create(campaign_id=mine, name="Another")
    assert campaigns.get_campaign(desk.call(), mine).name == "Winter"
    assert len(desk.history(mine)) == 1


def test_what_is_not_there_is_not_found(desk: Desk) -> None:
    nowhere = derived_id("nowhere")
    for look in (campaigns.get_campaign, campaigns.campaign_history, campaigns.list_budget_requests):
        with pytest.raises(NotFound):
            look(desk.call(), nowhere)
    with pytest.raises(NotFound):
        desk.ask(nowhere)


def test_campaigns_are_listed_newest_first_page_by_page(desk: Desk, clock: SimulatedClock) -> None:
    made = []
    for minute in range(3):
        clock.advance(NOW + timedelta(minutes=minute))
        made.append(desk.create())
    listed = [campaigns.list_campaigns(desk.call(), Page(limit=2, offset=offset)).campaigns for offset in (0, 2)]
    assert [[campaign.campaign_id for campaign in page] for page in listed] == [[made[2], made[1]], [made[0]]]


def _at_once(work: Callable[[str], object], people: list[str]) -> list[object]:
    """Let everybody do it at the same moment; the answer or the error of each."""
    together = Barrier(len(people), timeout=10)

    def one(person: str) -> object:
        together.wait()
        try:
            return work(person)
        except Conflict as error:
            return error

    with ThreadPoolExecutor(len(people)) as pool:
        return list(pool.map(one, people))


@pytest.mark.parametrize("topped_up", [False, True])
def test_two_who_approve_at_once_approve_once(desk: Desk, topped_up: bool) -> None:  # noqa: FBT001
    campaign = desk.scheduled() if topped_up else desk.create()
    before = desk.available(campaign)
    desk.ask(campaign, 700)
    answers = _at_once(lambda person: desk.do(campaign, "approve", by=person), ["omar", "lena"])
    assert sorted(isinstance(answer, Conflict) for answer in answers) == [False, True]
    assert desk.available(campaign) == before + 700
    assert ledger.verify(desk.call("auditor")) == []


def test_one_who_approves_and_one_who_rejects_at_once_agree_on_the_first(desk: Desk) -> None:
    campaign = desk.create()
    desk.ask(campaign, 700)
    actions = {"omar": "approve", "lena": "reject"}
    answers = _at_once(lambda person: desk.do(campaign, actions[person], by=person), list(actions))
    (decided,) = (answer for answer in answers if isinstance(answer, str))
    assert (desk.state(campaign), desk.available(campaign)) == (decided, 700 if decided == "funded" else 0)


def test_two_who_ask_at_once_ask_once(desk: Desk) -> None:
    campaign = desk.scheduled()
    answers = _at_once(lambda person: desk.ask(campaign, by=person), ["maya", "lena"])
    assert sorted(isinstance(answer, Conflict) for answer in answers) == [False, True]
    assert len(campaigns.list_budget_requests(desk.call(), campaign).budget_requests) == 2


def test_budgets_of_many_campaigns_approved_at_once_all_count(desk: Desk) -> None:
    made = {f"person-{number}": desk.create() for number in range(8)}
    for campaign in made.values():
        desk.ask(campaign, 100)
    assert _at_once(lambda person: desk.do(made[person], "approve", by=person), list(made)) == ["funded"] * 8
    assert [desk.available(campaign) for campaign in made.values()] == [100] * 8
    assert ledger.verify(desk.call("auditor")) == []
