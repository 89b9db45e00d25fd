"""A later revision of a file takes the place of an earlier one: what that told and the later one tells no more is withdrawn.

What both tell is told again by the later one, in the same words or in others. So only what is gone has to be found: a join of the messages
of each chunk of the earlier revision with those of the later one, part by part, with the memory of two parts.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from events.payloads import MessageNamed, TransactionsWithdrawn
from shared.files.batches import CARD, CUSTOMER
from shared.files.drops import Drop
from shared.kernel.ids import derived_id
from shared.kernel.shards import shard_key, shard_of
from shared.platform.call import Call, Transaction

KEY: Final = ("transaction_id", "kind", "sequence")
NEEDED: Final = (*KEY, CUSTOMER, CARD)
"""The fields of records that matter here."""
MOST_WITHDRAWN: Final = 2_500
"""So many messages in an event: it stays below 900 kB whatever their ids."""


def told_no_more(before: pa.Table, parts: Iterable[pa.Table]) -> pa.Table:
    """What some records (their `NEEDED` fields) told of which none of the later parts tells; parts are read while any such is left."""
    left = _needed(before, NEEDED)
    for part in parts if left.num_rows else ():
        left = left.join(_needed(part, KEY), list(KEY), join_type="left anti")
        if not left.num_rows:
            break
    return left.sort_by([(name, "ascending") for name in KEY])


def publish(call: Call, tx: Transaction, before: Drop, later: Drop, number: int, gone: pa.Table) -> None:
    """Publish what of a chunk is told no more. Published again, they are the same events."""
    for part, (shard, messages) in enumerate(_by_shard(gone, call.shards)):
        told, key = TransactionsWithdrawn(shard=shard, file=later.origin, messages=messages), shard_key(shard)
        event_id = derived_id(before.drop_id, later.drop_id, number, key, part)
        tx.emit(told, subject=key, key=key, event_id=event_id, bulk=True)


def _needed(table: pa.Table, fields: Iterable[str]) -> pa.Table:
    """These fields of records, with what is meant where one is not said."""
    columns = {}
    for name in fields:
        kind = pa.int64() if name == "sequence" else pa.string()
        column = pc.cast(table[name], kind) if name in table.column_names else pa.nulls(table.num_rows, kind)
        columns[name] = pc.fill_null(column, MessageNamed.model_fields[name].default) if name in KEY and column.null_count else column
    return pa.table(columns)


def _by_shard(gone: pa.Table, shards: int) -> Iterator[tuple[int, list[MessageNamed]]]:
    by_shard: dict[int, list[MessageNamed]] = {}
    for row in gone.to_pylist():
        named = MessageNamed(**{name: row[name] for name in KEY})
        by_shard.setdefault(shard_of(row[CUSTOMER] or row[CARD], shards), []).append(named)
    for shard, messages in sorted(by_shard.items()):
        remaining = iter(messages)
        while some := list(islice(remaining, MOST_WITHDRAWN)):
            yield shard, some
