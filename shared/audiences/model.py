"""Customers, segments and grants as values, and what a message about consent changes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Final
from uuid import UUID

ERASED: Final = "was erased; a person who returns needs another id"
"""Why nothing is taken of a customer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Customer:
    """A customer by the bank's own id. Nothing here tells who that is."""

    customer_id: str
    zone: str | None
    attributes: dict[str, object]
    consent: bool
    created_at: datetime
    updated_at: datetime
    erased_at: datetime | None
    """When all that told of the person went."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Consent:
    """That consent was given or withdrawn as of a moment."""

    at: datetime
    given: bool
    recorded_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Holding:
    """That a card was a customer's and of an account, from when until when; an open side is None."""

    card_token: str
    customer_id: str
    account_token: str | None
    card_product: str | None
    valid_from: datetime | None
    valid_to: datetime | None

    def holds_at(self, at: datetime) -> bool:
        """Whether it was so at a moment."""
        return (self.valid_from is None or self.valid_from <= at) and (self.valid_to is None or at < self.valid_to)


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """Whose a card was at a moment."""

    customer_id: str
    account_token: str | None
    card_product: str | None
    passed_on: bool
    """Whether it was somebody else's at another moment."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What is on record about a customer who is sent again: zone, the latest consent, and the one in force at the moment that is sent."""

    zone: str | None
    latest_at: datetime
    latest_given: bool
    before_at: datetime | None
    before_given: bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """What a message about a customer comes to."""

    consent: bool
    """The consent that stands afterwards: the latest by its moment, however late another is told of."""
    recorded: bool
    """Whether the message adds to the history of consent."""
    changed_since: datetime | None
    """From when purchases may be judged otherwise than before; None where none may."""


ALWAYS: Final = datetime.min.replace(tzinfo=UTC)


def effect(standing: Standing | None, *, given: bool, at: datetime, dated: bool, zone: str | None) -> Effect:
    """What a message says that is new. `dated`: the sender told the moment `at`; else it is the present and says only what holds now."""
    if standing is None:
        return Effect(consent=given, recorded=True, changed_since=None)
    other = given != standing.before_given
    recorded = other or (dated and standing.before_at != at)
    consent = given if at >= standing.latest_at else standing.latest_given
    turned = recorded and given != (True if standing.before_given is None else standing.before_given)
    changed_since = ALWAYS if zone != standing.zone else at if turned else None
    return Effect(consent=consent, recorded=recorded, changed_since=changed_since)


class SegmentKind(Enum):
    """How a segment says who belongs."""

    LIST = "list"  # by name
    RULE = "rule"  # by their attributes, as they are when it is asked


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """A named set of customers. `rule` is the rule's JSON and None for a list."""

    segment_id: UUID
    name: str
    kind: SegmentKind
    rule: str | None
    created_by: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Segments resolved to what the database evaluates: lists by id, rules as one jsonpath predicate (None: no rule)."""

    lists_in: tuple[UUID, ...]
    rule_in: str | None
    lists_out: tuple[UUID, ...]
    rule_out: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class VariantSelection:
    """The segments of a variant, resolved likewise."""

    variant: str
    lists: tuple[UUID, ...]
    rule: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """How large an audience is, and what becomes of it in a campaign."""

    customers: int
    without_consent: int
    held_out: int
    undrawn: int
    """With consent and not drawn for the campaign's hold-out yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """An offer given to one customer, once."""

    grant_id: UUID
    offer_id: UUID
    campaign_id: UUID
    customer_id: str
    granted_at: datetime
    activated_at: datetime | None
    revoked_at: datetime | None
    variant: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A grant in a customer's wallet, with what decides whether it can be used now. Amounts in minor units of the campaign's currency."""

    grant: Grant
    zone: str | None
    consent: bool
    completions: int
    redeemed: bool
    """Whether the customer ever had anything of the offer, by any grant, whatever became of it."""
    left_minor: int
    """What the campaign has left to give."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """What is on record about a customer who is to get a grant."""

    consent: bool
    held_out: bool
