"""The process that decrypts a file: standard input to standard output, and one word on standard error where that fails.

    python -m shared.files.unsealing KEY CERTIFICATE [PASSPHRASE]

All three are files. What comes out is only worth something when the process ends well: a signature is known at the end of a file.
"""

import resource
import sys
from pathlib import Path
from typing import Final

from pysequoia import Cert, PyDecryptor, Tsk, decrypt_file

from shared.kernel.clock import SystemClock

MOST_ADDRESSES: Final = 2 << 30
OUR_KEY, CERTIFICATE, EXPIRED, REVOKED, UNSIGNED, DAMAGED = "our_key", "certificate", "expired", "revoked", "unsigned", "damaged"
UNREADABLE: Final = (OSError, RuntimeError, ValueError)


def unseal(key: str, certificate: str, passphrase: str | None) -> str | None:
    """Decrypt with our key, and require the signature of this certificate. Says what is wrong, None for nothing."""
    try:
        decryptor = _decryptor(key, passphrase)
    except UNREADABLE:
        return OUR_KEY
    try:
        signer = Cert.from_file(certificate)
    except UNREADABLE:
        return CERTIFICATE
    if signer.is_revoked:
        return REVOKED
    if signer.expiration and signer.expiration <= SystemClock().now():
        return EXPIRED
    return _decrypt(decryptor, signer)


def _decryptor(key: str, passphrase: str | None) -> PyDecryptor:
    return Tsk.from_file(key).decryptor(passphrase_in(passphrase))


def passphrase_in(file: str | None) -> str | None:
    """What a file of a passphrase holds; None where there is none."""
    return Path(file).read_text(encoding="utf-8").rstrip("\r\n") if file else None


def _decrypt(decryptor: PyDecryptor, signer: Cert) -> str | None:
    try:
        done = decrypt_file("/dev/stdin", "/dev/stdout", decryptor, store=lambda _ids: [signer])
    except UNREADABLE as error:
        return UNSIGNED if "Signature verification failed" in str(error) else DAMAGED
    return None if done.valid_sigs and all(one.certificate == signer.fingerprint for one in done.valid_sigs) else UNSIGNED


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESSES, MOST_ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # an image of memory would hold the key
    wrong = unseal(sys.argv[1], sys.argv[2], next(iter(sys.argv[3:]), None))
    if wrong:
        sys.exit(wrong)
