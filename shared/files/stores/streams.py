"""Contents cut for their way: parts of any size into blocks of one size, and ranges of an object into a stream."""

import io
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, Final

from shared.kernel.errors import Busy

if TYPE_CHECKING:
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
        block = self._patiently(self._fetched, self._fetched + BLOCK)
        self._fetched += len(block)
        self._ended = len(block) < BLOCK
        self._rest = memoryview(block)

    def _patiently(self, start: int, stop: int) -> bytes:
        """A long stream outlives a connection that breaks."""
        for _ in range(ATTEMPTS - 1):
            try:
                return self._fetch(start, stop)
            except Busy:
                continue
        return self._fetch(start, stop)


def blocks_of(stream: BinaryIO) -> Iterator[bytes]:
    """What is left of a stream, a MiB at a time."""
    return iter(partial(stream.read, MIB), b"")
