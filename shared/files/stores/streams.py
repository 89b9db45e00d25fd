"""Contents cut for their way: parts of any size into blocks of one size, and ranges of an object into a stream."""

import io
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, Final

from shared.kernel.errors import Busy

if TYPE_CHECKING:
    from hashlib import _Hash

    from _typeshed import WriteableBuffer

BLOCK: Final = 8 * 1024 * 1024
"""How much is written and read at a time: a multiple of 256 KiB, as Google asks, and more than the 5 MiB that S3 asks."""
BUFFER: Final = 256 * 1024
MIB: Final = 1024 * 1024
ATTEMPTS: Final = 3


def blocks(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in blocks of BLOCK, and at the end one that is shorter, if need be empty."""
    held = bytearray()
    for part in parts:
        view = memoryview(part)
        while len(held) + len(view) >= BLOCK:
            taken = BLOCK - len(held)
            yield bytes(held) + view[:taken] if held else bytes(view[:taken])
            held.clear()
            view = view[taken:]
        held += view
    yield bytes(held)


def hashed(parts: Iterable[bytes], digest: "_Hash") -> Iterator[bytes]:
    """The same bytes, of which the digest is that of all that went by."""
    for part in parts:
        digest.update(part)
        yield part


def length(start: int, stop: int | None) -> int:
    """How many bytes a range holds, -1 for all there are. Raises ValueError for what is no range."""
    if start < 0 or (stop is not None and stop < start):
        raise ValueError(f"{start} to {stop} is no range")
    return -1 if stop is None else stop - start


def stream(fetch: Callable[[int, int], bytes]) -> BinaryIO:
    """A stream over an object of which `fetch(start, stop)` gives ranges, always of the same generation."""
    return io.BufferedReader(Reading(fetch), BUFFER)


class Reading(io.RawIOBase):
    """What is below such a stream: one block at a time."""

    def __init__(self, fetch: Callable[[int, int], bytes]) -> None:
        """Fetch the first block, so that what can't be read is told at once."""
        super().__init__()
        self._fetch = fetch
        self._fetched = 0
        self._rest = memoryview(b"")
        self._ended = False
        self._advance()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        if not self._rest and not self._ended:
            self._advance()
        wanted = memoryview(buffer)
        taken = min(len(wanted), len(self._rest))
        wanted[:taken] = self._rest[:taken]
        self._rest = self._rest[taken:]
        return taken

    def _advance(self) -> None:
        self._rest = memoryview(b"")
        block = patiently(partial(self._fetch, self._fetched, self._fetched + BLOCK))  # a long stream outlives a connection that breaks
        self._fetched += len(block)
        self._ended = len(block) < BLOCK
        self._rest = memoryview(block)


def ranges(fetch: Callable[[int, int], bytes], size: int) -> BinaryIO:
    """A file over an object of `size` bytes in which one can go to and fro: `fetch(start, stop)` gives ranges of the same generation."""
    return io.BufferedReader(Ranging(fetch, size), BUFFER)


class Ranging(io.RawIOBase):
    """What is below such a file: each read is a range."""

    def __init__(self, fetch: Callable[[int, int], bytes], size: int) -> None:
        super().__init__()
        self._fetch, self._size, self._at = fetch, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        wanted = memoryview(buffer)
        stop = min(self._at + len(wanted), self._size)
        if self._at >= stop:
            return 0
        found = patiently(partial(self._fetch, self._at, stop))
        wanted[: len(found)] = found
        self._at += len(found)
        return len(found)


def patiently(read: Callable[[], bytes]) -> bytes:
    """What is read, tried again where the connection breaks."""
    for _ in range(ATTEMPTS - 1):
        try:
            return read()
        except Busy:
            continue
    return read()


def blocks_of(stream: BinaryIO) -> Iterator[bytes]:
    """What is left of a stream, a MiB at a time."""
    return iter(partial(stream.read, MIB), b"")


def digested(stream: BinaryIO, digest: "_Hash") -> "_Hash":
    """The digest with what is left of a stream taken in."""
    for block in blocks_of(stream):
        digest.update(block)
    return digest
