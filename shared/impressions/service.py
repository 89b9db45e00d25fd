"""The use cases of impressions: taken in by the request, counted by the event."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Annotated, Final
from uuid import UUID

from events.payloads import MAX_BATCH, Impression, ImpressionsLogged
from shared.impressions import store
from shared.kernel.ids import derived_id
from shared.kernel.shards import shard_key, shard_of
from shared.platform.batches import Batch, BatchAnswer, Rejected, read_batch
from shared.platform.call import Call, Transaction
from shared.platform.operations import BodySchema

MOST_PER_EVENT: Final = 2_000
"""Impressions of one event: with ids as long as they may be it stays below 900 kB."""


def log_impressions(call: Call, raw: Annotated[bytes, BodySchema("impressions", Impression, MAX_BATCH)]) -> BatchAnswer:
    """Take 1 to 5,000 impressions, `{"impressions": [...]}`: the good ones are on their way to be counted, the bad ones are named.

    Raises Malformed or Invalid where the body as a whole can't be read.
    """
    with call.transaction() as tx:  # claimed before it is read: a repeat costs next to nothing
        batch = read_batch(raw, "impressions", Impression, MAX_BATCH, id_field="impression_id")
        taken, rejected = _of_known_offers(tx, batch)
        for event in _events(taken, call.shards):
            tx.emit(event, subject=shard_key(event.shard), key=shard_key(event.shard), event_id=_event_id(event), bulk=True)
        return tx.answer(BatchAnswer.of(len(taken), rejected), status=207)


def count_impressions(call: Call, payload: ImpressionsLogged) -> None:
    """Store and count the impressions that are new: order and repetition change nothing, and the first content of an id stays."""
    with call.transaction() as tx:
        store.add(tx, payload.impressions)


def _of_known_offers(tx: Transaction, batch: Batch[Impression]) -> tuple[list[Impression], list[Rejected]]:
    known = store.known_offers(tx, {impression.offer_id for _, impression in batch.accepted})
    unknown = [
        Rejected.because(index, impression.impression_id, f"/impressions/{index}/offer_id", "there is no such offer")
        for index, impression in batch.accepted
        if impression.offer_id not in known
    ]
    return [impression for _, impression in batch.accepted if impression.offer_id in known], batch.rejected + unknown


def _events(impressions: Sequence[Impression], shards: int) -> Iterator[ImpressionsLogged]:
    """The impressions by customer shard, in the order they came, in events of a bounded size."""
    by_shard: dict[int, list[Impression]] = defaultdict(list)
    for impression in impressions:
        by_shard[shard_of(impression.customer_id, shards)].append(impression)
    for shard, of_shard in sorted(by_shard.items()):
        for start in range(0, len(of_shard), MOST_PER_EVENT):
            yield ImpressionsLogged(shard=shard, impressions=of_shard[start : start + MOST_PER_EVENT])


def _event_id(event: ImpressionsLogged) -> UUID:
    """What is said again, with or without an Idempotency-Key, is the same event again."""
    return derived_id("impressions", event.model_dump_json())
