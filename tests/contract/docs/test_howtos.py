"""The how-tos do what they say: their commands run, in order, against a platform."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from events.catalog import BY_TYPE, CATALOG
from events.envelope import Envelope, read_kafka, to_http, to_kafka
from functions.registry import consumers_of
from shared.cli.artefacts import ROOT
from shared.kernel.ids import EVENT
from shared.kernel.shards import shard_of
from shared.platform.kafka.topics import create_topics
from tests.e2e.process import Client, PlatformProcess, running

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMISE = re.compile(r"# prints: (.+)$", re.MULTILINE)
SECONDS = 300

pytestmark = pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="the pages use curl and a shell")


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with running() as client:
        yield client


@pytest.fixture(scope="module")
def platform(client: Client) -> PlatformProcess:
    return client.platform


@pytest.fixture(scope="module")
def marketing(platform: PlatformProcess, tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """The page that the others go on from."""
    return run("marketing", platform, tmp_path_factory.mktemp("marketing"))


def blocks(page: str, language: str = "sh") -> list[str]:
    found = BLOCK.findall((ROOT / "docs/howto" / f"{page}.md").read_text(encoding="utf-8"))
    return [code for written_in, code in found if written_in == language]


def commands(page: str) -> str:
    return "\n".join(blocks(page))


def run(page: str, platform: PlatformProcess, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a page's commands with a `clo` that knows the platform's folder."""
    clo = folder / "clo"
    local = f'case "$1" in generate) ;; *) set -- "$@" --data "{platform.folder}" ;; esac'
    clo.write_text(f'#!/bin/sh\n{local}\ncd "{ROOT}" && exec "{sys.executable}" -m shared.cli "$@"\n')
    clo.chmod(0o755)
    ours = {"CLO": platform.base_url, "CLO_DATA": str(platform.folder), "PATH": f"{folder}:{os.environ['PATH']}", "no_proxy": "*"}
    environment = {**os.environ, **ours}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands(page)],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def hold_to_promises(code: str, printed: str) -> None:
    for promise in PROMISE.findall(code):
        before, found, printed = printed.partition(promise)
        assert found, f"{promise!r} was not printed; after the last promise came {before[:500]!r}"


def test_pages_run_and_print_what_they_promise(
    platform: PlatformProcess, marketing: subprocess.CompletedProcess[str], tmp_path: Path
) -> None:
    """Marketing first: each page goes on from the one before."""
    assert marketing.returncode == 0, marketing.stdout[-2000:] + marketing.stderr
    assert '"spent_minor":245' in marketing.stdout
    for page in ("integrator", "support", "files", "exports", "trial"):
        done = run(page, platform, tmp_path)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr
        hold_to_promises(commands(page), done.stdout)


INWARD: Final = sorted({kind.topic for kind in CATALOG if kind.inward})


def test_python_of_the_page_writes_to_kafka_what_functions_take_and_reads_from_it_what_they_tell(
    kafka: str,
    client: Client,
    marketing: subprocess.CompletedProcess[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert marketing.returncode == 0, marketing.stderr
    monkeypatch.setenv("CLO_KAFKA_BOOTSTRAP", kafka)
    create_topics(kafka)
    *writing, reading = blocks("integrator", "python")
    names: dict[str, Any] = {}
    exec("".join(writing), names)
    assert names["shard_of"]("c-1001") == shard_of("c-1001", names["SHARDS"])
    bring_in(kafka, client)
    assert client.get("/v1/customers/c-1010")["consent"] is False
    client.wait_until_idle()
    bring_out(kafka, client)
    exec(reading, names)
    printed = capsys.readouterr().out
    for promise in PROMISE.findall(reading):
        assert f"{promise}\n" in printed, printed
    assert printed.count("credit c-1001 500 USD") == 1


def bring_in(bootstrap: str, client: Client) -> None:
    """Deliver what lies on the topics that others write, as a source does."""
    with closing(KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)) as consumer:
        places = [TopicPartition(topic, number) for topic in INWARD for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        while any(consumer.position(place) < end for place, end in ends.items()):
            for records in consumer.poll(timeout_ms=200).values():
                for record in records:
                    deliver(client, read_kafka(record.headers, record.key, record.value))


def deliver(client: Client, event: Envelope) -> None:
    headers, body = to_http(event)
    for function in consumers_of(BY_TYPE[event.type].payload):
        answer = client.http.post(f"/events/{function}", content=body, headers=headers)
        assert answer.status_code == 204, answer.text


def bring_out(bootstrap: str, client: Client) -> None:
    """Publish what the platform tells, as its relay does where the bus is Kafka; twice, as may happen."""
    with closing(KafkaProducer(bootstrap_servers=bootstrap)) as producer:
        for topic in ("clo.redemptions", "clo.statement-credits") * 2:
            for told in client.topic(topic):
                headers, value = to_kafka(
                    Envelope(
                        event_id=EVENT.parse(told["id"]),
                        type=told["type"],
                        source="/clo",
                        subject=told["subject"],
                        occurred_at=datetime.fromisoformat(told["time"]),
                        payload=json.dumps(told["data"]).encode(),
                        key=told["key"],
                    )
                )
                producer.send(topic, value, told["key"].encode(), headers)
        producer.flush()
