from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from shared.eligibility.terms import Terms
from shared.kernel.errors import Conflict, SelfApproval
from shared.offers.model import TRANSITIONS, Offer, Review, State, Version
from tests.unit.eligibility.builders import terms

NOW = datetime(2026, 1, 15, tzinfo=UTC)
TERMS: Terms = terms()
DECISIONS = ("approve", "request_changes", "reject")


def version(**overrides: Any) -> Version:
    defaults = {"offer_id": UUID(int=1), "number": 1, "review": Review.DRAFT, "terms": TERMS, "starts_at": NOW, "authors": ("maya",)}
    return Version(**{**defaults, "created_at": NOW, **overrides})


def offer(**overrides: Any) -> Offer:
    defaults = {"offer_id": UUID(int=1), "campaign_id": UUID(int=2), "name": "Fruit", "state": State.DRAFT, "latest_version": 1}
    return Offer(**{**defaults, "review": Review.DRAFT, "created_by": "maya", "created_at": NOW, **overrides})


@pytest.mark.parametrize("review", Review)
@pytest.mark.parametrize("action", TRANSITIONS)
def test_only_the_transitions_of_the_table_are_allowed(action: str, review: Review) -> None:
    if review in TRANSITIONS[action].sources:
        assert version(review=review).after(action) is TRANSITIONS[action].target
    else:
        with pytest.raises(Conflict, match=f"{review.value} can't {action.replace('_', ' ')}"):
            version(review=review).after(action)


def test_nothing_but_a_new_version_follows_an_approval() -> None:
    assert [action for action, transition in TRANSITIONS.items() if Review.APPROVED in transition.sources] == ["revise"]


def test_who_submits_is_an_author_once() -> None:
    assert version().submitted("noor").authors == ("maya", "noor")
    assert version().submitted("maya").authors == ("maya",)


@pytest.mark.parametrize("action", DECISIONS)
@pytest.mark.parametrize("author", ["maya", "noor"])
def test_no_author_decides(author: str, action: str) -> None:
    with pytest.raises(SelfApproval):
        version().submitted("noor").decided(action, by=author, at=NOW, reason="mine")


def test_an_earlier_reviewer_who_submits_again_becomes_an_author() -> None:
    sent_back = version().submitted("maya").decided("request_changes", by="noor", at=NOW, reason="smaller")
    again = sent_back.submitted("noor")
    assert (again.decided_by, again.authors) == (None, ("maya", "noor"))


@pytest.mark.parametrize("review", Review)
def test_until_an_approval_the_state_is_the_review(review: Review) -> None:
    after = offer().with_version(version(review=review))
    assert after.state.value == after.review.value == review.value
    assert after.version_in_force == (1 if review is Review.APPROVED else None)


@pytest.mark.parametrize("state", [State.APPROVED, State.LIVE])
@pytest.mark.parametrize("review", Review)
def test_after_an_approval_the_state_is_the_offers_own(state: State, review: Review) -> None:
    after = offer(state=state, version_in_force=1).with_version(version(number=2, review=review))
    assert (after.state, after.review) == (state, review)
    assert after.version_in_force == (2 if review is Review.APPROVED else 1)


REFUSED: dict[str, tuple[Offer, Callable[[Offer], object]]] = {
    "a new version of a withdrawn offer": (offer(state=State.WITHDRAWN), lambda o: o.with_version(version())),
    "a second withdrawal": (offer(state=State.WITHDRAWN), lambda o: o.withdrawn(NOW)),
    "a new version once the campaign is over": (offer(over=True), lambda o: o.with_version(version())),
}


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused(name: str) -> None:
    before, action = REFUSED[name]
    with pytest.raises(Conflict):
        action(before)


@pytest.mark.parametrize(
    ("state", "shown"), [("approved", "ended"), ("live", "ended"), ("withdrawn", "withdrawn"), ("draft", "draft"), ("rejected", "rejected")]
)
def test_an_offer_ends_with_its_campaign(state: str, shown: str) -> None:
    assert offer(state=State(state), over=True).shown_state().value == shown
    assert offer(state=State(state)).shown_state().value == state
