"""The main job of the demo, all of it, as a user runs it: how long it takes, and what the platform holds in memory meanwhile."""

import json
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import psutil

from benchmarks.result import Result

GOAL_SECONDS = 180
GOAL_MB = 600
SAMPLE_SECONDS = 0.5
MB = 1_000_000
GROWTH = 1.25


def run() -> list[Result]:
    """Run the demo in a folder of its own and watch the platform's process."""
    with tempfile.TemporaryDirectory(prefix="clo-bench-") as folder:
        command = [sys.executable, "-m", "shared.cli", "demo", "--json", "--data", folder, "--report", str(Path(folder) / "report.html")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        samples: list[int] = []
        ended = threading.Event()
        watch = threading.Thread(target=_watch, args=(process.pid, samples, ended))
        watch.start()
        said, _ = process.communicate()
        ended.set()
        watch.join()
    if process.returncode:
        raise RuntimeError("the demo failed")
    seconds: dict[str, float] = json.loads(said)["main_job_seconds"]
    total = sum(seconds.values())
    slowest = max(seconds, key=lambda name: seconds[name])
    return [
        Result(
            name=f"main job of the demo (slowest: {slowest}, {seconds[slowest] / total:.0%})",
            ours=f"{total:.0f} s",
            peer=f"{GOAL_SECONDS} s",
            ratio=total / GOAL_SECONDS,
            at_most=1.0,
        ),
        Result(
            name="memory of the platform besides PostgreSQL, at most",
            ours=f"{max(samples) / MB:.0f} MB",
            peer=f"{GOAL_MB} MB",
            ratio=max(samples) / MB / GOAL_MB,
            at_most=1.0,
        ),
        Result(
            name="memory, last quarter of the demo over its third",
            ours=f"{_quarter(samples, 3) / MB:.0f} MB",
            peer=f"{_quarter(samples, 2) / MB:.0f} MB",
            ratio=_quarter(samples, 3) / _quarter(samples, 2),
            at_most=GROWTH,
        ),
    ]


def _watch(demo: int, samples: list[int], ended: threading.Event) -> None:
    """Sample the resident bytes of the platform, the demo's child, until the end."""
    while not ended.wait(SAMPLE_SECONDS):
        try:
            samples += [child.memory_info().rss for child in psutil.Process(demo).children() if "up" in child.cmdline()]
        except psutil.NoSuchProcess:
            continue


def _quarter(samples: list[int], number: int) -> float:
    """Median of one quarter of the samples."""
    part = sorted(samples[len(samples) * number // 4 : len(samples) * (number + 1) // 4])
    return float(part[len(part) // 2])
