"""Programs that this machine has or lacks: as root on Debian they are installed, elsewhere it is said how to get them."""

import os
import shutil
import subprocess
from collections.abc import Collection, Mapping
from typing import Final

from shared.kernel.errors import Broken

INSTALL_SECONDS: Final = 600
SHOWN_OF_OUTPUT: Final = 20


class Lacking(Broken):
    """The machine lacks a program that is needed."""


def install(packages: Collection[str]) -> None:
    """Install Debian's packages where that is possible: as root, with apt-get. Raises Lacking if it fails."""
    if packages and os.geteuid() == 0 and shutil.which("apt-get"):
        run(["apt-get", "update", "-qq"], seconds=INSTALL_SECONDS)
        run(["apt-get", "install", "-qq", "--yes", "--no-install-recommends", *packages], seconds=INSTALL_SECONDS)


def run(command: list[str], *, seconds: float, environment: Mapping[str, str] | None = None) -> None:
    """Run a program to its end. Raises Lacking with the end of what it said if it fails."""
    done = subprocess.run(
        command,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )
    if done.returncode:
        said = "\n".join(done.stdout.splitlines()[-SHOWN_OF_OUTPUT:])
        raise Lacking(f"{' '.join(command[:3])} failed with exit code {done.returncode}:\n{said}")
