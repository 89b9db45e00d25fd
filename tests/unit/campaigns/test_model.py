"""The life of a campaign: which action is allowed in which state, who decides about a budget, windows and stops."""

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.campaigns.model import TOP_UP_STATES, TRANSITIONS, BudgetRequest, Campaign, State, Timeline, Turn, window
from shared.kernel.errors import Conflict, SelfApproval
from shared.kernel.ids import derived_id
from tests.conftest import NOW

S = State
CAMPAIGN = derived_id("campaign")
# From each state, where each action leads; what is not here is refused. Written out on its own, so that a slip in the code's table shows.
LIFE: dict[State, dict[str, State]] = {
    S.DRAFT: {"request_budget": S.BUDGET_REQUESTED, "cancel": S.CANCELLED},
    S.BUDGET_REQUESTED: {"approve_budget": S.FUNDED, "reject_budget": S.REJECTED, "cancel": S.CANCELLED},
    S.REJECTED: {"request_budget": S.BUDGET_REQUESTED, "cancel": S.CANCELLED},
    S.FUNDED: {"schedule": S.SCHEDULED, "cancel": S.CANCELLED},
    S.SCHEDULED: {"start": S.LIVE, "end": S.ENDED, "cancel": S.CANCELLED},
    S.LIVE: {"pause": S.PAUSED, "end": S.ENDED, "cancel": S.CANCELLED},
    S.PAUSED: {"resume": S.LIVE, "end": S.ENDED, "cancel": S.CANCELLED},
    S.ENDED: {},
    S.CANCELLED: {},
}
ALLOWED = [(state, action, target) for state, actions in LIFE.items() for action, target in actions.items()]
REFUSED = [(state, action) for state in State for action in TRANSITIONS if action not in LIFE[state]]


def campaign(state: State = S.DRAFT, **overrides: Any) -> Campaign:
    values: dict[str, Any] = {
        "campaign_id": CAMPAIGN,
        "name": "Winter",
        "objective": "More visits",
        "portfolio": "cards",
        "currency": "USD",
        "starts_at": NOW,
        "ends_at": NOW + timedelta(days=1),
        "zone": "UTC",
        "state": state,
        "created_by": "maya",
        "created_at": NOW,
    }
    return Campaign(**values | overrides)


@pytest.mark.parametrize(("state", "action", "target"), ALLOWED, ids=lambda value: getattr(value, "value", value))
def test_an_allowed_action_changes_the_state_and_nothing_else(state: State, action: str, target: State) -> None:
    before = campaign(state)
    after = before.after(action)
    assert after == replace(before, state=target)
    assert before.state is state


@pytest.mark.parametrize(("state", "action"), REFUSED, ids=lambda value: getattr(value, "value", value))
def test_any_other_action_is_refused_with_both_states_named(state: State, action: str) -> None:
    with pytest.raises(Conflict) as refusal:
        campaign(state).after(action)
    allowed = ", ".join(sorted(source.value for source in State if action in LIFE[source]))
    assert str(refusal.value) == f"A campaign that is {state.value} can't {action.replace('_', ' ')}; it must be {allowed}."


def test_the_table_of_this_test_knows_every_state_and_action() -> None:
    assert set(LIFE) == set(State)
    assert {action for actions in LIFE.values() for action in actions} == set(TRANSITIONS)


def test_more_budget_is_asked_for_wherever_money_is_and_the_life_goes_on() -> None:
    assert set(TOP_UP_STATES) == {S.FUNDED, S.SCHEDULED, S.LIVE, S.PAUSED}


def request() -> BudgetRequest:
    return BudgetRequest(
        request_id=derived_id("request"), campaign_id=CAMPAIGN, change="raise", amount_minor=100, state="requested", requested_by="maya",
        requested_at=NOW, reason="Plan",
    )  # fmt: skip


@pytest.mark.parametrize("state", ["approved", "rejected"])
def test_a_budget_is_decided_by_another_person(state: str) -> None:
    decided = request().decided(state, by="omar", at=NOW, reason="Fits.")
    assert asdict(decided) == asdict(request()) | {"state": state, "decided_by": "omar", "decided_at": NOW, "decision_reason": "Fits."}
    with pytest.raises(SelfApproval, match=r"^A budget is decided by another person than the one who asked for it\.$"):
        request().decided(state, by="maya", at=NOW, reason="Mine.")


def test_the_history_tells_a_budget_that_is_raised_from_one_that_is_lowered() -> None:
    assert request().action("approve") == "approve_budget"
    assert replace(request(), change="lower").action("approve") == "approve_lower_budget"


@pytest.mark.parametrize(
    ("start", "end", "zone", "first", "after"),
    [
        ("2026-01-01", "2026-01-31", "UTC", (2026, 1, 1, 0), (2026, 2, 1, 0)),
        ("2026-01-01", "2026-01-01", "America/New_York", (2026, 1, 1, 5), (2026, 1, 2, 5)),
        ("2026-03-08", "2026-03-08", "America/New_York", (2026, 3, 8, 5), (2026, 3, 9, 4)),
        ("2026-11-01", "2026-11-01", "America/New_York", (2026, 11, 1, 4), (2026, 11, 2, 5)),
        ("2026-01-01T08:00:00", "2026-01-01T20:00:00", "Asia/Tokyo", (2025, 12, 31, 23), (2026, 1, 1, 11)),
    ],
    ids=["whole month", "one day", "a day of 23 hours", "a day of 25 hours", "times of day"],
)
def test_a_window_is_read_on_the_clock_of_its_zone(
    start: str, end: str, zone: str, first: tuple[int, int, int, int], after: tuple[int, int, int, int]
) -> None:
    assert window(start, end, zone) == (datetime(*first, tzinfo=UTC), datetime(*after, tzinfo=UTC))
    assert [moment.tzinfo for moment in window(start, end, zone)] == [UTC, UTC]


def turn(to: State, minutes: int = 0, *, known: int = 0) -> Turn:
    """It became so many minutes after NOW, which was recorded so many later."""
    return Turn(to, NOW + timedelta(minutes=minutes), NOW + timedelta(minutes=minutes + known))


def timeline(*turns: Turn) -> Timeline:
    return Timeline(campaign_id=CAMPAIGN, turns=turns)


def pauses(found: Timeline) -> list[tuple[int, int | None]]:
    """The pauses, in minutes from NOW."""
    return [(_minutes(start), None if end is None else _minutes(end)) for start, end in found.pauses]


def _minutes(at: datetime) -> int:
    return int((at - NOW).total_seconds()) // 60


def test_a_campaign_that_was_never_stopped_has_no_pauses() -> None:
    assert timeline(turn(S.DRAFT), turn(S.LIVE, 1)).pauses == []


def test_each_pause_lasts_until_the_next_change_of_state() -> None:
    paused_twice = timeline(turn(S.LIVE), turn(S.PAUSED, 10), turn(S.LIVE, 20), turn(S.PAUSED, 30), turn(S.ENDED, 40))
    assert pauses(paused_twice) == [(10, 20), (30, 40)]


def test_a_pause_that_goes_on_is_open() -> None:
    assert pauses(timeline(turn(S.PAUSED, 10))) == [(10, None)]


def test_a_cancellation_ends_a_pause_and_tells_its_moment() -> None:
    cancelled = timeline(turn(S.PAUSED, 10), turn(S.CANCELLED, 20))
    assert pauses(cancelled) == [(10, 20)]
    assert cancelled.cancelled_at == NOW + timedelta(minutes=20)


def test_an_end_is_no_cancellation() -> None:
    assert timeline(turn(S.ENDED, 20)).cancelled_at is None


def test_what_is_recorded_after_a_moment_is_not_known_at_it_however_early_it_held() -> None:
    told_late = timeline(turn(S.PAUSED, 10), turn(S.LIVE, 20, known=30))
    assert pauses(told_late.as_of(NOW + timedelta(minutes=49))) == [(10, None)]
    assert told_late.as_of(NOW + timedelta(minutes=50)) == told_late
    assert timeline(turn(S.CANCELLED, 10, known=1)).as_of(NOW + timedelta(minutes=10)).cancelled_at is None
