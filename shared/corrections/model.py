"""Corrections as they are asked for and decided, and what may be corrected. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from itertools import count
from uuid import UUID

from shared.kernel import trail
from shared.kernel.errors import Conflict, SelfApproval
from shared.kernel.ids import derived_id
from shared.kernel.reasons import Reason
from shared.redemptions.model import Redemption
from shared.redemptions.model import State as Standing


class Kind(Enum):
    """What a correction does."""

    FORCE = "force"  # gives a completion that the terms do not give
    ADJUST = "adjust"  # makes what a completion gives more or less


class State(Enum):
    """Where a correction is in its life."""

    REQUESTED = "requested"  # waits for a second person
    APPROVED = "approved"  # part of the history for good
    REJECTED = "rejected"  # changes nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """A correction of one completion, asked for by one person and decided by another; amounts in minor units of its currency."""

    correction_id: UUID
    kind: Kind
    customer_id: str
    offer_id: UUID
    grant_id: UUID
    completion: str
    amount_minor: int
    """Of a forced completion what it gives at least; of an adjustment how much more or, negative, less."""
    currency: str
    at: datetime
    transaction_id: str
    merchant_id: str | None
    purchase_minor: int | None
    """What a purchase that was not on file came to, as it was told; None of one that was."""
    state: State
    requested_by: str
    requested_at: datetime
    reason: str
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision_reason: str | None = None

    @property
    def redemption_id(self) -> UUID:
        """The redemption that it is about, on record already or not."""
        return derived_id(self.grant_id, self.completion)

    def decided(self, state: State, *, by: str, at: datetime, reason: str) -> "Correction":
        """The correction once decided. Raises SelfApproval when the one who asked decides, Conflict when it was decided before."""
        if by == self.requested_by:
            raise SelfApproval("A correction is decided by another person than the one who asked for it.")
        if self.state is not State.REQUESTED:
            raise Conflict(f"The correction was {self.state.value} before.")
        return replace(self, state=state, decided_by=by, decided_at=at, decision_reason=reason)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change(trail.Change[State]):
    """One line of a correction's history."""


def completion_to_force(on_record: Mapping[str, Redemption], transaction_id: str, *, sums: bool) -> str:
    """Which completion of a grant to give: the purchase's, or the first number that is not given where purchases add up."""
    if sums:
        return next(number for number in map(str, count(1)) if number not in on_record or not _given(on_record[number]))
    if transaction_id in on_record and _given(on_record[transaction_id]):
        raise Conflict("The purchase has a redemption of this grant already: adjust that one.")
    return transaction_id


def require_adjustable(redemption: Redemption) -> None:
    """Raise Conflict where there is nothing to adjust: a pot refused the redemption, or later history took it back."""
    if redemption.state is Standing.REJECTED:
        raise Conflict("The redemption was refused, so there is nothing to adjust: force it instead.")
    if not _given(redemption):
        raise Conflict("The redemption was taken back by later history, so there is nothing to adjust.")


def require_given(correction: Correction, after: Redemption | None) -> None:
    """Raise Conflict where an approved correction would not be carried out: nothing is left to pay it with, or for."""
    if correction.amount_minor < 0:
        return
    if after is None or after.state is Standing.REVERSED:
        raise Conflict("Nothing of the purchase stands any more.")
    if after.reward_minor < after.wanted_minor:
        reason = after.reason or Reason.BUDGET_EXHAUSTED
        raise Conflict(f"The correction can't be carried out now: {reason.support}", reason=reason.code)


def _given(redemption: Redemption) -> bool:
    """Whether a redemption gives something, or would but for its corrections."""
    return redemption.reward_minor > 0 or redemption.reason is Reason.CORRECTED
