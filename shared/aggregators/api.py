"""What partners send and get about their offers."""

from typing import Annotated, Final, Literal, Self

from pydantic import StringConstraints, model_validator

from shared.eligibility.terms import Terms
from shared.kernel.ids import CampaignId, OfferId
from shared.kernel.wire import ExternalId, Moment, Text, Wire
from shared.offers.api import OfferSummary, VersionView

Partner = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
"""A partner by the name that its files bear."""


class PartnerOffer(Wire):
    """An offer that a partner brings, changes or takes back, by its own name. It goes live only when people of the bank approve it."""

    reference: ExternalId
    """The partner's own name of the offer."""
    action: Literal["create", "update", "withdraw"] = "create"
    campaign_id: CampaignId | None = None
    """The campaign whose budget pays. Of a new offer."""
    name: Text | None = None
    """Of a new offer."""
    terms: Terms | None = None
    """Of a new offer and of an update, which says all of them."""
    reason: Text | None = None
    """Why, for who reviews it."""

    @model_validator(mode="after")
    def _says_what_its_action_needs(self) -> Self:
        said = {name for name in NEEDED["create"] if getattr(self, name) is not None}
        if said != NEEDED[self.action]:
            needed = " and ".join(sorted(NEEDED[self.action])) or "none of campaign_id, name and terms"
            raise ValueError(f"{self.action} says {needed}, and nothing else")
        return self


NEEDED: Final = {"create": {"campaign_id", "name", "terms"}, "update": {"terms"}, "withdraw": set[str]()}


class PartnerOfferView(Wire):
    """Where a partner's offer stands, and what people of the bank said of its newest version."""

    reference: ExternalId
    offer_id: OfferId
    state: str
    version: int
    review: str
    """Of the newest version: draft, in_review, approved, changes_requested or rejected."""
    version_in_force: int | None
    decided_at: Moment | None
    decision_reason: str | None
    """Why it was approved, sent back or rejected; null before it was decided."""

    @classmethod
    def of(cls, reference: str, offer: OfferSummary, newest: VersionView) -> "PartnerOfferView":
        """Show an offer to its partner."""
        return cls(
            reference=reference,
            offer_id=offer.offer_id,
            state=offer.state,
            version=newest.version,
            review=newest.review,
            version_in_force=offer.version_in_force,
            decided_at=newest.decided_at,
            decision_reason=newest.decision_reason,
        )
