"""The use cases of customers: who they are to the bank, what is known of them, and whether they consent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

from events.told import MOST_CUSTOMERS, CustomerSent
from shared.audiences import store
from shared.audiences.api import CustomerView, held_by
from shared.audiences.cards import record
from shared.audiences.histories import emit_changed
from shared.audiences.model import ERASED, Effect, effect
from shared.kernel.shards import shard_of
from shared.kernel.wire import ExternalId
from shared.platform.batches import BatchAnswer, Rejected, read_batch
from shared.platform.call import Call, Transaction
from shared.platform.locks import lock_shards
from shared.platform.operations import BodySchema

WHY: Final = "consent or time zone changed"
Sent = list[tuple[int, CustomerSent]]


def put_customers(call: Call, raw: Annotated[bytes, BodySchema("customers", CustomerSent, MOST_CUSTOMERS)]) -> BatchAnswer:
    """Take customers, new or changed: `{"customers": [...]}`, 1 to 5,000. Bad ones are named, the others taken."""
    batch = read_batch(raw, "customers", CustomerSent, MOST_CUSTOMERS, id_field="customer_id")
    with call.transaction() as tx:
        sent, refused = _fit(batch.accepted, tx.now)
        lock_shards(tx, {shard_of(customer.customer_id, call.shards) for _, customer in sent})
        sent, erased = _not_erased(tx, sent)
        customers = [customer for _, customer in sent]
        if customers:
            _store(call, tx, customers)
        return tx.answer(BatchAnswer.of(len(customers), [*batch.rejected, *refused, *erased]))


def get_customer(call: Call, customer_id: ExternalId) -> CustomerView:
    """One customer with the history of its consent and its cards."""
    with call.reading() as tx:
        return CustomerView.of(store.customer(tx, customer_id), store.consents(tx, customer_id), store.cards(tx, customer_id))


def _store(call: Call, tx: Transaction, customers: Sequence[CustomerSent]) -> None:
    told_at = min(call.told_at or tx.now, tx.now)  # an event that waited says nothing of what came after it
    moments = {customer.customer_id: customer.consent_at or told_at for customer in customers}
    effects = _effects(tx, customers, moments)
    store.put_customers(tx, [_row(call, customer, effects[customer.customer_id]) for customer in customers])
    said = [
        store.ConsentRow(customer_id=customer.customer_id, at=moments[customer.customer_id], given=customer.consent)
        for customer in customers
        if effects[customer.customer_id].recorded
    ]
    if said:
        store.add_consents(tx, said)
    record(tx, [held_by(card, customer.customer_id) for customer in customers for card in customer.cards])
    since = {customer_id: turned.changed_since for customer_id, turned in effects.items() if turned.changed_since}
    if since:
        emit_changed(call, tx, store.changed_pairs(tx, since), WHY)


def _effects(tx: Transaction, customers: Sequence[CustomerSent], moments: dict[str, datetime]) -> dict[str, Effect]:
    standings = store.standings(tx, moments)
    return {
        customer.customer_id: effect(
            standings.get(customer.customer_id),
            given=customer.consent,
            at=moments[customer.customer_id],
            dated=customer.consent_at is not None,
            zone=customer.zone,
        )
        for customer in customers
    }


def _fit(accepted: Sent, now: datetime) -> tuple[Sent, list[Rejected]]:
    """Those that can be stored: no customer and no card twice, no consent from the future."""
    sent: Sent = []
    rejected: list[Rejected] = []
    seen: set[object] = set()
    for index, customer in accepted:
        keys = [customer.customer_id, *((card.card_token, card.valid_from) for card in customer.cards)]
        if customer.consent_at and customer.consent_at > now:
            place, message = "/consent_at", "must not be in the future"
        elif customer.customer_id in seen:
            place, message = "/customer_id", "is in the batch twice"
        elif len(set(keys)) < len(keys) or seen.intersection(keys):
            place, message = "/cards", "hold a card, with the same beginning, that is in the batch twice"
        else:
            sent.append((index, customer))
            seen.update(keys)
            continue
        rejected.append(Rejected.because(index, customer.customer_id, f"/customers/{index}{place}", message))
    return sent, rejected


def _not_erased(tx: Transaction, sent: Sent) -> tuple[Sent, list[Rejected]]:
    """Those who were not erased: that is for good."""
    erased = store.erased(tx, [customer.customer_id for _, customer in sent])
    refused = [
        Rejected.because(index, customer.customer_id, f"/customers/{index}/customer_id", ERASED)
        for index, customer in sent
        if customer.customer_id in erased
    ]
    return [(index, customer) for index, customer in sent if customer.customer_id not in erased], refused


def _row(call: Call, customer: CustomerSent, after: Effect) -> store.CustomerRow:
    return store.CustomerRow(
        customer_id=customer.customer_id,
        shard=shard_of(customer.customer_id, call.shards),
        zone=customer.zone,
        attributes=customer.attributes,
        consent=after.consent,
    )
