"""What callers send and get about merchants, as values and back."""

from events.told import AcquirerAlias, DescriptorAlias, LocationShape, MerchantShape, NetworkAlias
from shared.merchants.descriptors import normalised, plain
from shared.merchants.model import CIRCUMSTANCES, Alias, Location, Merchant, Rung


def shape_of(merchant: Merchant) -> MerchantShape:
    """Show a merchant with all its places and names."""
    locations = [
        LocationShape(location_id=at.location_id, zone=at.zone, country=at.country, region=at.region, city=at.city)
        for at in merchant.locations
    ]
    return MerchantShape(
        merchant_id=merchant.merchant_id,
        name=merchant.name,
        brand=merchant.brand,
        mcc=merchant.mcc,
        locations=locations,
        aliases=[_shown(alias) for alias in merchant.aliases],
    )


def merchant_of(said: MerchantShape) -> Merchant:
    """The merchant that is told of, as a value."""
    return Merchant(
        merchant_id=said.merchant_id,
        name=said.name,
        brand=said.brand,
        mcc=said.mcc,
        locations=tuple(
            Location(location_id=at.location_id, zone=at.zone, country=at.country, region=at.region, city=at.city) for at in said.locations
        ),
        aliases=tuple(_alias(said.merchant_id, alias) for alias in said.aliases),
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
