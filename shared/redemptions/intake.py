"""Taking purchases from the bank: the good ones go out as batch events of customer shards, the bad ones are named."""

from typing import Annotated

from events.payloads import MAX_BATCH, Transaction
from shared.platform.batches import BatchAnswer, read_batch
from shared.platform.call import Call
from shared.platform.operations import BodySchema
from shared.redemptions.routing import holders_of, route, send


def post_transactions(call: Call, raw: Annotated[bytes, BodySchema("transactions", Transaction, MAX_BATCH)]) -> BatchAnswer:
    """Take 1 to 5,000 purchases, with or without basket items. What is accepted is safe; it is redeemed a moment later."""
    with call.transaction() as tx:  # claimed before it is read: a repeat costs next to nothing
        batch = read_batch(raw, "transactions", Transaction, MAX_BATCH, id_field="transaction_id")
        messages = [message for _, message in batch.accepted]
        holders = holders_of(tx, (message for message in messages if message.customer_id is None))
        origin = (call.once.source, call.once.key) if call.once else ()
        send(tx, route(messages, holders), call.shards, *origin, bulk=True)
        return tx.answer(BatchAnswer.of(len(messages), batch.rejected), status=207)
