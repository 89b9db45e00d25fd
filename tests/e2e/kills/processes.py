"""Processes that are started again whenever they are killed, as a cluster does with its pods."""

import re
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

import httpx

from functions.registry import BY_NAME
from tests.e2e.kills.programs import CONTEXT, FUNCTIONS, HOST, Deaths, Place, live
from tests.e2e.process import wait_until

PRELOADED: Final = ("tests.e2e.kills.programs", "shared.platform.kafka.straight", "shared.platform.consume", "shared.platform.letters.sink")
"""With the use cases of the functions: a process is there at once."""
START_SECONDS: Final = 180.0
LOOK_SECONDS: Final = 0.1
SHOWN: Final = 3_000
PEAK: Final = re.compile(r"VmHWM:\s+(\d+) kB")


class Processes:
    """All processes of a place."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.deaths = Deaths(place.programs)
        self.killed: list[str] = []
        """The processes that were killed, as they were."""
        self.broken: list[str] = []
        """Processes that ended in another way: a fault of theirs, or of the test's."""
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._running = {name: self._start(name) for name in place.programs}
        self._watch = threading.Thread(target=self._bring_back)
        self._watch.start()

    def kill(self, program: str) -> None:
        """End a process without a word of warning, wherever it is just now; by the return another has taken its place."""
        noted = self.killed.count(program)
        with self._lock:
            self._running[program].kill()
        wait_until(lambda: self.killed.count(program) > noted, seconds=START_SECONDS, what=f"the death of {program} is noted")

    def ready(self) -> bool:
        """Whether all functions answer."""
        return all(_answers(self.place.ports[name]) for name in FUNCTIONS)

    def peaks(self) -> dict[str, int]:
        """What each process has needed of memory by now, at most, in bytes; where the system tells."""
        with self._lock:
            files = {name: Path(f"/proc/{process.pid}/status") for name, process in self._running.items()}
        told = {name: PEAK.search(_text(file)) for name, file in files.items()}
        return {name: int(match[1]) * 1024 for name, match in told.items() if match}

    def log(self) -> str:
        """The ends of what all of them wrote."""
        texts = {path.name: path.read_text(encoding="utf-8", errors="replace") for path in sorted(self.place.logs.iterdir())}
        return "\n".join(f"--- {name}\n{text[-SHOWN:]}" for name, text in texts.items() if text)

    def stop(self) -> None:
        self._stopping.set()
        self._watch.join()
        for process in self._running.values():
            process.kill()
            process.join()
            process.close()

    def _start(self, program: str) -> BaseProcess:
        process = CONTEXT.Process(target=live, args=(program, self.place, self.deaths), name=program, daemon=True)
        process.start()
        return process

    def _bring_back(self) -> None:
        while not self._stopping.is_set():
            with self._lock:
                dead = [(name, process) for name, process in self._running.items() if not process.is_alive()]
                for name, process in dead:
                    (self.killed if process.exitcode == -signal.SIGKILL else self.broken).append(name)
                    process.close()
                    self._running[name] = self._start(name)
                sentinels = [process.sentinel for process in self._running.values()]
            wait(sentinels, timeout=LOOK_SECONDS)


@contextmanager
def processes(place: Place) -> Iterator[Processes]:
    """All processes of a place at work, each listening on a port of its own."""
    with ExitStack() as held:
        sockets = {name: held.enter_context(socket.create_server((HOST, 0))) for name in FUNCTIONS}
        ports = {name: listener.getsockname()[1] for name, listener in sockets.items()}
    CONTEXT.set_forkserver_preload([*PRELOADED, *(BY_NAME[name].service for name in FUNCTIONS)])
    running = Processes(replace(place, ports=ports))
    try:
        wait_until(lambda: bool(running.broken) or running.ready(), seconds=START_SECONDS, what="all functions run")
        assert not running.broken, running.log()
        yield running
    finally:
        running.stop()


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://{HOST}:{port}/readyz", trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii")
    except OSError:  # it has just died, or there is no such file here
        return ""
