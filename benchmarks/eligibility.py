"""`POST /v1/eligibility` over HTTP, against a function that only reads the same rows; the load comes from wrk."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median

import httpx

import benchmarks.only_reads
import functions
from benchmarks.place import NOW, Place, place
from benchmarks.result import Result
from shared.kernel.clock import SystemClock
from shared.kernel.ids import OFFER
from shared.platform.local.keys import LocalKeys

CONNECTIONS = 8
PEERS = {"only_reads": "async driver", "reads_in_thread": "same driver in a thread"}
PEER = Path(benchmarks.only_reads.__file__).with_name("main.py")
FUNCTION = Path(functions.__file__).parent / "check_eligibility" / "main.py"
ROUNDS = 6
SECONDS = 3
HISTORY = 4_000
UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
START_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """Answers per second, and the seconds within which 99 of 100 came."""

    per_second: float
    p99: float


def run() -> list[Result]:
    """Measure ours and both peers under the same load, in turns."""
    if not shutil.which("wrk"):
        sys.stderr.write("eligibility: needs wrk (Debian: apt-get install wrk)\n")
        return []
    with place(customers=1_000, budget_minor=10**11, shard=0) as at, tempfile.TemporaryDirectory() as folder, ExitStack() as servers:
        at.redeem(0, at.purchases("h", HISTORY))
        keys = LocalKeys(Path(folder))
        asking = _script(at, keys, Path(folder) / "post.lua")
        environment = {"CLO_DATABASE_URL": at.postgres.app_url(), "CLO_JWKS": str(keys.jwks), "CLO_LOG_LEVEL": "warning"}
        targets = {"check_eligibility": FUNCTION, **dict.fromkeys(PEERS, PEER)}
        urls = {target: servers.enter_context(served(source, target, environment)) for target, source in targets.items()}
        loads = in_turns({target: (url, asking) for target, url in urls.items()}, connections=CONNECTIONS)
    return [result for peer, name in PEERS.items() for result in _results(loads["check_eligibility"], loads[peer], name)]


def _results(ours: Load, theirs: Load, peer: str) -> list[Result]:
    return [
        Result(
            name=f"eligibility, {CONNECTIONS} connections: answers, of a function that only reads, {peer}",
            ours=f"{ours.per_second:,.0f}/s",
            peer=f"{theirs.per_second:,.0f}/s",
            ratio=ours.per_second / theirs.per_second,
            at_least=0.7,
        ),
        Result(
            name=f"eligibility, {CONNECTIONS} connections: p99, of a function that only reads, {peer}",
            ours=f"{ours.p99 * 1000:.1f} ms",
            peer=f"{theirs.p99 * 1000:.1f} ms",
            ratio=ours.p99 / theirs.p99,
            at_most=2.0,
        ),
    ]


def _script(at: Place, keys: LocalKeys, file: Path) -> Path:
    """A wrk script that asks about one customer after the other."""
    purchase = {"at": (NOW + timedelta(days=1)).isoformat(), "currency": "USD", "amount": 2500}
    questions = [
        {
            "customer_id": customer,
            "offer_id": OFFER.render(at.offer_ids[number % len(at.offer_ids)]),
            "purchase": purchase | {"merchant_id": f"shop-{number % len(at.offer_ids)}"},
        }
        for number, customer in enumerate(at.customers)
    ]
    return script(questions, keys, file)


def script(questions: Sequence[object], keys: LocalKeys, file: Path) -> Path:
    """A wrk script that asks one question after the other."""
    token = keys.token("bench", ("eligibility:read",), now=SystemClock().now())
    lines = ",\n".join(f"[[{json.dumps(question)}]]" for question in questions)
    file.write_text(
        f'local bodies = {{\n{lines}\n}}\nlocal at = 0\nwrk.method = "POST"\nwrk.headers["content-type"] = "application/json"\n'
        f'wrk.headers["authorization"] = "Bearer {token}"\n'
        'function request() at = at % #bodies + 1 return wrk.format(nil, "/v1/eligibility", nil, bodies[at]) end\n',
        encoding="utf-8",
    )
    return file


def in_turns(asked: Mapping[str, tuple[str, Path]], *, connections: int) -> dict[str, Load]:
    """The medians of several rounds in which each has its turn at a URL with a script; the first round warms up."""
    rounds = [{name: _load(url, script, connections) for name, (url, script) in asked.items()} for _ in range(ROUNDS + 1)][1:]
    return {name: _median([loads[name] for loads in rounds]) for name in asked}


def _median(loads: Sequence[Load]) -> Load:
    return Load(per_second=median(load.per_second for load in loads), p99=median(load.p99 for load in loads))


def _load(url: str, script: Path, connections: int) -> Load:
    said = _wrk(url, script, connections)
    per_second = re.search(r"Requests/sec:\s+([\d.]+)", said)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", said)
    if not per_second or not p99 or "Non-2xx" in said:
        raise RuntimeError(said)
    return Load(per_second=float(per_second[1]), p99=float(p99[1]) * UNITS[p99[2]])


def _wrk(url: str, script: Path, connections: int) -> str:
    command = [shutil.which("wrk") or "wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency", "-s", str(script), url]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@contextmanager
def served(source: Path, target: str, environment: dict[str, str]) -> Iterator[str]:
    """A function served by a process of its own; its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "benchmarks.serve", str(source), target, str(port)]
    process = subprocess.Popen(command, env=os.environ | environment)
    try:
        _wait(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=1)
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the server did not start")
