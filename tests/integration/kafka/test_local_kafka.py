"""The real broker in a folder: what it acknowledged is there whatever becomes of it."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from shared.kernel.errors import Refused
from shared.platform.local.kafka import LocalKafka
from tests.e2e.process import wait_until

TOPIC = "told"
RECORDS = [f"record {number}".encode() for number in range(500)]
SECONDS = 60
STUBBORN = {"bootstrap_timeout_ms": SECONDS * 1000, "reconnect_backoff_max_ms": 500}


def make_topic(bootstrap: str) -> None:
    with closing(KafkaAdminClient(bootstrap_servers=bootstrap)) as admin:
        admin.create_topics([NewTopic(TOPIC, num_partitions=1, replication_factor=1)])


def produce(bootstrap: str, records: list[bytes]) -> None:
    """Produce and wait until all are acknowledged."""
    with closing(KafkaProducer(bootstrap_servers=bootstrap, acks="all", **STUBBORN)) as producer:
        for sent in [producer.send(TOPIC, record) for record in records]:
            sent.get(timeout=SECONDS)


def consume(bootstrap: str) -> list[bytes]:
    """All records that the topic holds now."""
    place = TopicPartition(TOPIC, 0)
    with closing(KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")) as consumer:
        consumer.assign([place])
        end = consumer.end_offsets([place])[place]
        found: list[bytes] = []
        while len(found) < end:
            found += [record.value for records in consumer.poll(timeout_ms=1000).values() for record in records]
    return found


def test_records_come_back_in_order_and_outlive_a_stop(own_kafka: LocalKafka, tmp_path: Path) -> None:
    make_topic(own_kafka.bootstrap)
    produce(own_kafka.bootstrap, RECORDS)
    own_kafka.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(own_kafka.bootstrap.partition(":")[2])))

    again = LocalKafka(tmp_path)
    try:
        assert consume(again.bootstrap) == RECORDS
    finally:
        again.stop()


def test_a_killed_broker_comes_back_by_itself_at_the_same_address_with_all_that_it_acknowledged(own_kafka: LocalKafka) -> None:
    own_kafka.keep_alive()
    make_topic(own_kafka.bootstrap)
    produce(own_kafka.bootstrap, RECORDS)
    address = own_kafka.bootstrap
    own_kafka.kill()
    produce(address, [b"after"])
    assert consume(address) == [*RECORDS, b"after"]


def test_a_broker_that_runs_in_the_folder_already_is_taken_over(own_kafka: LocalKafka, tmp_path: Path) -> None:
    make_topic(own_kafka.bootstrap)
    produce(own_kafka.bootstrap, [b"before"])
    taken_over = LocalKafka(tmp_path)
    assert (taken_over.bootstrap, taken_over._process.pid) == (own_kafka.bootstrap, own_kafka._process.pid)
    assert consume(taken_over.bootstrap) == [b"before"]


def test_a_port_that_another_program_has_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(Refused, match=f"Port {port} is taken"):
            LocalKafka(tmp_path, port=port)


@pytest.mark.usefixtures("kafka")  # tells where the machine can't have one
def test_the_command_prints_the_address_and_stops_the_broker_on_ctrl_c(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "shared.cli", "kafka", "up", "--port", "0", "--data", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        make_topic(address)
        os.kill(process.pid, signal.SIGINT)
        words = process.communicate(timeout=SECONDS)[1]
    assert process.returncode == 0, words
    assert "Stopped." in words
    pid = int((tmp_path / "kafka" / "kafka.pid").read_text(encoding="utf-8"))
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), seconds=SECONDS, what="the broker is gone")
