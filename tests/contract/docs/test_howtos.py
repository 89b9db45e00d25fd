"""The how-tos do what they say: their commands run, in order, against a platform."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.cli.generate import ROOT
from tests.e2e.process import PlatformProcess, running

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMISE = re.compile(r"# prints: (.+)$", re.MULTILINE)
SECONDS = 120

pytestmark = pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="the pages use curl and a shell")


@pytest.fixture(scope="module")
def platform() -> Iterator[PlatformProcess]:
    with running() as client:
        yield client.platform


def commands(page: str) -> str:
    return "\n".join(BLOCK.findall((ROOT / "docs/howto" / f"{page}.md").read_text(encoding="utf-8")))


def run(page: str, platform: PlatformProcess, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a page's commands with a `clo` that knows the platform's folder."""
    clo = folder / "clo"
    clo.write_text(f'#!/bin/sh\ncd "{ROOT}" && exec "{sys.executable}" -m shared.cli "$@" --data "{platform.folder}"\n')
    clo.chmod(0o755)
    environment = {**os.environ, "CLO": platform.base_url, "PATH": f"{folder}:{os.environ['PATH']}", "no_proxy": "*"}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands(page)],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_pages_run_and_print_what_they_promise(platform: PlatformProcess, tmp_path: Path) -> None:
    """Marketing first: each page goes on from the one before."""
    marketing = run("marketing", platform, tmp_path)
    assert marketing.returncode == 0, marketing.stdout[-2000:] + marketing.stderr
    assert '"spent_minor":245' in marketing.stdout
    for page in ("integrator", "support"):
        done = run(page, platform, tmp_path)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr
        rest = done.stdout
        for promise in PROMISE.findall(commands(page)):
            before, found, rest = rest.partition(promise)
            assert found, f"{promise!r} was not printed; after the last promise came {before[:500]!r}"
