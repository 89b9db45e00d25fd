"""A file to a real Kafka: batch events of validated records, against the usual consumer's way, a record of its own for each row."""

import csv
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path
from statistics import median
from typing import Any, Final

from confluent_kafka import Producer
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import NewTopic

from benchmarks.files import SHARDS, blocks, transaction
from benchmarks.input import BARE, generate, size
from benchmarks.result import Result
from events.catalog import BY_PAYLOAD
from events.payloads import TransactionsPosted
from shared.files.batches import payloads
from shared.files.frame import way_of
from shared.files.parsing import parse
from shared.files.splitting import Splitter
from shared.kernel.ids import derived_id
from shared.kernel.shards import shard_key
from shared.platform.kafka.straight import StraightToKafka
from shared.platform.kafka.topics import create_topics
from shared.platform.local.kafka import LocalKafka
from shared.platform.outbox import Emitted, Written

ROWS: Final = size("ROWS", 400_000)
ROWS_OF_PEER: Final = ROWS // 10
ROUNDS: Final = 5
TOPIC: Final = BY_PAYLOAD[TransactionsPosted].topic
TOPIC_OF_PEER: Final = "rows"
PARTITIONS: Final = 16
NUMBERS: Final = count()
NO_CONNECTION: Final[Any] = None
"""No transaction has a part in it."""
NOW: Final = datetime(2026, 1, 12, tzinfo=UTC)


def run() -> list[Result]:
    """Processor time of the programs; the broker's own is not theirs."""
    with tempfile.TemporaryDirectory(prefix="clo-bench-") as folder:
        path = generate(Path(folder), ROWS).path
        broker = LocalKafka(Path(folder) / "kafka")
        try:
            return _measure(path, broker.bootstrap)
        finally:
            broker.stop()


def _measure(path: Path, bootstrap: str) -> list[Result]:
    create_topics(bootstrap)
    _make_topic(bootstrap)
    outlet = StraightToKafka(bootstrap)
    events = list(_events(path))
    publish(outlet, events)  # connects, and finds the partitions
    by_row(path, bootstrap, 1_000)
    steps = (
        lambda: file_to_kafka(path, outlet),
        lambda: by_row(path, bootstrap, ROWS_OF_PEER),
        lambda: publish(outlet, events),
    )
    rounds = [[cpu(step) for step in steps] for _ in range(ROUNDS)]
    outlet.close()
    ours, peer, relay = (median(seconds) for seconds in zip(*rounds, strict=True))
    mine, theirs, relayed = ROWS / ours, ROWS_OF_PEER / peer, ROWS / relay
    _check(bootstrap)
    return [
        Result(
            name="file of 26 columns to batch events on Kafka, of csv module, pydantic per row, confluent-kafka per row",
            ours=f"{mine:,.0f} rows/s",
            peer=f"{theirs:,.0f} rows/s",
            ratio=mine / theirs,
            at_least=10,
        ),
        Result(
            name="batch events to Kafka: million rows for a second of the publishing process",
            ours=f"{relayed:,.0f} rows/s",
            peer="1,000,000 rows/s",
            ratio=relayed / 1e6,
            at_least=1,
        ),
    ]


def file_to_kafka(path: Path, outlet: StraightToKafka) -> None:
    """Cut, read and publish chunk by chunk, each known to be there before the next."""
    splitter = Splitter(layout=BARE)
    for chunk in splitter.split(blocks(path)):
        publish(outlet, list(_of_chunk(splitter, chunk.data, chunk.first_line)))


def _events(path: Path) -> Iterator[Emitted]:
    splitter = Splitter(layout=BARE)
    for chunk in splitter.split(blocks(path)):
        yield from _of_chunk(splitter, chunk.data, chunk.first_line)


def _of_chunk(splitter: Splitter, data: bytes, first_line: int) -> Iterator[Emitted]:
    parsed = parse(data, way_of(splitter), first_line)
    for payload in payloads(parsed.accepted, SHARDS):
        key = shard_key(payload.shard)
        written = Written(of=TransactionsPosted, json=payload.json)
        yield Emitted(payload=written, subject=key, key=key, event_id=derived_id("bench", next(NUMBERS)), bulk=True)


def publish(outlet: StraightToKafka, events: list[Emitted]) -> None:
    """As a function does that carries bulk events on, which is done when the brokers have acknowledged."""
    outlet(NO_CONNECTION, events, now=NOW, trace=None)


def by_row(path: Path, bootstrap: str, rows: int) -> None:
    """The usual program: each row validated, and sent as a record with its customer as key."""
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 20, "batch.size": 1 << 20})
    failed: list[Any] = []

    def told(error: Any, _message: Any) -> None:  # noqa: ANN401  (the client's)
        if error:
            failed.append(error)

    with path.open(newline="", encoding="utf-8") as file:
        for cells in islice(csv.DictReader(file), rows):
            said = transaction({name: cell for name, cell in cells.items() if cell and name != "record"})
            value = said.model_dump_json(exclude_none=True).encode()
            while True:
                try:
                    producer.produce(TOPIC_OF_PEER, value, key=said.customer_id, on_delivery=told)
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
    producer.flush()
    if failed:
        raise RuntimeError(failed[0])


def _make_topic(bootstrap: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(TOPIC_OF_PEER, num_partitions=PARTITIONS, replication_factor=1)])
    admin.close()


def _check(bootstrap: str) -> None:
    """All that was published is there."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap)
    ends = consumer.end_offsets([TopicPartition(TOPIC_OF_PEER, number) for number in range(PARTITIONS)])
    consumer.close()
    if sum(ends.values()) != 1_000 + ROUNDS * ROWS_OF_PEER:
        raise RuntimeError("Some rows are not on the broker.")


def cpu(work: Callable[[], object]) -> float:
    """Seconds of this process, all of its threads."""
    start = time.process_time()
    work()
    return time.process_time() - start
