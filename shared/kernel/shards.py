"""Customer shards: events about the customers of one shard are handled in order, those of different shards side by side."""

from zlib import crc32


def shard_of(customer_id: str, shards: int) -> int:
    """The shard of a customer, from 0 up to, not including, `shards`: the same on every machine, for the life of a database."""
    return crc32(customer_id.encode()) % shards


def shard_key(shard: int) -> str:
    """The key that orders the events of a shard."""
    return f"shard-{shard}"
