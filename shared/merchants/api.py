"""What callers send and get about merchants."""

from typing import Annotated

from pydantic import Field

from shared.eligibility.terms import Mcc
from shared.kernel.wire import Country, ExternalId, Region, Text, Wire
from shared.kernel.zones import Zone
from shared.merchants.model import Merchant

MOST_LOCATIONS = 5_000


class LocationShape(Wire):
    """One place of a merchant."""

    location_id: ExternalId
    zone: Zone | None = None
    country: Country | None = None
    region: Region | None = None


class MerchantShape(Wire):
    """A merchant with places. Sent again it is brought up to date; places that are not sent stay as they are."""

    merchant_id: ExternalId
    name: Text
    brand: Text | None = None
    mcc: Mcc
    locations: Annotated[list[LocationShape], Field(max_length=MOST_LOCATIONS)] = Field(default_factory=list)

    @classmethod
    def of(cls, merchant: Merchant) -> "MerchantShape":
        """Show a merchant with all its places."""
        locations = [
            LocationShape(location_id=at.location_id, zone=at.zone, country=at.country, region=at.region) for at in merchant.locations
        ]
        return cls(merchant_id=merchant.merchant_id, name=merchant.name, brand=merchant.brand, mcc=merchant.mcc, locations=locations)
