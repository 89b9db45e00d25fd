"""The real GnuPG, with a home of its own that is thrown away: what banks and partners encrypt, sign, decrypt and verify with.

    python -m tests.gnupg

has it at hand: as root on Debian it is installed where it is missing, elsewhere it is said how to get it.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from shared.platform.local.machine import Lacking, install

PROGRAMS: Final = ("gpg", "gpgconf", "gpg-agent")
SHORT: Final = "/tmp"  # the agent's socket lies in the home, and a socket's path has 107 bytes at most
SECONDS: Final = 60
QUIET: Final = ("--batch", "--no-tty", "--yes", "--trust-model", "always", "--pinentry-mode", "loopback", "--no-options")


class Refused(Exception):
    """GnuPG ended with an error; says what it said."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GnuPG:
    """One home of GnuPG, and what is done there."""

    home: Path
    passphrase: str = ""

    def run(self, *arguments: str, data: bytes = b"") -> bytes:
        """What GnuPG writes. Raises Refused."""
        command = ["gpg", "--homedir", str(self.home), *QUIET, "--passphrase", self.passphrase, *arguments]
        done = subprocess.run(command, input=data, capture_output=True, check=False, timeout=SECONDS)
        if done.returncode:
            raise Refused(done.stderr.decode(errors="replace"))
        return done.stdout

    def key(self, name: str, signs: str = "ed25519", encrypts: str = "cv25519", *options: str, expires: str = "0") -> str:
        """Make a key that signs and one below it that decrypts; its fingerprint."""
        self.run(*options, "--quick-generate-key", name, signs, "sign", expires)
        fingerprint = self.fingerprint(name)
        self.run(*options, "--quick-add-key", fingerprint, encrypts, "encr", expires)
        return fingerprint

    def certificate(self, key: str) -> bytes:
        """The public part of a key."""
        return self.run("--export", key)

    def secret(self, key: str) -> bytes:
        """A secret key, locked with the passphrase if there is one."""
        return self.run("--export-secret-keys", key)

    def revoke(self, key: str) -> None:
        """Revoke a key, with the revocation that GnuPG made beside it."""
        made = (self.home / "openpgp-revocs.d" / f"{key}.rev").read_text(encoding="utf-8")
        self.run("--import", data=made.replace(":-----BEGIN", "-----BEGIN").encode())

    def opened(self, data: bytes) -> tuple[bytes, set[str]]:
        """What an encrypted file holds, and whose good signatures it bears: fingerprints of their keys. Raises Refused."""
        status = self.home / "status"
        plain = self.run("--status-file", str(status), "--decrypt", data=data)
        return plain, set(re.findall(r"VALIDSIG .* (\w{40})$", status.read_text(encoding="utf-8", errors="replace"), re.MULTILINE))

    def fingerprint(self, name: str) -> str:
        """The fingerprint of the key of this name that was made here."""
        told = self.run("--list-secret-keys", "--with-colons", name).decode().splitlines()
        return next(line for line in told if line.startswith("fpr:")).split(":")[9]


@contextmanager
def gnupg(passphrase: str = "") -> Iterator[GnuPG]:
    """A home of GnuPG's own, and no agent left behind. On a machine without GnuPG the test fails and says how to get it."""
    try:
        require()
    except Lacking as lacking:
        pytest.fail(str(lacking))
    with tempfile.TemporaryDirectory(prefix="clo-gpg-", dir=SHORT, ignore_cleanup_errors=True) as folder:
        try:
            yield GnuPG(home=Path(folder), passphrase=passphrase)
        finally:
            subprocess.run(["gpgconf", "--homedir", folder, "--kill", "all"], capture_output=True, check=False, timeout=SECONDS)


def require() -> None:
    """Raise Lacking, which says how to get it, where GnuPG is missing."""
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing:
        raise Lacking(f"GnuPG is missing ({', '.join(missing)}): apt-get install gnupg, or brew install gnupg")


def get() -> None:
    """Have GnuPG at hand; as root on Debian it is installed where it is missing. Raises Lacking if that fails."""
    try:
        require()
    except Lacking:
        install(["gnupg"])
        require()


if __name__ == "__main__":
    try:
        get()
    except Lacking as lacking:
        sys.exit(str(lacking))
