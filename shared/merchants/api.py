"""What callers send and get about merchants."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from shared.kernel.wire import City, Country, Descriptor, ExternalId, Mcc, Moment, Network, Region, Text, Wire
from shared.kernel.zones import Zone
from shared.merchants.descriptors import normalised, plain
from shared.merchants.model import CIRCUMSTANCES, Alias, Location, Merchant, Rung

MOST_LOCATIONS = 5_000
MOST_ALIASES = 5_000


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

    @classmethod
    def of(cls, merchant: Merchant) -> "MerchantShape":
        """Show a merchant with all its places and names."""
        locations = [
            LocationShape(location_id=at.location_id, zone=at.zone, country=at.country, region=at.region, city=at.city)
            for at in merchant.locations
        ]
        return cls(
            merchant_id=merchant.merchant_id,
            name=merchant.name,
            brand=merchant.brand,
            mcc=merchant.mcc,
            locations=locations,
            aliases=[_shown(alias) for alias in merchant.aliases],
        )

    def merchant(self) -> Merchant:
        """The merchant as a value."""
        return Merchant(
            merchant_id=self.merchant_id,
            name=self.name,
            brand=self.brand,
            mcc=self.mcc,
            locations=tuple(
                Location(location_id=at.location_id, zone=at.zone, country=at.country, region=at.region, city=at.city)
                for at in self.locations
            ),
            aliases=tuple(_alias(self.merchant_id, said) for said in self.aliases),
        )


def _alias(merchant_id: str, said: AcquirerAlias | NetworkAlias | DescriptorAlias) -> Alias:
    return Alias(
        merchant_id=merchant_id,
        rung=Rung(said.kind),
        value=_value(said),
        network=said.network if isinstance(said, NetworkAlias) else None,
        asks=_circumstances(said) if isinstance(said, DescriptorAlias) else frozenset(),
        valid_from=said.valid_from,
        valid_to=said.valid_to,
    )


def _value(said: AcquirerAlias | NetworkAlias | DescriptorAlias) -> str:
    if isinstance(said, DescriptorAlias):
        return normalised(said.descriptor)
    return said.network_merchant_id if isinstance(said, NetworkAlias) else said.merchant_id


def _circumstances(said: DescriptorAlias) -> frozenset[tuple[str, str]]:
    asked = {name: getattr(said, name) for name in CIRCUMSTANCES} | {"city": plain(said.city) if said.city else None}
    return frozenset((name, wanted) for name, wanted in asked.items() if wanted)


def _shown(alias: Alias) -> AcquirerAlias | NetworkAlias | DescriptorAlias:
    valid_from, valid_to = alias.valid_from, alias.valid_to
    match alias.rung:
        case Rung.NETWORK if alias.network:
            return NetworkAlias(
                kind="network", network=alias.network, network_merchant_id=alias.value, valid_from=valid_from, valid_to=valid_to
            )
        case Rung.DESCRIPTOR:
            return DescriptorAlias(kind="descriptor", descriptor=alias.value, valid_from=valid_from, valid_to=valid_to, **dict(alias.asks))
        case _:
            return AcquirerAlias(kind="acquirer", merchant_id=alias.value, valid_from=valid_from, valid_to=valid_to)
