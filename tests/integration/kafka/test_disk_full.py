"""A broker whose disk is full stops; what it acknowledged is there, what it did not is sent again when there is room."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

import psutil
import pytest
from structlog.testing import capture_logs

from shared.platform.database import Database
from shared.platform.kafka import straight
from shared.platform.kafka.producer import Addressed
from shared.platform.kafka.straight import StraightToKafka
from shared.platform.local.kafka import LocalKafka
from shared.platform.local.postgres import EmbeddedPostgres
from tests.conftest import MakeCall, start_kafka
from tests.integration.kafka.conftest import make_topic, read_all
from tests.integration.kafka.test_kills import PATIENCE_SECONDS, emit, in_order, post, subjects
from tests.integration.kafka.test_publisher import outbox, publishing
from tests.integration.kafka.test_source import came, delivering
from tests.integration.platform.conftest import wait_until
from tests.integration.platform.receiver import Receiver

ROOM: Final = 20_000
MANY: Final = 60
"""Events of each key, which need more room than that."""


class Cramped(LocalKafka):
    """A broker none of whose files may grow beyond a limit: to it that is a disk without room, and needs no rights."""

    limit = psutil.RLIM_INFINITY if sys.platform == "linux" else 0

    def fill(self) -> None:
        """Leave little room from now on, also to the broker that takes its place."""
        self.limit = ROOM + max(file.stat().st_size for file in (self._folder / "log").rglob("*.log"))
        self._bound()

    def make_room(self) -> None:
        """Let files grow as they like."""
        self.limit = psutil.RLIM_INFINITY
        self._bound()

    def _launch(self) -> psutil.Process:
        process = self._process = super()._launch()
        self._bound()
        return process

    def _bound(self) -> None:
        with suppress(psutil.NoSuchProcess):
            self._process.rlimit(psutil.RLIMIT_FSIZE, (self.limit, psutil.RLIM_INFINITY))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Cramped]:
    if sys.platform != "linux":
        pytest.skip("Only Linux bounds the files of a process that runs already.")
    broker = start_kafka(tmp_path, Cramped)
    broker.keep_alive()
    yield broker
    broker.stop()


def test_a_full_disk_loses_nothing_that_was_acknowledged_and_all_goes_on_when_there_is_room(
    call: MakeCall, database: Database, postgres: EmbeddedPostgres, broker: Cramped, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = make_topic(broker.bootstrap)
    monkeypatch.setattr(straight, "Addressed", lambda **given: Addressed(**given | {"topic": topic}))
    outlet = StraightToKafka(broker.bootstrap)

    def told(event: str) -> list[str]:
        return [str(line.get("detail")) for line in log if line["event"] == event]

    with ExitStack() as stack:
        stack.callback(outlet.close)
        log = stack.enter_context(capture_logs())
        stack.enter_context(publishing(postgres, broker.bootstrap))
        stack.enter_context(delivering(broker.bootstrap, topic, receiver))
        posting = stack.enter_context(ThreadPoolExecutor(4))
        stack.callback(broker.make_room)  # who posts goes on until there is room, also where the test has failed
        emit(call, topic, range(10))
        wait_until(came(receiver, *subjects(10)), seconds=PATIENCE_SECONDS)
        broker.fill()
        posted = [posting.submit(post, call, outlet, number) for number in range(MANY)]
        emit(call, topic, range(10, MANY))
        wait_until(lambda: outbox(database) and told("Kafka is waited for"), seconds=PATIENCE_SECONDS)
        wait_until(lambda: any("File too large" in why for why in told("Kafka died; starting it again")), seconds=PATIENCE_SECONDS)
        assert not all(each.done() for each in posted)
        broker.make_room()
        for each in posted:
            each.result()
        wait_until(lambda: not outbox(database), seconds=PATIENCE_SECONDS)
        everything = {*subjects(MANY), *subjects(MANY, "straight ")}
        wait_until(came(receiver, *everything), seconds=PATIENCE_SECONDS)
    assert {event.subject for event in read_all(broker.bootstrap, topic)} == everything
    assert in_order([subject for _, subject, _ in receiver.came if not subject.startswith("straight")])
