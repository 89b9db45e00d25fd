"""A file to Kafka with Kafka Connect: each line a record, nothing checked; against batch events of validated records."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Final

import psutil
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import NewTopic

from benchmarks.input import generate, size
from benchmarks.result import Result
from benchmarks.to_kafka import cpu, file_to_kafka
from shared.platform.kafka.straight import StraightToKafka
from shared.platform.kafka.topics import create_topics
from shared.platform.local.java import java
from shared.platform.local.kafka import LocalKafka

ROWS: Final = size("ROWS", 400_000)
FIRST: Final = ROWS // 4
"""So many lines are there when Connect starts: with them it warms up."""
POM: Final = Path(__file__).with_name("connect.pom.xml")
TOPIC: Final = "lines"
MAIN: Final = "org.apache.kafka.connect.cli.ConnectStandalone"
PATIENCE_SECONDS: Final = 600.0
PAUSE_SECONDS: Final = 0.2


def run() -> list[Result]:
    """Processor time of the programs that read the file; the broker's own is not theirs."""
    with tempfile.TemporaryDirectory(prefix="clo-bench-") as name:
        folder = Path(name)
        path = generate(folder / "made", ROWS).path
        broker = LocalKafka(folder / "kafka")
        try:
            create_topics(broker.bootstrap)
            ours = _ours(path, broker.bootstrap)
            theirs = _theirs(path, folder, broker.bootstrap)
        finally:
            broker.stop()
    return [
        Result(
            name="file to Kafka: validated batch events, of Kafka Connect's FileStreamSource that sends each line as it is",
            ours=f"{ours:,.0f} rows/s",
            peer=f"{theirs:,.0f} rows/s",
            ratio=ours / theirs,
            at_least=1,
        )
    ]


def _ours(path: Path, bootstrap: str) -> float:
    outlet = StraightToKafka(bootstrap)
    file_to_kafka(path, outlet)
    used = cpu(lambda: file_to_kafka(path, outlet))
    outlet.close()
    return ROWS / used


def _theirs(path: Path, folder: Path, bootstrap: str) -> float:
    """Rows for a second of Connect's process, once it runs."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(TOPIC, num_partitions=1, replication_factor=1)])
    admin.close()
    followed = folder / "followed.csv"
    with path.open("rb") as lines, followed.open("wb") as file:
        file.writelines(islice(lines, FIRST))
        file.flush()
        with _connect(folder, followed, bootstrap) as process:
            _wait_for(bootstrap, FIRST)
            before = _cpu_of(process)
            shutil.copyfileobj(lines, file)
            file.flush()
            _wait_for(bootstrap, ROWS)
            used = _cpu_of(process) - before
    return (ROWS - FIRST) / used


@contextmanager
def _connect(folder: Path, followed: Path, bootstrap: str) -> Iterator[psutil.Popen]:
    jars = folder / "jars"
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={jars}"]
    subprocess.run(["mvn", "--batch-mode", "--quiet", "--file", str(POM), *goal], check=True)  # noqa: S607  (whichever Maven there is)
    text = "org.apache.kafka.connect.storage.StringConverter"
    worker = {
        "bootstrap.servers": bootstrap,
        "key.converter": text,
        "value.converter": text,
        "offset.storage.file.filename": str(folder / "offsets"),
        "plugin.discovery": "service_load",
        "listeners": "http://127.0.0.1:0",
    }
    source = {"name": TOPIC, "connector.class": "FileStreamSource", "tasks.max": "1", "file": str(followed), "topic": TOPIC}
    files = [_properties(folder / f"{name}.properties", said) for name, said in (("worker", worker), ("source", source))]
    with (folder / "connect.log").open("wb") as log:
        process = psutil.Popen([str(java()), "-Xmx1g", "-cp", f"{jars}/*", MAIN, *files], stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _properties(file: Path, said: dict[str, str]) -> str:
    file.write_text("".join(f"{name}={value}\n" for name, value in said.items()), encoding="utf-8")
    return str(file)


def _wait_for(bootstrap: str, lines: int) -> None:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap)
    place = TopicPartition(TOPIC, 0)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while consumer.end_offsets([place])[place] < lines:
        if time.monotonic() > deadline:
            raise RuntimeError("Connect does not send the lines.")
        time.sleep(PAUSE_SECONDS)
    consumer.close()


def _cpu_of(process: psutil.Popen) -> float:
    used = process.cpu_times()
    return float(used.user) + float(used.system)
