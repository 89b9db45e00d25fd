"""What channels send and get about a customer's offers."""

from typing import Annotated, Literal

from pydantic import Field

from events.payloads import ChannelName
from shared.eligibility.terms import Content, Qualification, Reward
from shared.kernel.ids import CampaignId, GrantId, OfferId
from shared.kernel.wire import Currency, Image, Language, Moment, ReasonView, Wire

MOST_OFFERS = 500


class WalletQuery(Wire):
    """Where the offers are to be shown, in which language, and how many. `after` is the last grant of the page before."""

    channel: ChannelName | None = None
    language: Language | None = None
    limit: Annotated[int, Field(ge=1, le=MOST_OFFERS)] = 100
    after: GrantId | None = None


class Shown(Wire):
    """What a customer reads and sees on one channel."""

    channel: ChannelName
    language: str
    title: str
    text: str
    terms: str | None
    images: list[Image]

    @classmethod
    def of(cls, content: Content) -> "Shown":
        """Show an offer's words and images."""
        return cls(channel=content.channel.value, **{name: getattr(content, name) for name in cls.model_fields.keys() - {"channel"}})


class WalletOffer(Wire):
    """One grant that can be used now."""

    grant_id: GrantId
    offer_id: OfferId
    campaign_id: CampaignId
    version: int
    variant: str | None
    """By whose terms, where a variant's; reward, qualification and content are as these have them."""
    state: Literal["granted", "activated", "completed"]
    """Completed, yet listed: it can be completed again."""
    completions: int
    granted_at: Moment
    activated_at: Moment | None
    expires_at: Moment
    """The first moment at which it can't be used any more."""
    activation: Literal["automatic", "required"]
    currency: Currency
    reward: Reward
    qualification: Qualification
    content: list[Shown]
    used_up: list[ReasonView]
    """What of the offer is used up, so that a purchase made now earns nothing: what the customer may have of it in a period, the day's or
    the month's budget, and of an offer that was activated whatever else it has. Empty where nothing is."""
    pays_again_at: Moment | None
    """From when on time alone brings more of all that is used up; None where nothing is, or only what is given back would change it."""


class WalletOffers(Wire):
    """What a customer can use now, newest grant first."""

    offers: list[WalletOffer]


class Activation(Wire):
    """That a customer activated an offer, at the moment it happened; the present where it is left out."""

    at: Moment | None = None


class Activated(Wire):
    """The activation that holds: the earliest that was told of."""

    grant_id: GrantId
    offer_id: OfferId
    activated_at: Moment
