"""What systems of the bank tell of merchants and customers, over HTTP or as events: the same items."""

from datetime import datetime
from typing import Annotated, Final, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from shared.kernel.attributes import AttributeName, AttributeValue
from shared.kernel.wire import City, Country, Descriptor, ExternalId, Mcc, Moment, Network, Region, Text, Wire
from shared.kernel.zones import Zone

MOST_MERCHANTS: Final = 1_000
MOST_LOCATIONS: Final = 5_000
MOST_ALIASES: Final = 5_000
MOST_CUSTOMERS: Final = 5_000


class LocationShape(Wire):
    """One place of a merchant."""

    location_id: ExternalId
    zone: Zone | None = None
    country: Country | None = None
    region: Region | None = None
    city: City | None = None


class AliasShape(Wire):
    """What every alias says: from when and until when it holds."""

    valid_from: Moment | None = None
    """Its first moment; always so far where not given."""
    valid_to: Moment | None = None
    """The first moment at which it holds no more; from now on where not given. The same as `valid_from`: it never held."""

    @field_validator("valid_to")
    @classmethod
    def _ends_after_it_begins(cls, valid_to: datetime | None, info: ValidationInfo) -> datetime | None:
        valid_from = info.data.get("valid_from")
        if valid_from and valid_to and valid_to < valid_from:
            raise ValueError("must not be before valid_from")
        return valid_to


class AcquirerAlias(AliasShape):
    """The id that an acquirer gave the merchant: what purchases say as `merchant_id`."""

    kind: Literal["acquirer"]
    merchant_id: ExternalId


class NetworkAlias(AliasShape):
    """The id that a card network gave the merchant."""

    kind: Literal["network"]
    network: Network
    network_merchant_id: ExternalId


class DescriptorAlias(AliasShape):
    """What card statements call the merchant: everywhere, or only with a category or at a place."""

    kind: Literal["descriptor"]
    descriptor: Descriptor
    """In any spelling: it is kept, shown and matched without case, punctuation, numbers of stores and names of facilitators."""
    mcc: Mcc | None = None
    country: Country | None = None
    region: Region | None = None
    city: City | None = None
    location_id: ExternalId | None = None


AnyAlias = Annotated[AcquirerAlias | NetworkAlias | DescriptorAlias, Field(discriminator="kind")]


class MerchantShape(Wire):
    """A merchant with places and other names. Sent again it is brought up to date; places and names that are not sent stay as they are."""

    merchant_id: ExternalId
    name: Text
    brand: Text | None = None
    mcc: Mcc
    locations: Annotated[list[LocationShape], Field(max_length=MOST_LOCATIONS)] = Field(default_factory=list)
    aliases: Annotated[list[AnyAlias], Field(max_length=MOST_ALIASES)] = Field(default_factory=list)
    """A name that is sent again, from the same moment on, takes the place of the one before."""


class MerchantsTold(Wire):
    """Merchants that are new or changed, as a system of the bank tells of them. Bad ones are named, the others taken."""

    merchants: Annotated[list[MerchantShape], Field(min_length=1, max_length=MOST_MERCHANTS)]


class CardShape(Wire):
    """A token that stands for a card, and when it was the customer's; an open side is left out."""

    card_token: ExternalId
    account_token: ExternalId | None = None
    """The account that is charged for it. Customers may share one, each with cards of their own."""
    card_product: ExternalId | None = None
    """The kind of card; what a purchase says of it itself goes first."""
    valid_from: Moment | None = None
    valid_to: Moment | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.valid_from and self.valid_to and self.valid_to <= self.valid_from:
            raise ValueError("valid_to must come after valid_from")
        return self


class CustomerSent(Wire):
    """A customer as the bank knows it, without personal data. Sent again it replaces zone and attributes; cards are added or re-dated."""

    customer_id: ExternalId
    zone: Zone | None = None
    attributes: Annotated[dict[AttributeName, AttributeValue], Field(max_length=100)] = Field(default_factory=dict)
    consent: bool
    consent_at: Moment | None = None
    """Since when the consent stands as told; the present where it is left out. Never in the future."""
    cards: Annotated[list[CardShape], Field(max_length=50)] = Field(default_factory=list)


class CustomersTold(Wire):
    """Customers that are new or changed, and whether they consent, as a system of the bank tells. Bad ones are named, the others taken."""

    customers: Annotated[list[CustomerSent], Field(min_length=1, max_length=MOST_CUSTOMERS)]
    """Where an item tells no `consent_at`, its consent stands as told since the `time` of the event."""
