"""Claims as values: when an answer is due, which resolution what is known asks for, and which one it bears out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from shared.claims.api import ClaimState, RejectedAs
from shared.claims.model import TRANSITIONS, Claim, Given, Known, State, due_at, rejected_as, suggest
from shared.kernel.errors import Conflict
from shared.kernel.ids import derived_id
from shared.kernel.reasons import BY_CODE
from shared.kernel.resolutions import RESOLUTIONS, Resolution
from tests.conftest import NOW

NOTHING = Known(on_file=True, given=(), eligible=False, reasons=())
PAID, HELD = Given("paid", 200, None), Given("held", 200, None)
REFUSED = Given("rejected", 0, "budget_exhausted")
CLAIM = Claim(
    claim_id=derived_id("claim"),
    customer_id="cust-1",
    offer_id=None,
    transaction_id="t1",
    said="{}",
    reason="Nothing came",
    state=State.OPENED,
    opened_by="sam",
    opened_at=NOW,
    due_at=due_at(NOW),
)


@pytest.mark.parametrize(
    ("opened", "due"),
    [
        ("2026-01-12T00:00:00Z", "2026-01-27T00:00:00Z"),  # a Monday: two weeks later, at the end of the day
        ("2026-01-16T23:59:00Z", "2026-01-31T00:00:00Z"),  # a Friday
        ("2026-01-17T12:00:00Z", "2026-01-31T00:00:00Z"),  # a Saturday, as if it were the Friday before
        ("2026-01-18T12:00:00Z", "2026-01-31T00:00:00Z"),
        ("2026-01-18T20:00:00-05:00", "2026-02-03T00:00:00Z"),  # Monday already, in UTC
    ],
)
def test_an_answer_is_due_at_the_end_of_the_tenth_working_day(opened: str, due: str) -> None:
    assert due_at(datetime.fromisoformat(opened)) == datetime.fromisoformat(due)


def test_there_are_always_ten_working_days() -> None:
    for day in range(60):
        opened = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=day)
        days = [opened + timedelta(days=n) for n in range(1, (due_at(opened) - opened).days + 1)]
        assert sum(one.weekday() < 5 for one in days) == 10


@pytest.mark.parametrize(
    ("known", "code", "reason"),
    [
        (NOTHING._replace(given=(PAID,)), "paid_already", None),
        (NOTHING._replace(given=(PAID._replace(reward_minor=1),)), "paid_already", None),
        (NOTHING._replace(given=(PAID, HELD)), "on_its_way", None),
        (NOTHING._replace(given=(REFUSED, PAID)), "paid_already", None),
        (NOTHING._replace(given=(REFUSED,), reasons=("not_activated",)), "not_eligible", "budget_exhausted"),
        (NOTHING._replace(reasons=("not_activated", "outside_window")), "not_eligible", "not_activated"),
        (NOTHING._replace(on_file=False, reasons=("merchant_not_in_scope",)), "not_eligible", "merchant_not_in_scope"),
        (NOTHING._replace(on_file=False, eligible=True, reasons=("already_completed",)), "purchase_not_received", None),
        (NOTHING._replace(on_file=False), "purchase_not_received", None),
        (NOTHING._replace(eligible=True), "accepted", None),
    ],
)
def test_what_is_known_asks_for_a_resolution(known: Known, code: str, reason: str | None) -> None:
    suggestion = suggest(known)
    assert suggestion is not None
    assert (suggestion.resolution.code, suggestion.reason_code) == (code, reason)


def test_where_nothing_is_known_somebody_must_look() -> None:
    assert suggest(NOTHING) is None


NOT_FOUND = "The reason must be one that was found when the claim was looked into: "


@pytest.mark.parametrize(
    ("resolution", "code", "known", "told"),
    [
        (Resolution.PAID_ALREADY, None, NOTHING, "Nothing was given for the purchase."),
        (Resolution.ON_ITS_WAY, None, NOTHING._replace(given=(REFUSED,)), "Nothing was given for the purchase."),
        (Resolution.PURCHASE_NOT_RECEIVED, None, NOTHING, "The purchase is on file."),
        (Resolution.NOT_ELIGIBLE, None, NOTHING, f"{NOT_FOUND}nothing against it."),
        (Resolution.NOT_ELIGIBLE, "paused", NOTHING._replace(reasons=("not_activated",)), f"{NOT_FOUND}not_activated."),
        (Resolution.NOT_ELIGIBLE, "paused", NOTHING._replace(given=(REFUSED,), reasons=("x",)), f"{NOT_FOUND}budget_exhausted, x."),
    ],
)
def test_a_rejection_that_nothing_bears_out_is_refused(resolution: Resolution, code: str | None, known: Known, told: str) -> None:
    with pytest.raises(Conflict) as refusal:
        rejected_as(resolution, code, known)
    assert str(refusal.value) == told


@pytest.mark.parametrize(
    ("resolution", "code", "known", "told"),
    [
        (Resolution.PAID_ALREADY, "paused", NOTHING._replace(given=(PAID,)), None),
        (Resolution.ON_ITS_WAY, None, NOTHING._replace(given=(HELD._replace(reward_minor=1),)), None),
        (Resolution.PURCHASE_NOT_RECEIVED, None, NOTHING._replace(on_file=False), None),
        (Resolution.NOT_ELIGIBLE, None, NOTHING._replace(reasons=("not_activated", "outside_window")), "not_activated"),
        (Resolution.NOT_ELIGIBLE, "outside_window", NOTHING._replace(reasons=("not_activated", "outside_window")), "outside_window"),
        (Resolution.NOT_ELIGIBLE, None, NOTHING._replace(given=(REFUSED,)), "budget_exhausted"),
    ],
)
def test_a_rejection_carries_its_reason_where_it_has_one(resolution: Resolution, code: str | None, known: Known, told: str | None) -> None:
    assert rejected_as(resolution, code, known) == (resolution, told)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("action", TRANSITIONS)
def test_only_what_a_state_allows_is_done(action: str, state: State) -> None:
    claim = replace(CLAIM, state=state)
    sources, target = TRANSITIONS[action]
    if state in sources:
        assert claim.after(action).state is target
    else:
        with pytest.raises(Conflict) as refusal:
            claim.after(action)
        allowed = ", ".join(sorted(source.value for source in sources))
        assert str(refusal.value) == f"A claim that is {state.value} can't be taken to {target.value}; it must be {allowed}."


def test_the_words_of_the_interface_are_those_of_the_model() -> None:
    assert set(get_args(ClaimState)) == {state.value for state in State}
    assert set(get_args(RejectedAs)) == RESOLUTIONS.keys() - {"accepted"}
    assert set(RESOLUTIONS).isdisjoint(BY_CODE)
