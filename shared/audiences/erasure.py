"""The erasure of a customer: what tells of the person goes; what money rests on stays under the id, which means nothing by itself."""

from typing import Final

from shared.audiences import store
from shared.audiences.api import CustomerErased
from shared.audiences.histories import emit_changed
from shared.kernel.shards import shard_of
from shared.kernel.wire import ExternalId
from shared.platform.call import Call
from shared.platform.letters.service import forget_customer
from shared.platform.locks import lock_shards

WHY: Final = "the customer was erased"


def erase_customer(call: Call, customer_id: ExternalId) -> CustomerErased:
    """Erase a customer for good. Attributes, places in lists and consent go, grants are revoked; what was earned before is paid.

    What dead letters say of the person goes too. Purchases from now on earn nothing. Zone, dates of consent, grants, cards, purchases and
    the ledger stay under the id: past and open cashback rests on them. Once more changes nothing.
    """
    with call.transaction() as tx:
        lock_shards(tx, [shard_of(customer_id, call.shards)])
        erased_at = store.customer(tx, customer_id).erased_at
        if erased_at is None:
            erased_at = tx.now
            store.erase(tx, customer_id)
            store.add_consents(tx, [store.ConsentRow(customer_id=customer_id, at=tx.now, given=False)])
            forget_customer(tx, customer_id)
            emit_changed(call, tx, store.changed_pairs(tx, {customer_id: tx.now}), WHY)
        return tx.answer(CustomerErased(customer_id=customer_id, erased_at=erased_at))
