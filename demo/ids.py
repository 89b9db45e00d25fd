"""Ids that follow from the data: a run that was killed and started again speaks of the same things."""

from shared.kernel.ids import CAMPAIGN, OFFER, SEGMENT, derived_id

MERCHANT: str = "complete-journey"


def campaign_id(number: int) -> str:
    """The id of a campaign."""
    return CAMPAIGN.render(derived_id("demo campaign", number))


def segment_id(number: int) -> str:
    """The id of the segment of the households that a campaign was sent to."""
    return SEGMENT.render(derived_id("demo segment", number))


def offer_id(number: int, upc: str) -> str:
    """The id of the offer that a coupon became in a campaign."""
    return OFFER.render(derived_id("demo offer", number, upc))
