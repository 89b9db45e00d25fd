"""A source brings the events of topics to a function, by the contract of a Knative KafkaSource.

A consumer group for each function; partitions side by side, each in order, one POST per event; again with growing pauses; what is
dead goes to the dead-letter sink. An offset is committed after the answer: dying before means to deliver once more, which functions drop.
"""

import base64
import threading
from collections.abc import Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, UnknownTopicOrPartitionError
from kafka.structs import OffsetAndMetadata

from shared.platform.delivery import SUCCESS, Answer, HttpDelivery, Verdict, attempted
from shared.platform.failpoints import Point, reached
from shared.platform.kafka.cluster import RECONNECT_MOST_MS, servers
from shared.platform.kafka.lanes import FULL, Lane
from shared.platform.kafka.records import AsRequest, Record, as_request

LOG: Final = structlog.get_logger("clo.source")
WORKERS: Final = 4
ALL_THAT_CAME: Final = 1 << 30
"""What a poll returns: the client (kafka-python 3.0.12) loses sight of records that it keeps back of a partition that is paused."""
FETCH_BYTES: Final = 8 << 20
PARTITION_BYTES: Final = 1 << 20
"""So much is fetched in one go, of all partitions and of one; a record that is larger comes alone."""
IDLE_MS: Final = 200
BUSY_MS: Final = 10
COMMIT_MS: Final = 5_000
GRACE_SECONDS: Final = 5.0
"""So long deliveries under way may take to end when the source stops; what takes longer is delivered again."""
SESSION_MS: Final = 10_000
HEARTBEAT_MS: Final = 2_000
METADATA_MS: Final = 30_000
PAUSE_SECONDS: Final = 1.0
MOST_ERROR_BYTES: Final = 1024


def group_of(function: str) -> str:
    """The consumer group of a function."""
    return f"clo.{function}"


@dataclass(kw_only=True)
class Source:
    """Delivers the events of topics to a function until it is stopped."""

    function: str
    topics: tuple[str, ...]
    bootstrap: str
    deliver: HttpDelivery
    sink: str
    """The function that keeps dead letters."""
    instance: str | None = None
    """A name that stays over restarts: who comes back under it has its partitions at once. For sources that run once per group."""
    workers: int = WORKERS
    _lanes: dict[TopicPartition, Lane] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Deliver until stopped; a cluster that can't be reached is waited for."""
        with ThreadPoolExecutor(self.workers, thread_name_prefix=f"source-{self.function}") as pool:
            while not self._stop.is_set():
                try:
                    with self._consumer() as consumer:
                        self._deliver_all(consumer, pool)
                except KafkaError as error:
                    LOG.warning("topics not read for now", function=self.function, detail=repr(error))
                    self._stop.wait(PAUSE_SECONDS)

    def stop(self) -> None:
        """Let deliveries under way end and start no more."""
        self._stop.set()

    @contextmanager
    def _consumer(self) -> Iterator[KafkaConsumer]:
        consumer = KafkaConsumer(
            *self.topics,
            bootstrap_servers=servers(self.bootstrap),
            group_id=group_of(self.function),
            group_instance_id=self.instance,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            metadata_max_age_ms=METADATA_MS,
            max_poll_records=ALL_THAT_CAME,
            fetch_max_bytes=FETCH_BYTES,
            max_partition_fetch_bytes=PARTITION_BYTES,
            reconnect_backoff_max_ms=RECONNECT_MOST_MS,
            metrics_enabled=False,
        )
        try:
            if unknown := [
                topic for topic in self.topics if not consumer.partitions_for_topic(topic)
            ]:  # or it could join with nothing to read
                raise UnknownTopicOrPartitionError(unknown)
            yield consumer
        finally:
            _let_go(self._lanes.values())
            self._commit(consumer)
            self._lanes.clear()
            consumer.close(autocommit=False, timeout_ms=COMMIT_MS)

    def _deliver_all(self, consumer: KafkaConsumer, pool: ThreadPoolExecutor) -> None:
        while not self._stop.is_set():
            busy = any(lane.work and not lane.work.done() for lane in self._lanes.values())
            for place, records in consumer.poll(timeout_ms=BUSY_MS if busy else IDLE_MS).items():
                self._lanes.setdefault(place, Lane()).add(map(_record, records))
            self._leave_to_others(consumer.assignment())
            for lane in self._lanes.values():
                if lane.is_due():
                    lane.work = pool.submit(self._deliver_in_order, lane)
            self._commit(consumer)
            _hold_back(self._lanes, consumer)

    def _leave_to_others(self, assigned: AbstractSet[TopicPartition]) -> None:
        """Forget partitions that were taken away; what is under way there is delivered by their next owner too."""
        for place in self._lanes.keys() - assigned:
            self._lanes.pop(place).gone = True

    def _deliver_in_order(self, lane: Lane) -> None:
        """Deliver the records of a lane until one has to wait."""
        while lane.records and not lane.gone and not self._stop.is_set():
            request = as_request(lane.records[0])
            if lane.dead is None and lane.judge(self._answer_to(lane, request)) is Verdict.LATER:
                return
            if lane.dead is not None and not self._bury(lane, lane.dead, request):
                return

    def _answer_to(self, lane: Lane, request: AsRequest) -> Answer:
        answer = attempted(partial(self.deliver.post, self.function, *request), consumer=self.function)
        if answer.status not in SUCCESS:
            LOG.warning("not taken", consumer=self.function, status=answer.status, detail=answer.detail, attempts=lane.attempts + 1)
        return answer

    def _bury(self, lane: Lane, why: Answer, request: AsRequest) -> bool:
        """Bring the first record to the sink; where that fails it is tried again: nothing is passed over."""
        letter = request.saying(error_attributes(self.deliver.address(self.function), why))
        answer = attempted(partial(self.deliver.post, self.sink, *letter), consumer=self.sink)
        if answer.status in SUCCESS:
            lane.done()
            return True
        LOG.error("dead letter not kept yet", consumer=self.function, status=answer.status, detail=answer.detail)
        lane.put_off()
        return False

    def _commit(self, consumer: KafkaConsumer) -> None:
        offsets = {place: offset for place, lane in self._lanes.items() if (offset := lane.uncommitted()) is not None}
        if not offsets:
            return
        reached(Point.OFFSETS_DUE)
        try:
            consumer.commit({place: OffsetAndMetadata(offset, "", -1) for place, offset in offsets.items()}, timeout_ms=COMMIT_MS)
        except KafkaError as error:
            LOG.warning("offsets not committed for now", function=self.function, detail=repr(error))
            return
        reached(Point.OFFSETS_COMMITTED)
        for place, offset in offsets.items():
            self._lanes[place].committed = offset


def error_attributes(destination: str, answer: Answer) -> dict[str, str]:
    """The extension attributes that Knative gives a dead letter (https://knative.dev/docs/eventing/event-delivery/)."""
    said = base64.b64encode(answer.detail.encode()[:MOST_ERROR_BYTES]).decode()
    return {"knativeerrordest": destination, "knativeerrorcode": str(answer.status), "knativeerrordata": said}


def _record(read: object) -> Record:
    return Record(read.topic, read.partition, read.offset, read.timestamp, read.headers, read.key, read.value)  # type: ignore[attr-defined]


def _let_go(lanes: Collection[Lane]) -> None:
    """Begin nothing more, and let what is under way end for a while."""
    for lane in lanes:
        lane.gone = True
    wait([lane.work for lane in lanes if lane.work], timeout=GRACE_SECONDS)


def _hold_back(lanes: Mapping[TopicPartition, Lane], consumer: KafkaConsumer) -> None:
    """Fetch nothing more for lanes that are full, until they have room again."""
    assigned, paused = consumer.assignment(), consumer.paused()
    full = {place for place, lane in lanes.items() if len(lane.records) >= FULL}
    with suppress(KafkaError):
        consumer.pause(*(full & assigned - paused))
        consumer.resume(*(paused - full))
