"""Encrypted files (OpenPGP): decrypted as they are read, by a process of its own, and signed by their sender or not taken.

And the way out: encrypted for a partner and signed by us, by a process of its own as well.
"""

import os
import re
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from threading import Thread
from typing import IO, Final

from shared.files.unpacking import FREE_BYTES, MOST_RATIO, Bomb
from shared.kernel.errors import Broken, Invalid

UNSEALING: Final = "shared.files.unsealing"
SEALING: Final = "shared.files.sealing"
MIB: Final = 1 << 20
ENDINGS: Final = (".pgp", ".asc")
ARMORED: Final = re.compile(rb"-----BEGIN PGP MESSAGE-----[ \t]*\r?\n(?:[^\r\n]+\r?\n)*?[ \t]*\r?\n([A-Za-z0-9+/]{4})")
SESSION_KEYS: Final = frozenset({1, 3})
"""Packets that an encrypted message begins with: a session key for somebody's key, or for a passphrase (RFC 9580, 10.3)."""
IS_PACKET, IS_NEW_PACKET = 0x80, 0x40


class NotSealed(Invalid):
    """The file is not encrypted for us and signed by its sender."""

    code = "not_sealed"


WORDS: Final = {
    "expired": "The certificate of its sender has expired.",
    "revoked": "The certificate of its sender was revoked.",
    "unsigned": "The file bears no valid signature of its sender.",
    "packed": "The file is compressed within its encryption: pack it with gzip if at all, and only encrypt it (gpg: --compress-algo none).",
    "weak": "The file is encrypted with a cipher that is broken, or is not protected against changes.",
    "damaged": "The file can't be decrypted: it is damaged, cut off, changed or packed with bzip2, or it is encrypted for another key.",
}


UNUSABLE: Final = {
    "expired": "its certificate has expired",
    "revoked": "its certificate was revoked",
    "certificate": "its certificate can't be read",
    "our_key": "our key, or its passphrase, can't be read",
    "failed": "its certificate has no key to encrypt for, or our key none to sign with",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Keys:
    """Files with what files are decrypted and encrypted with. What is in them is read by the processes that do so alone."""

    key: Path
    """Our secret key."""
    senders: Path
    """A folder of certificates, `<name>.pgp` or `<name>.asc`: whose signature a sender's files must bear, whom a partner's are for."""
    passphrase: Path | None = None
    """Of our key, if it has one."""

    def certificate_of(self, sender: str) -> Path | None:
        """Where the certificate of a sender or partner is; None of one who has none here."""
        return next((path for ending in ENDINGS if (path := self.senders / f"{sender}{ending}").is_file()), None)


def unsealed(blocks: Iterable[bytes], keys: Keys, sender: str) -> Iterator[bytes]:
    """What a file holds, in pieces of at most 1 MiB. Nothing of it may be believed before the last one came without an error.

    Raises NotSealed where the file is not encrypted for us, not whole, or not signed by its sender; Bomb where too much comes of it;
    Broken where our key can't be used.
    """
    certificate = keys.certificate_of(sender)
    if certificate is None:
        raise NotSealed(f"There is no certificate of {sender}.")
    rest = iter(blocks)
    first = next(rest, b"")
    if not _is_encrypted(first):
        raise NotSealed("The file is not encrypted, and its name says that it is.")
    try:
        yield from _through(UNSEALING, keys, certificate, chain([first], rest), _bounded)
    except _SaidError as error:
        raise _error(error.said) from None


def sealed(blocks: Iterable[bytes], keys: Keys, partner: str) -> Iterator[bytes]:
    """The blocks, encrypted for a partner and signed with our key, in pieces of at most 1 MiB: each time other bytes.

    Raises Broken where our key or the partner's certificate can't be used.
    """
    certificate = keys.certificate_of(partner)
    if certificate is None:
        raise Broken(f"There is no certificate of {partner} to encrypt for.")
    try:
        yield from _through(SEALING, keys, certificate, blocks, lambda pieces, _feeder: pieces)
    except _SaidError as error:
        raise Broken(f"Nothing can be encrypted for {partner}: {UNUSABLE.get(error.said, 'the process that encrypts failed')}.") from None


class _SaidError(Exception):
    """The process ended, and said why in a word."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


def _through(
    program: str, keys: Keys, certificate: Path, blocks: Iterable[bytes], checked: "Callable[[Iterator[bytes], _Feeder], Iterable[bytes]]"
) -> Iterator[bytes]:
    """What a program makes of some blocks, in pieces of at most 1 MiB. Nothing of it counts before the last one came without an error."""
    command = [sys.executable, "-m", program, *map(str, filter(None, (keys.key, certificate, keys.passphrase)))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "RUST_BACKTRACE": "0"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:  # fmt: skip
        feeder = _Feeder(process.stdin, blocks)
        feeder.start()
        try:
            yield from checked(iter(partial(_output(process).read, MIB), b""), feeder)
            said = process.stderr.read() if process.stderr else b""
        finally:
            if process.poll() is None and sys.exc_info()[0]:
                process.kill()
            process.wait()
            feeder.join()
    feeder.reraise()
    if process.returncode:
        raise _SaidError(said.decode(errors="replace").strip())


class _Feeder(Thread):
    """Gives the process what it decrypts, and keeps what went wrong on the way."""

    def __init__(self, target: IO[bytes] | None, blocks: Iterable[bytes]) -> None:
        super().__init__(daemon=True)
        self._target, self._blocks = target, blocks
        self._error: Exception | None = None
        self.fed = 0

    def run(self) -> None:
        try:
            for block in self._blocks:
                self.fed += len(block)
                if self._target:
                    self._target.write(block)
        except BrokenPipeError:
            return  # the process has heard enough, and says why
        except Exception as error:  # noqa: BLE001  (raised again by who waits for this thread)
            self._error = error
        finally:
            with suppress(OSError):
                if self._target:
                    self._target.close()

    def reraise(self) -> None:
        """Raise what went wrong with reading the file."""
        if self._error:
            raise self._error


def _bounded(pieces: Iterable[bytes], feeder: _Feeder) -> Iterator[bytes]:
    made = 0
    for piece in pieces:
        made += len(piece)
        if made > FREE_BYTES and made > MOST_RATIO * feeder.fed:
            raise Bomb
        yield piece


def _output(process: "subprocess.Popen[bytes]") -> IO[bytes]:
    if process.stdout is None:
        raise Broken
    return process.stdout


def _error(said: str) -> Invalid | Broken:
    if said in WORDS:
        return NotSealed(WORDS[said])
    return Broken("Encrypted files can't be opened: our key, its passphrase or the sender's certificate can't be read.")


def _is_encrypted(begin: bytes) -> bool:
    """Whether this is the beginning of an encrypted message, and not of one that is only signed."""
    armored = ARMORED.match(begin)
    packet = b64decode(armored[1])[0] if armored else next(iter(begin), 0)
    tag = packet & 0x3F if packet & IS_NEW_PACKET else (packet & 0x3C) >> 2
    return bool(packet & IS_PACKET) and tag in SESSION_KEYS
