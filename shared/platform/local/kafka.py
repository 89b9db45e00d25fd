"""A real Kafka broker in a folder: started when needed, brought back when it dies, stopped when done."""

import re
import socket
import subprocess
import threading
import time
import uuid
from base64 import urlsafe_b64encode
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import psutil
import structlog
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from shared.kernel.errors import Broken, Refused
from shared.platform.local.java import jars, java

LOG: Final = structlog.get_logger("clo.kafka")
HOST: Final = "127.0.0.1"
WATCH_SECONDS: Final = 0.3
PAUSE_SECONDS: Final = 0.1
START_SECONDS: Final = 120.0
STOP_SECONDS: Final = 60.0
RECONNECT_MS: Final = 200
SHOWN_OF_LOG: Final = 20
FAILURE: Final = re.compile(r"^(?:Caused by: )?[\w.$]+(?:Exception|Error): .+$", re.MULTILINE)
MAIN: Final = "kafka.Kafka"
JVM: Final = (
    *("-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"),
    *("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true"),
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)
PROPERTIES: Final = {
    "node.id": "1",
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "offsets.topic.num.partitions": "5",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "5",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    # How long a broker that died keeps its name from the one that takes its place.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "log.cleaner.dedupe.buffer.size": str(8 << 20),
}


class LocalKafka:
    """One Kafka broker, its own controller, in one folder."""

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        """Make the store if it is not there, and start it; a broker that runs in the folder already is taken over.

        Port 0 takes a free one, and the same one as long as it stays free. Raises Refused when another program has the port, Lacking on a
        machine without Java or, the first time, without Maven, and Broken with the end of the log when the broker does not start.
        """
        self._folder = folder.resolve()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._properties = self._folder / "server.properties"
        self._log = self._folder / "kafka.log"
        self._pid = self._folder / "kafka.pid"
        self._stopped = threading.Event()
        self._ending = threading.Lock()
        self._watch: threading.Thread | None = None
        running = self._running()
        self._port = self._port_before() if running else self._choose(port)
        self._process = running or self._launch()
        self._wait_until_it_answers()

    @property
    def bootstrap(self) -> str:
        """Where it listens: what clients take as their bootstrap server."""
        return f"{HOST}:{self._port}"

    def keep_alive(self) -> None:
        """From now on start the broker again whenever it dies."""
        self._watch = threading.Thread(target=self._bring_back, name="kafka-watch", daemon=True)
        self._watch.start()

    def stop(self) -> None:
        """Stop the broker in order."""
        self._stopped.set()
        if self._watch:
            self._watch.join()
        with suppress(psutil.NoSuchProcess):
            self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except psutil.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the broker without a word of warning."""
        with self._ending:  # of two that wait for a process at once, one is told no exit code, and takes it for a process that runs
            with suppress(psutil.NoSuchProcess):
                self._process.kill()
            self._process.wait(STOP_SECONDS)

    def _choose(self, port: int) -> int:
        if port and not _is_free(port):
            raise Refused(f"Port {port} is taken by another program: choose another.")
        before = self._port_before()
        return port or (before if before and _is_free(before) else _free_port())

    def _launch(self) -> psutil.Process:
        """Start the process; it does not answer yet."""
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in self._settings().items()), encoding="utf-8")
        command = [str(java()), *JVM, "-cp", f"{jars()}/*"]
        if not (self._folder / "log" / "meta.properties").exists():
            self._format(command)
        with self._log.open("ab") as log:
            # In a session of its own: ctrl-C is for whoever started it, which stops it when its clients are done.
            process = psutil.Popen(
                [*command, MAIN, str(self._properties)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._pid.write_text(str(process.pid), encoding="utf-8")
        return process

    def _settings(self) -> dict[str, str]:
        place = f"{HOST}:{_free_port()}"
        return PROPERTIES | {
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{place}",
            "controller.quorum.voters": f"1@{place}",
            "log.dirs": str(self._folder / "log"),
        }

    def _format(self, command: list[str]) -> None:
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "--config", str(self._properties)]
        done = subprocess.run([*command, *tool], capture_output=True, text=True, check=False, timeout=START_SECONDS)
        if done.returncode:
            raise Broken(f"Kafka's folder {self._folder} can't be formatted: {(done.stdout + done.stderr).strip()}")

    def _running(self) -> psutil.Process | None:
        """The broker that runs in the folder already, if one does."""
        with suppress(OSError, ValueError, psutil.Error):
            found = psutil.Process(int(self._pid.read_text(encoding="utf-8")))
            if found.cmdline()[-2:] == [MAIN, str(self._properties)]:
                return found
        return None

    def _port_before(self) -> int:
        """The port that the broker had when it was started last; 0 if it never was."""
        with suppress(OSError):
            found = re.search(r"^listeners=PLAINTEXT://[\d.]+:(\d+)", self._properties.read_text(encoding="utf-8"), re.MULTILINE)
            return int(found[1]) if found else 0
        return 0

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers() and not self._stopped.is_set():
            if not _alive(self._process) or time.monotonic() > deadline:
                last = self._written().splitlines()[-SHOWN_OF_LOG:]
                self.kill()
                raise Broken("\n".join([f"Kafka does not start. The end of its log, {self._log}:", *last]))
            time.sleep(PAUSE_SECONDS)

    def _answers(self) -> bool:
        """Whether the broker is there for clients: it is part of its cluster, not only listening."""
        with suppress(OSError, KafkaError):
            socket.create_connection((HOST, self._port), timeout=PAUSE_SECONDS).close()
            # A client that gives up leaves its thread behind, so it may be patient: somebody listens.
            patient = {"bootstrap_timeout_ms": int(START_SECONDS * 1000), "reconnect_backoff_max_ms": RECONNECT_MS}
            with closing(KafkaAdminClient(bootstrap_servers=self.bootstrap, **patient)) as admin:
                return bool(admin.describe_cluster()["brokers"])
        return False

    def _bring_back(self) -> None:
        while not self._stopped.wait(WATCH_SECONDS):
            if not _alive(self._process):
                LOG.warning("Kafka died; starting it again", detail=self._last_failure())
                self.kill()  # nothing is left of it but its exit code
                with suppress(Broken):
                    self._process = self._launch()
                    self._wait_until_it_answers()

    def _written(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def _last_failure(self) -> str | None:
        """What its log says went wrong at last, as that its disk is full; None where it was ended from outside."""
        found = FAILURE.findall(self._written())
        return found[-1] if found else None


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _is_free(port: int) -> bool:
    with suppress(OSError), socket.create_server((HOST, port)):
        return True
    return False


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])
