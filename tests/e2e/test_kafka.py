"""A platform on Kafka as a stranger sees it: the same in effect as on the embedded bus, whatever is killed on the way."""

import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from tests.e2e.process import Client, PlatformProcess, running, wait_until
from tests.e2e.scene import WHY, Scene
from tests.e2e.test_real_kills import BACK_SECONDS, BATCH, BATCHES, Work


@pytest.fixture(scope="module")
def on_kafka() -> Iterator[Client]:
    """A platform with a broker of its own."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("CLO_KAFKA_BOOTSTRAP", raising=False)
        with running("--bus", "kafka") as client:
            yield client


@pytest.fixture(scope="module")
def undisturbed(client: Client) -> dict[str, Any]:
    """What the input comes to on the embedded bus when nothing happens."""
    work = Work(Scene(client, "calm-embedded"))
    work.run()
    return work.state()


def _broker(platform: PlatformProcess) -> int:
    """The id of its broker's process; 0 where none runs just now."""
    try:
        number = int((platform.folder / "kafka" / "kafka.pid").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return 0
    return number if psutil.pid_exists(number) else 0


def _kill_broker(platform: PlatformProcess) -> None:
    before = _broker(platform)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: _broker(platform) not in (before, 0), seconds=BACK_SECONDS, what=f"Kafka runs again\n{platform.log()}")


def test_a_killed_broker_comes_back_by_itself_and_nothing_is_lost_or_doubled(on_kafka: Client, undisturbed: dict[str, Any]) -> None:
    work = Work(Scene(on_kafka, "broker"))
    work.run(disturb=lambda: _kill_broker(on_kafka.platform))
    assert len(undisturbed["redemptions"]) > BATCHES * BATCH // 2
    assert work.state() == undisturbed


def test_a_killed_platform_goes_on_where_its_topics_are(on_kafka: Client, undisturbed: dict[str, Any]) -> None:
    def kill_and_start() -> None:
        on_kafka.platform.kill()
        on_kafka.platform.start()

    work = Work(Scene(on_kafka, "platform"))
    work.run(disturb=kill_and_start)
    assert work.state() == undisturbed


def test_commands_read_topics_where_they_are(on_kafka: Client) -> None:
    scene = Scene(on_kafka, "topics")
    campaign_id = scene.draft()
    on_kafka.post(f"/v1/campaigns/{campaign_id}/cancel", WHY)
    on_kafka.wait_until_idle()
    read = on_kafka.platform.clo("topics", "read", "clo.campaigns")
    events = [json.loads(line) for line in read.stdout.splitlines()]
    assert [e["type"] for e in events if e["data"]["campaign_id"] == campaign_id] == ["clo.campaign.ended.v1"]
    place = read.stderr.strip().rpartition(" ")[2].rstrip(".")
    assert on_kafka.platform.clo("topics", "read", "clo.campaigns", "--after", place).stdout == ""
    missing = on_kafka.platform.clo("topics", "read", "no-such-topic")
    assert (missing.returncode, missing.stdout) == (1, "")
