"""What callers send and get about offers."""

from typing import Annotated, Any

from pydantic import Field, JsonValue

from shared.eligibility.terms import Terms
from shared.kernel.ids import CampaignId, OfferId
from shared.kernel.wire import Moment, Text, Wire
from shared.offers.diff import Difference
from shared.offers.model import Change, Offer, Version

VersionNumber = Annotated[int, Field(ge=1, lt=1 << 31)]


class NewOffer(Wire):
    """An offer to be designed, with its first terms. Its id may be chosen by the sender."""

    offer_id: OfferId | None = None
    campaign_id: CampaignId
    name: Text
    terms: Terms


class NewVersion(Wire):
    """Other terms for an offer, and why."""

    terms: Terms
    reason: Text = "A new version."


class OfferQuery(Wire):
    """Which offers to list, and how much of the list."""

    campaign_id: CampaignId | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    offset: Annotated[int, Field(ge=0)] = 0


class DiffQuery(Wire):
    """Which versions to compare; the newest with the one before it, where nothing is said."""

    from_version: VersionNumber | None = Field(default=None, alias="from")
    to_version: VersionNumber | None = Field(default=None, alias="to")


class OfferSummary(Wire):
    """An offer as it is now, without its terms."""

    offer_id: OfferId
    campaign_id: CampaignId
    name: str
    state: str
    """Until a version was approved: the review of the newest; then approved, live, withdrawn or ended."""
    review: str
    """Where the newest version is in its review."""
    latest_version: int
    version_in_force: int | None
    """The newest version that was approved."""
    live_at: Moment | None
    withdrawn_at: Moment | None
    created_by: str
    created_at: Moment

    @classmethod
    def of(cls, offer: Offer) -> "OfferSummary":
        """Show an offer."""
        return cls(**_summary(offer))


class OfferView(OfferSummary):
    """An offer as it is now, with the terms of its newest version."""

    terms: Terms

    @classmethod
    def with_terms(cls, offer: Offer, version: Version) -> "OfferView":
        """Show an offer with its newest version."""
        return cls(**_summary(offer), terms=version.terms)


class Offers(Wire):
    """Offers, newest first."""

    offers: list[OfferSummary]


class ValidationRuleView(Wire):
    """One rule that terms are held against when they are saved."""

    name: str
    asks: str


class ValidationRules(Wire):
    """Every rule, in the order in which problems are told."""

    rules: list[ValidationRuleView]


class VersionView(Wire):
    """One version of an offer and what became of it."""

    version: int
    review: str
    terms: Terms
    authors: list[str]
    """Everyone who wrote or submitted it."""
    created_at: Moment
    decided_by: str | None
    decided_at: Moment | None
    decision_reason: str | None

    @classmethod
    def of(cls, version: Version) -> "VersionView":
        """Show a version."""
        return cls(
            version=version.number,
            review=version.review.value,
            terms=version.terms,
            authors=list(version.authors),
            created_at=version.created_at,
            decided_by=version.decided_by,
            decided_at=version.decided_at,
            decision_reason=version.decision_reason,
        )


class Versions(Wire):
    """The versions of an offer, oldest first."""

    versions: list[VersionView]


class DifferenceView(Wire):
    """One place where two versions differ; null where nothing stood."""

    path: str
    """JSON pointer into the terms."""
    before: JsonValue
    after: JsonValue

    @classmethod
    def of(cls, difference: Difference) -> "DifferenceView":
        """Show a difference."""
        return cls(path=difference.path, before=difference.before, after=difference.after)


class Diff(Wire):
    """All that changed in the terms from one version to another."""

    from_version: int
    to_version: int
    differences: list[DifferenceView]


class OfferChangeView(Wire):
    """One line of an offer's audit trail."""

    version: int
    action: str
    from_state: str | None
    to_state: str
    by: str
    at: Moment
    reason: str

    @classmethod
    def of(cls, change: Change) -> "OfferChangeView":
        """Show a change."""
        return cls(**{name: getattr(change, name) for name in cls.model_fields})


class OfferHistory(Wire):
    """Who did what with an offer when and why, oldest first."""

    history: list[OfferChangeView]


def _summary(offer: Offer) -> dict[str, Any]:
    names = (name for name in OfferSummary.model_fields if name not in ("state", "review"))
    return {"state": offer.shown_state().value, "review": offer.review.value, **{name: getattr(offer, name) for name in names}}
