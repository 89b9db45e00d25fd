"""The process that encrypts a file: standard input to standard output, and one word on standard error where that fails.

    python -m shared.files.sealing KEY CERTIFICATE [PASSPHRASE]

All three are files: our secret key, which signs, the certificate of whom it is for, and the passphrase of our key.
"""

import resource
import sys
from typing import Final

from pysequoia import Cert, PySigner, Tsk, encrypt_file

from shared.files.unsealing import CERTIFICATE, EXPIRED, MOST_ADDRESSES, OUR_KEY, REVOKED, UNREADABLE, passphrase_in
from shared.kernel.clock import SystemClock

FAILED: Final = "failed"


def seal(key: str, certificate: str, passphrase: str | None) -> str | None:
    """Encrypt for this certificate, signed with our key. Says what is wrong, None for nothing."""
    try:
        signer = _signer(key, passphrase)
    except UNREADABLE:
        return OUR_KEY
    try:
        recipient = Cert.from_file(certificate)
    except UNREADABLE:
        return CERTIFICATE
    if recipient.is_revoked:
        return REVOKED
    if recipient.expiration and recipient.expiration <= SystemClock().now():
        return EXPIRED
    try:
        encrypt_file("/dev/stdin", "/dev/stdout", recipients=[recipient], signer=signer, armor=False)
    except UNREADABLE:
        return FAILED
    return None


def _signer(key: str, passphrase: str | None) -> PySigner:
    return Tsk.from_file(key).signer(passphrase_in(passphrase))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESSES, MOST_ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # an image of memory would hold the key
    wrong = seal(sys.argv[1], sys.argv[2], next(iter(sys.argv[3:]), None))
    if wrong:
        sys.exit(wrong)
