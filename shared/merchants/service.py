"""The use cases of merchants, and what other areas may ask of them."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated, Final

from events.payloads import MAX_BATCH, PlacesTold
from events.told import MOST_MERCHANTS, MerchantShape
from shared.kernel.wire import ExternalId
from shared.merchants import store
from shared.merchants.api import merchant_of, shape_of
from shared.merchants.ladder import Book, Clues
from shared.merchants.names import Sent, without_conflicts
from shared.platform.batches import BatchAnswer, Rejected, read_batch
from shared.platform.call import Call, Transaction
from shared.platform.operations import BodySchema

KEY: Final = "places"


def put_merchants(call: Call, raw: Annotated[bytes, BodySchema("merchants", MerchantShape, MOST_MERCHANTS)]) -> BatchAnswer:
    """Take merchants, new or changed: `{"merchants": [...]}`, 1 to 1,000. Bad ones are named, the others taken.

    With their places, and with the other names by which purchases tell them. At no moment may two merchants have the same name: one
    that passes from one merchant to another ends there first, in this batch or before.
    """
    batch = read_batch(raw, "merchants", MerchantShape, MOST_MERCHANTS, id_field="merchant_id")
    sent, repeated = _without_repeats(batch.accepted)
    with call.transaction() as tx:
        accepted, taken = _named_alone(tx, sent)
        if accepted:
            _tell(tx, store.put(tx, [one.merchant for one in accepted]))
            tx.bump("merchants")
        return tx.answer(BatchAnswer.of(len(accepted), [*batch.rejected, *repeated, *taken]))


def get_merchant(call: Call, merchant_id: ExternalId) -> MerchantShape:
    """One merchant with all its places and other names."""
    with call.reading() as tx:
        return shape_of(store.read(tx, merchant_id))


def look_up(tx: Transaction, purchases: Collection[Clues], *, as_of: datetime | None = None) -> Book:
    """What is known, or was at a moment, of the merchants and places of purchases, in two statements; for areas with purchases."""
    values = {value for clues in purchases for value in clues.values()}
    return store.book(tx, values, {clues.location_id for clues in purchases if clues.location_id}, as_of)


def _tell(tx: Transaction, location_ids: list[str]) -> None:
    """Let what was bought at places be matched anew of which more is known now."""
    for start in range(0, len(location_ids), MAX_BATCH):
        tx.emit(PlacesTold(location_ids=location_ids[start : start + MAX_BATCH]), subject=KEY, key=KEY)


def _named_alone(tx: Transaction, sent: Sequence[Sent]) -> tuple[Sequence[Sent], list[Rejected]]:
    """The merchants that have no name that another has at the same moment, and the others."""
    values = {alias.found_by for one in sent for alias in one.merchant.aliases}
    return without_conflicts(sent, store.lock_aliases(tx, values)) if values else (sent, [])


def _without_repeats(accepted: Sequence[tuple[int, MerchantShape]]) -> tuple[list[Sent], list[Rejected]]:
    """Each merchant and each place once: an item that names one again is refused whole."""
    sent, rejected = [], []
    seen: set[tuple[str, str]] = set()
    for index, item in accepted:
        ids = Counter([("merchant", item.merchant_id), *(("location", at.location_id) for at in item.locations)])
        repeated = next((key for key, times in ids.items() if times > 1 or key in seen), None)
        if repeated:
            message = f"the {repeated[0]} {repeated[1]} is in the batch twice"
            rejected.append(Rejected.because(index, item.merchant_id, f"/merchants/{index}", message))
        else:
            seen |= ids.keys()
            sent.append(Sent(index, merchant_of(item)))
    return sent, rejected
