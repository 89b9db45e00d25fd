"""The process that encrypts a file: standard input to standard output, and one word on standard error where that fails.

    python -m shared.files.sealing KEY CERTIFICATE [PASSPHRASE]

All three are files: our secret key, which signs, the certificate of whom it is for, and the passphrase of our key.
"""

from typing import Final

from pysequoia import Tsk, encrypt_file

from shared.files.openpgp import UNREADABLE, Wrong, certificate_in, run, with_our_key

FAILED: Final = "failed"


def seal(key: str, certificate: str, passphrase: str | None) -> None:
    """Encrypt for this certificate, signed with our key. Raises Wrong."""
    signer = with_our_key(key, passphrase, Tsk.signer)
    recipient = certificate_in(certificate)
    try:
        encrypt_file("/dev/stdin", "/dev/stdout", recipients=[recipient], signer=signer, armor=False)
    except UNREADABLE:
        raise Wrong(FAILED) from None


if __name__ == "__main__":
    run(seal)
