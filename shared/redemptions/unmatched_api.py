"""What callers ask of refunds that are matched with no purchase, and get."""

from typing import Annotated, Final, Literal

from pydantic import Field

from shared.kernel.wire import Currency, ExternalId, Minor, Moment, Text, Wire

MOST_REFUNDS: Final = 1_000
UnmatchedReason = Literal["no_purchase_to_refund", "refund_above_purchase", "refund_not_ours"]


class UnmatchedQuery(Wire):
    """Which refunds: all that wait for a purchase, or those of one reason; in the order of their ids, after a given one."""

    reason: UnmatchedReason | None = None
    older_than_days: Annotated[int, Field(ge=0, le=3650)] = 0
    """Only those that came at least so long ago."""
    after: ExternalId | None = None
    limit: Annotated[int, Field(ge=1, le=MOST_REFUNDS)] = 100


class MatchAsked(Wire):
    """Which purchase a refund is for, and why that is known."""

    purchase_id: ExternalId
    reason: Text


class CloseAsked(Wire):
    """Why a refund is for no purchase that concerns us."""

    reason: Text


class DecisionView(Wire):
    """What a person decided of a refund."""

    decision: Literal["match", "close"]
    purchase_id: ExternalId | None
    reason: str
    decided_by: str
    decided_at: Moment


class RefundView(Wire):
    """A refund that named no purchase, and what became of it."""

    transaction_id: ExternalId
    customer_id: ExternalId | None
    """Null while its card is nobody's, as far as is known."""
    merchant_id: ExternalId
    card_token: str | None
    at: Moment
    recorded_at: Moment
    amount_minor: Minor
    currency: Currency
    purchase_id: ExternalId | None
    """The purchase that it is for; null while none is known."""
    unmatched: str | None
    """Why it is matched with none."""
    sentence: str | None
    decisions: list[DecisionView]
    """What people decided of it, oldest first."""


class Unmatched(Wire):
    """A page of refunds."""

    refunds: list[RefundView]
    next: ExternalId | None
    """Ask for the page after this refund; null at the end."""


class RefundsWaiting(Wire):
    """Refunds that wait for a purchase for one reason, in one currency."""

    reason: str
    currency: Currency
    refunds: int
    amount_minor: Minor
    oldest_at: Moment


class RefundsLetGo(Wire):
    """Refunds that waited too long for a purchase and were let go, for one reason, in one currency."""

    reason: str
    currency: Currency
    refunds: int
    amount_minor: Minor


class UnmatchedTotals(Wire):
    """How many refunds wait, and how many were let go since the beginning."""

    waiting: list[RefundsWaiting]
    let_go: list[RefundsLetGo]
