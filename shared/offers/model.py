"""Offers as values: the review of their versions, their own life once a version was approved, and the rules between the two."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Final
from uuid import UUID

from shared.eligibility.terms import Terms
from shared.kernel.errors import Conflict, SelfApproval


class Review(Enum):
    """Where a version is in its review."""

    DRAFT = "draft"  # being written
    IN_REVIEW = "in_review"  # locked, waits for a second person
    CHANGES_REQUESTED = "changes_requested"  # sent back with a message: submit it again, or write another
    REJECTED = "rejected"  # refused for good: only another version can be submitted
    APPROVED = "approved"  # final, never changes


class State(Enum):
    """Where an offer is in its life: the review of its newest version until one was approved, then a life of its own."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    CHANGES_REQUESTED = "changes_requested"
    REJECTED = "rejected"
    APPROVED = "approved"  # waits for its campaign and its window
    LIVE = "live"  # its audience has grants
    WITHDRAWN = "withdrawn"  # taken back for good by command
    ENDED = "ended"  # its campaign is over; shown, never stored


@dataclass(frozen=True, kw_only=True, slots=True)
class Transition:
    """From which reviews an action on the newest version leads where."""

    sources: frozenset[Review]
    target: Review


def _from(*sources: Review, to: Review) -> Transition:
    return Transition(sources=frozenset(sources), target=to)


TRANSITIONS: Final = {
    "revise": _from(Review.DRAFT, Review.CHANGES_REQUESTED, Review.REJECTED, Review.APPROVED, to=Review.DRAFT),
    "submit": _from(Review.DRAFT, Review.CHANGES_REQUESTED, to=Review.IN_REVIEW),
    "approve": _from(Review.IN_REVIEW, to=Review.APPROVED),
    "request_changes": _from(Review.IN_REVIEW, to=Review.CHANGES_REQUESTED),
    "reject": _from(Review.IN_REVIEW, to=Review.REJECTED),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """One version of an offer's terms. `authors` wrote or submitted it; `starts_at` (UTC) is when its window opens in the first zone."""

    offer_id: UUID
    number: int
    review: Review
    terms: Terms
    starts_at: datetime
    authors: tuple[str, ...]
    created_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision_reason: str | None = None

    def after(self, action: str) -> Review:
        """Where an action leads. Raises Conflict when the review does not allow it."""
        transition = TRANSITIONS[action]
        if self.review not in transition.sources:
            allowed = ", ".join(sorted(review.value for review in transition.sources))
            raise Conflict(f"A version that is {self.review.value} can't {action.replace('_', ' ')}; it must be {allowed}.")
        return transition.target

    def submitted(self, by: str) -> "Version":
        """The version once it waits for review; whoever submits it is one of its authors, and an earlier decision is history."""
        authors = self.authors if by in self.authors else (*self.authors, by)
        return replace(self, review=self.after("submit"), authors=authors, decided_by=None, decided_at=None, decision_reason=None)

    def decided(self, action: str, *, by: str, at: datetime, reason: str) -> "Version":
        """The version once reviewed. Raises SelfApproval when one of its authors decides, whatever the decision."""
        review = self.after(action)
        if by in self.authors:
            raise SelfApproval("A version is reviewed by another person than those who wrote or submitted it.")
        return replace(self, review=review, decided_by=by, decided_at=at, decision_reason=reason)


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """An offer: `review` is of its newest version, `version_in_force` the newest that was approved. `over`: its campaign has ended."""

    offer_id: UUID
    campaign_id: UUID
    name: str
    state: State
    latest_version: int
    review: Review
    created_by: str
    created_at: datetime
    version_in_force: int | None = None
    live_at: datetime | None = None
    withdrawn_at: datetime | None = None
    over: bool = False

    def with_version(self, version: Version) -> "Offer":
        """The offer with this as its newest version. Raises Conflict when it was withdrawn or its campaign is over."""
        self._require_not_withdrawn()
        if self.over:
            raise Conflict("The offer's campaign is over.")
        in_force = version.number if version.review is Review.APPROVED else self.version_in_force
        approved = State.LIVE if self.state is State.LIVE else State.APPROVED
        state = State(version.review.value) if in_force is None else approved
        return replace(self, state=state, latest_version=version.number, review=version.review, version_in_force=in_force)

    def withdrawn(self, at: datetime) -> "Offer":
        """The offer once taken back for good. Raises Conflict when it was before."""
        self._require_not_withdrawn()
        return replace(self, state=State.WITHDRAWN, withdrawn_at=at)

    def shown_state(self) -> State:
        """The state as seen from outside: an approved or live offer of a campaign that is over has ended."""
        return State.ENDED if self.over and self.state in (State.APPROVED, State.LIVE) else self.state

    def _require_not_withdrawn(self) -> None:
        if self.state is State.WITHDRAWN:
            raise Conflict("The offer was withdrawn.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One line of an offer's history. States are the version's review, or the offer's state for launch and withdrawal."""

    version: int
    action: str
    from_state: str | None
    to_state: str
    by: str
    at: datetime
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Revisions:
    """How far the offers and the campaigns in the database, or in a cache, have moved."""

    offers: int
    campaigns: int
