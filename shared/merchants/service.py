"""The use cases of merchants, and what other areas may ask of them."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Annotated, Final

from shared.kernel.wire import ExternalId
from shared.merchants import store
from shared.merchants.api import LocationShape, MerchantShape
from shared.merchants.model import Location, Merchant, Place
from shared.platform.batches import BatchAnswer, Rejected, read_batch
from shared.platform.call import Call, Transaction
from shared.platform.operations import BodySchema

MOST_MERCHANTS: Final = 1_000


def put_merchants(call: Call, raw: Annotated[bytes, BodySchema("merchants", MerchantShape, MOST_MERCHANTS)]) -> BatchAnswer:
    """Take merchants with their places, new or changed: `{"merchants": [...]}`, 1 to 1,000. Bad ones are named, the others taken."""
    batch = read_batch(raw, "merchants", MerchantShape, MOST_MERCHANTS, id_field="merchant_id")
    merchants, repeated = _without_repeats(batch.accepted)
    with call.transaction() as tx:
        if merchants:
            store.put(tx, merchants)
        return tx.answer(BatchAnswer.of(len(merchants), [*batch.rejected, *repeated]))


def get_merchant(call: Call, merchant_id: ExternalId) -> MerchantShape:
    """One merchant with all its places."""
    with call.reading() as tx:
        return MerchantShape.of(store.read(tx, merchant_id))


def places(tx: Transaction, location_ids: Collection[str]) -> dict[str, Place]:
    """Zone, merchant, category, brand, country and region of those locations that are known; one statement, for areas with purchases."""
    return store.places(tx, location_ids)


def brands(tx: Transaction, merchant_ids: Collection[str]) -> dict[str, str]:
    """The brand of each of these merchants that has one, in one statement; for purchases whose location is not known."""
    return store.brands(tx, merchant_ids)


def _without_repeats(accepted: Sequence[tuple[int, MerchantShape]]) -> tuple[list[Merchant], list[Rejected]]:
    """Each merchant and each place once: an item that names one again is refused whole."""
    merchants, rejected = [], []
    seen: set[tuple[str, str]] = set()
    for index, item in accepted:
        ids = Counter([("merchant", item.merchant_id), *(("location", at.location_id) for at in item.locations)])
        repeated = next((key for key, times in ids.items() if times > 1 or key in seen), None)
        if repeated:
            message = f"the {repeated[0]} {repeated[1]} is in the batch twice"
            rejected.append(Rejected.because(index, item.merchant_id, f"/merchants/{index}", message))
        else:
            seen |= ids.keys()
            merchants.append(_merchant(item))
    return merchants, rejected


def _merchant(item: MerchantShape) -> Merchant:
    return Merchant(
        merchant_id=item.merchant_id,
        name=item.name,
        brand=item.brand,
        mcc=item.mcc,
        locations=tuple(map(_location, item.locations)),
    )


def _location(at: LocationShape) -> Location:
    return Location(location_id=at.location_id, zone=at.zone, country=at.country, region=at.region)
