"""The process that decrypts a file: standard input to standard output, and one word on standard error where that fails.

    python -m shared.files.unsealing KEY CERTIFICATE [PASSPHRASE]

All three are files. What comes out is only worth something when the process ends well: a signature is known at the end of a file.
"""

from typing import Final

from pysequoia import Tsk, decrypt_file

from shared.files.openpgp import UNREADABLE, Wrong, certificate_in, run, with_our_key

UNSIGNED, PACKED, WEAK, DAMAGED = "unsigned", "packed", "weak", "damaged"
SAID: Final = (("Signature verification failed", UNSIGNED), ("Unexpected message structure", PACKED), ("Policy rejected", WEAK))
"""What Sequoia says of a message that it won't take; the library tells it in words alone."""


def unseal(key: str, certificate: str, passphrase: str | None) -> None:
    """Decrypt with our key, and require the signature of this certificate. Raises Wrong."""
    decryptor = with_our_key(key, passphrase, Tsk.decryptor)
    signer = certificate_in(certificate)
    try:
        done = decrypt_file("/dev/stdin", "/dev/stdout", decryptor, store=lambda _ids: [signer])
    except UNREADABLE as error:
        raise Wrong(next((word for said, word in SAID if said in str(error)), DAMAGED)) from None
    if not done.valid_sigs or any(one.certificate != signer.fingerprint for one in done.valid_sigs):
        raise Wrong(UNSIGNED)


if __name__ == "__main__":
    run(unseal)
