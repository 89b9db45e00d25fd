"""What callers send and get about customers, segments and grants."""

import json
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from events.told import MOST_CUSTOMERS, CardShape
from shared.audiences.model import Consent, Customer, Grant, Holding, Segment
from shared.audiences.rules import SizedRule
from shared.kernel.attributes import AttributeValue
from shared.kernel.ids import GRANT, CampaignId, GrantId, OfferId, SegmentId
from shared.kernel.wire import BasisPoints, ExternalId, Moment, Text, Wire
from shared.platform.batches import Rejected

MOST_LISTED = 50_000


def shape_of(holding: Holding) -> CardShape:
    """Show a card that a customer held."""
    return CardShape(**{name: getattr(holding, name) for name in CardShape.model_fields})


def held_by(card: CardShape, customer_id: str) -> Holding:
    """What is said of a card, with whose it is."""
    return Holding(customer_id=customer_id, **{name: getattr(card, name) for name in CardShape.model_fields})


class CardSent(CardShape):
    """Whose a card is, of which account, and from when.

    It lasts until `valid_to`, and no longer than until another begins: a card that passes to another customer or account is sent with
    a new `valid_from`, and what went before ends there. The same `valid_from` again corrects what was said, however long ago that was.
    """

    customer_id: ExternalId


class HoldingView(Wire):
    """Whose a card was, from when until when."""

    customer_id: str
    account_token: str | None
    card_product: str | None
    valid_from: Moment | None
    valid_to: Moment | None
    """When it ended: as was said, or because another began."""


class CardView(Wire):
    """A card, and whose it was when, oldest first; no two overlap."""

    card_token: str
    holdings: list[HoldingView]

    @classmethod
    def of(cls, card_token: str, holdings: list[Holding]) -> "CardView":
        """Show a card."""
        shown = [HoldingView(**{name: getattr(holding, name) for name in HoldingView.model_fields}) for holding in holdings]
        return cls(card_token=card_token, holdings=shown)


class ConsentView(Wire):
    """That consent was given or withdrawn as of a moment."""

    at: Moment
    given: bool
    recorded_at: Moment

    @classmethod
    def of(cls, consent: Consent) -> "ConsentView":
        """Show a line of the history."""
        return cls(at=consent.at, given=consent.given, recorded_at=consent.recorded_at)


class CustomerView(Wire):
    """A customer as it is now, with the history of its consent, oldest first."""

    customer_id: str
    zone: str | None
    attributes: dict[str, AttributeValue]
    consent: bool
    consents: list[ConsentView]
    cards: list[CardShape]
    created_at: Moment
    updated_at: Moment
    erased_at: Moment | None
    """When the customer was erased; nothing is taken of it since."""

    @classmethod
    def of(cls, customer: Customer, consents: list[Consent], cards: list[Holding]) -> "CustomerView":
        """Show a customer."""
        return cls(
            customer_id=customer.customer_id,
            zone=customer.zone,
            attributes=customer.attributes,
            consent=customer.consent,
            consents=[ConsentView.of(consent) for consent in consents],
            cards=[shape_of(card) for card in cards],
            created_at=customer.created_at,
            updated_at=customer.updated_at,
            erased_at=customer.erased_at,
        )


class CustomerErased(Wire):
    """That nothing is known of a person any more under this id."""

    customer_id: str
    erased_at: Moment


class NewSegment(Wire):
    """A segment: a list of customers by id (customers not known yet are kept for when they come), or a rule over attributes."""

    segment_id: SegmentId | None = None
    name: Text
    kind: Literal["list", "rule"]
    customers: Annotated[list[ExternalId], Field(min_length=1, max_length=MOST_LISTED)] | None = None
    rule: SizedRule | None = None

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> "NewSegment":
        if (self.customers is not None, self.rule is not None) != (self.kind == "list", self.kind == "rule"):
            raise ValueError("a segment of kind list has customers and no rule; one of kind rule has a rule and no customers")
        return self


class SegmentView(Wire):
    """A segment as it was made."""

    segment_id: SegmentId
    name: str
    kind: Literal["list", "rule"]
    rule: dict[str, Any] | None
    created_by: str
    created_at: Moment

    @classmethod
    def of(cls, segment: Segment) -> "SegmentView":
        """Show a segment."""
        return cls(**_shown(segment))


class SizedSegment(SegmentView):
    """A segment with its size now."""

    customers: int
    """Known customers who belong."""
    unknown: int
    """Ids in the list that are no known customers; they belong once they are."""

    @classmethod
    def sized(cls, segment: Segment, *, customers: int, unknown: int) -> "SizedSegment":
        """Show a segment and its size."""
        return cls(**_shown(segment), customers=customers, unknown=unknown)


class Segments(Wire):
    """Segments, newest first."""

    segments: list[SegmentView]


class MemberSent(Wire):
    """That a customer is in a list from now on, or no more. One who is not known yet is kept for when it comes."""

    segment_id: SegmentId
    customer_id: ExternalId
    action: Literal["add", "remove"] = "add"


class Page(Wire):
    """How much of a list to give."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    offset: Annotated[int, Field(ge=0)] = 0


class AudienceAsked(Wire):
    """An audience to be estimated: members of any segment in and of no segment out, in a campaign or in none."""

    segments_in: Annotated[list[SegmentId], Field(max_length=100)]
    segments_out: Annotated[list[SegmentId], Field(max_length=100)] = Field(default_factory=list)
    campaign_id: CampaignId | None = None
    """Whose hold-out draws count where customers were drawn before."""
    holdout: BasisPoints = 0


class Estimate(Wire):
    """How large an audience is now, and how many grants it would come to."""

    customers: int
    without_consent: int
    held_out: int
    """Drawn before, and expected of those not drawn yet."""
    grants: int


class GrantsAsked(Wire):
    """An offer to be given: to customers by id, or to all of a segment. Each request gives each customer one more grant."""

    offer_id: OfferId
    customers: Annotated[list[ExternalId], Field(min_length=1, max_length=MOST_CUSTOMERS)] | None = None
    segment_id: SegmentId | None = None
    granted_at: Moment | None = None
    """From when purchases count for the grants: the present where it is left out, never in the future."""

    @model_validator(mode="after")
    def _goes_to_somebody(self) -> "GrantsAsked":
        if (self.customers is None) == (self.segment_id is None):
            raise ValueError("must name either customers or a segment_id")
        return self


class GrantSent(Wire):
    """One grant by its sender's own name: given, or taken back. Said again, it changes nothing."""

    reference: ExternalId
    """The sender's name of the grant, or the id `grn_...` of one that was given otherwise."""
    offer_id: OfferId
    customer_id: ExternalId
    action: Literal["grant", "revoke"] = "grant"
    """A grant that is revoked counts for no purchase from now on; what was earned with it before stays."""
    granted_at: Moment | None = None
    """From when purchases count: the present where it is left out, never in the future."""

    @field_validator("reference")
    @classmethod
    def _is_an_id_where_it_looks_like_one(cls, reference: str) -> str:
        if reference.startswith(f"{GRANT.prefix}_"):
            GRANT.parse(reference)
        return reference


class GrantMade(Wire):
    """One grant and whose it is."""

    grant_id: GrantId
    customer_id: str


class GrantsMade(Wire):
    """What became of a request for grants. A segment's grants are counted, and listed by `GET /v1/grants`."""

    granted: int
    granted_at: Moment
    grants: list[GrantMade]
    rejected: list[Rejected]


class GrantsQuery(Wire):
    """Whose grants, or of which offer; at least one of both. `after` is the last grant of the page before."""

    customer_id: ExternalId | None = None
    offer_id: OfferId | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    after: GrantId | None = None

    @model_validator(mode="after")
    def _asks_for_something(self) -> "GrantsQuery":
        if self.customer_id is None and self.offer_id is None:
            raise ValueError("needs a customer_id or an offer_id")
        return self


class GrantView(Wire):
    """A grant as it is now."""

    grant_id: GrantId
    offer_id: OfferId
    campaign_id: CampaignId
    customer_id: str
    granted_at: Moment
    activated_at: Moment | None
    revoked_at: Moment | None
    variant: str | None
    """Of which of the offer's variants it is, drawn by the segments when it was given."""

    @classmethod
    def of(cls, grant: Grant) -> "GrantView":
        """Show a grant."""
        return cls(**{name: getattr(grant, name) for name in cls.model_fields})


class Grants(Wire):
    """Grants in order of their ids."""

    grants: list[GrantView]


def _shown(segment: Segment) -> dict[str, Any]:
    return {
        "segment_id": segment.segment_id,
        "name": segment.name,
        "kind": segment.kind.value,
        "rule": json.loads(segment.rule) if segment.rule else None,
        "created_by": segment.created_by,
        "created_at": segment.created_at,
    }
