"""A local platform as a child process: it goes when its parent goes, however that happens."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Final, Self

from shared.cli.options import Bus
from shared.cli.terminal import fail, words

READY_SECONDS: Final = 90.0
STOP_SECONDS: Final = 60.0
PAUSE_SECONDS: Final = 0.1
SHOWN_OF_LOG: Final = 20


class ChildPlatform:
    """`clo up` in a process of its own, on a simulated clock. Its log is `platform.log` in its folder."""

    def __init__(self, data: Path, *, port: int, simulated_from: str, bus: Bus = Bus.EMBEDDED) -> None:
        """Start it; it may be used inside `with`, which waits until it is ready and stops it at the end."""
        data.mkdir(parents=True, exist_ok=True)
        self.base_url = ""
        self.data = data
        self._log = data / "platform.log"
        command = ["up", "--until-stdin-closes", "--port", str(port), "--data", str(data), "--simulated-from", simulated_from]
        command += ["--bus", bus.value]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "shared.cli", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )

    def __enter__(self) -> Self:
        with words.status("Starting the platform ..."):
            self.base_url = self._process.stdout.readline().strip() if self._process.stdout else ""
            if not self._becomes_ready():
                self._stop()
                self._tell_log()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it without a word of warning."""
        self._process.kill()
        self._process.wait()

    def wait(self) -> None:
        """Wait until it ends, or the user has had enough."""
        try:
            self._process.wait()
        except KeyboardInterrupt:
            words.print("Stopping ...")

    def _becomes_ready(self) -> bool:
        import httpx

        deadline = time.monotonic() + READY_SECONDS
        while self.alive() and self.base_url and time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.base_url}/readyz", trust_env=False).is_success:
                    return True
            except httpx.TransportError:
                pass  # it does not listen yet
            time.sleep(PAUSE_SECONDS)
        return False

    def _tell_log(self) -> None:
        last = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-SHOWN_OF_LOG:]
        fail("\n".join([f"The platform did not start. The end of its log, {self._log}:", *last]))

    def _stop(self) -> None:
        """Closing its standard input is the sign to stop."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
