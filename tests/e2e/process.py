"""A local platform as a stranger sees it: a process that is started, killed and asked over HTTP."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from shared.kernel.clock import SystemClock
from shared.platform.local.keys import LocalKeys, all_scopes

START_SECONDS: Final = 180.0
STOP_SECONDS: Final = 180.0
IDLE_SECONDS: Final = 180.0
PATIENCE_SECONDS: Final = 180.0
PAUSE_SECONDS: Final = 0.05
LOG_SHOWN: Final = 1_500

MARKETING, CHECKER, BANK = "maya", "omar", "bank"


def wait_until(holds: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Look again and again until something holds; fail when it takes too long."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(PAUSE_SECONDS)


class PlatformProcess:
    """`clo up` in a folder of its own, as a child process that goes when this one goes."""

    def __init__(self, folder: Path, *options: str) -> None:
        """Give it a place; nothing is started yet."""
        self.folder = folder
        self._options = options
        self._port = 0
        self.base_url = ""
        self._log = folder / "platform.log"
        folder.mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        """Start it on a free port and wait until it is ready; later starts keep the port."""
        command = [sys.executable, "-m", "shared.cli", "up", "--until-stdin-closes", "--port", str(self._port), "--data", str(self.folder)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *self._options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self._process.stdout is not None
        self.base_url = self._process.stdout.readline().strip()
        assert self.base_url, self.log()
        self._port = int(self.base_url.rpartition(":")[2])
        wait_until(self._is_ready, seconds=START_SECONDS, what=f"ready\n{self.log()}")

    def kill(self) -> None:
        """End it as a crash of the machine's would: no word of warning. Its PostgreSQL runs on."""
        self._process.kill()
        self._reap()

    def postmaster(self) -> int:
        """The id of its PostgreSQL's first process; 0 where it has none just now."""
        try:
            return int((self.folder / "postgres" / "postmaster.pid").read_text(encoding="utf-8").partition("\n")[0])
        except (FileNotFoundError, ValueError):
            return 0

    def kill_postgres(self) -> None:
        """End its PostgreSQL's first process without a word of warning."""
        os.kill(self.postmaster(), signal.SIGKILL)

    def stop(self) -> None:
        """Let it stop in order; PostgreSQL stops with it."""
        if self._process.poll() is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
        self._reap()

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-LOG_SHOWN:]

    def token(self, subject: str, *scopes: str) -> str:
        return LocalKeys(self.folder / "keys").token(subject, scopes or all_scopes(), now=SystemClock().now())

    def clo(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of `clo` on this platform's folder."""
        return subprocess.run(
            [sys.executable, "-m", "shared.cli", *arguments, "--data", str(self.folder)], capture_output=True, text=True, check=False
        )

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, self.log()
        try:
            return httpx.get(f"{self.base_url}/readyz", trust_env=False).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def _reap(self) -> None:
        try:
            self._process.wait(STOP_SECONDS)
        finally:
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream:
                    stream.close()


class Client:
    """Requests to a platform. Usable from several threads."""

    def __init__(self, platform: PlatformProcess) -> None:
        """Speak to a platform by tokens that its own keys sign."""
        self.platform = platform
        self.http = httpx.Client(
            base_url=platform.base_url,
            timeout=60.0,
            trust_env=False,
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=100),
        )
        self._bearer: dict[str, str] = {}

    def bearer(self, who: str) -> dict[str, str]:
        """The header by which somebody who may do everything is known."""
        if who not in self._bearer:
            self._bearer[who] = f"Bearer {self.platform.token(who)}"
        return {"Authorization": self._bearer[who]}

    def send(self, method: str, path: str, *, who: str = MARKETING, key: str | None = None, **parts: Any) -> httpx.Response:
        """One request and whatever is answered."""
        headers = self.bearer(who) | ({"Idempotency-Key": key} if key else {}) | parts.pop("headers", {})
        return self.http.request(method, path, headers=headers, **parts)

    def get(self, path: str, **query: object) -> Any:  # noqa: ANN401
        """The answer to a question that is answered."""
        response = self.send("GET", path, params={name: str(value) for name, value in query.items()})
        assert response.status_code == httpx.codes.OK, response.text
        return response.json()

    def post(self, path: str, body: object, *, who: str = MARKETING, key: str | None = None) -> Any:  # noqa: ANN401
        """The answer to a command that succeeds."""
        response = self.send("POST", path, who=who, key=key, json=body)
        assert response.is_success, f"{path}: {response.status_code} {response.text[:2000]}"
        return response.json()

    def post_stubbornly(self, path: str, body: object, *, key: str) -> Any:  # noqa: ANN401
        """A command sent under its key again and again until it is answered; only "try again" and silence are reasons to."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                response = self.send("POST", path, who=BANK, key=key, json=body)
            except httpx.TransportError:
                pass
            else:
                if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    assert response.is_success, f"{path}: {response.status_code} {response.text[:2000]}\n{self.platform.log()}"
                    return response.json()
            assert time.monotonic() < deadline, f"{path} is not answered\n{self.platform.log()}"
            time.sleep(PAUSE_SECONDS)

    def wait_until_idle(self) -> None:
        """Wait until every event has been delivered; none may have ended as a dead letter."""
        wait_until(self._is_idle, seconds=IDLE_SECONDS, what=f"all events delivered\n{self.platform.log()}")

    def pages(self, path: str, field: str, **query: object) -> Iterator[dict[str, Any]]:
        """All rows of a list, page by page."""
        while True:
            page = self.get(path, **query)
            yield from page[field]
            if not page["next"]:
                return
            query["after"] = page["next"]

    def topic(self, name: str) -> Iterator[dict[str, Any]]:
        """All events that systems outside read of a topic, each once: one that comes again is the same event."""
        after: int | str = 0
        seen: dict[str, dict[str, Any]] = {}
        while True:
            page = self.http.get(f"/local/topics/{name}", params={"after": after}).json()
            yield from (seen.setdefault(event["id"], event) for event in page["events"] if event["id"] not in seen)
            if page["next"] == after:
                return
            after = page["next"]

    def close(self) -> None:
        self.http.close()

    def _is_idle(self) -> bool:
        response = self.http.get("/local/backlog")
        if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            return False
        backlog = response.json()
        assert backlog["dead"] == 0, self.platform.log()
        return bool(backlog["pending"] == 0)


@contextmanager
def running(*options: str) -> Iterator[Client]:
    """A client of a platform of its own; its folder is one that PostgreSQL's own user may enter, and is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="clo-e2e-") as folder:
        platform = PlatformProcess(Path(folder), *options)
        try:
            platform.start()
            client = Client(platform)
            try:
                yield client
            finally:
                client.close()
        finally:
            platform.stop()
