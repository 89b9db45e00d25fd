"""What the processes share that decrypt and encrypt files: what they read, the words by which they say what is wrong, their limits."""

import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from pysequoia import Cert, Tsk

from shared.kernel.clock import SystemClock

MOST_ADDRESSES: Final = 2 << 30
OUR_KEY, CERTIFICATE, EXPIRED, REVOKED = "our_key", "certificate", "expired", "revoked"
Made = TypeVar("Made")
UNREADABLE: Final = (OSError, RuntimeError, ValueError)


class Wrong(Exception):
    """Something is wrong, in a word."""


def with_our_key(key: str, passphrase: str | None, made: Callable[[Tsk, str | None], Made]) -> Made:
    """What is made of our key and its passphrase, both files. Raises Wrong."""
    try:
        said = Path(passphrase).read_text(encoding="utf-8").rstrip("\r\n") if passphrase else None
        return made(Tsk.from_file(key), said)
    except UNREADABLE:
        raise Wrong(OUR_KEY) from None


def certificate_in(file: str) -> Cert:
    """The certificate of a file, which is in use. Raises Wrong."""
    try:
        certificate = Cert.from_file(file)
    except UNREADABLE:
        raise Wrong(CERTIFICATE) from None
    if certificate.is_revoked:
        raise Wrong(REVOKED)
    if certificate.expiration and certificate.expiration <= SystemClock().now():
        raise Wrong(EXPIRED)
    return certificate


def run(work: Callable[[str, str, str | None], None]) -> None:
    """Do the work of a process whose arguments are key, certificate and perhaps passphrase; end with the word of what is wrong."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESSES, MOST_ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # an image of memory would hold the key
    try:
        work(sys.argv[1], sys.argv[2], next(iter(sys.argv[3:]), None))
    except Wrong as wrong:
        sys.exit(str(wrong))
