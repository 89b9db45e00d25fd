"""A folder as an object store: for a machine of one's own, and for drops that arrive by file transfer."""

import errno
import io
import os
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from fcntl import LOCK_EX, flock
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final
from uuid import uuid4

from shared.files.stores.names import faults, object_name
from shared.files.stores.protocol import Changed, Exists, Stored
from shared.files.stores.streams import length, stream
from shared.kernel.errors import Broken, Busy, NotFound
from shared.platform.failpoints import Point, reached

DRAFTS: Final = ".unfinished"
"""Where objects lie while they are written: below the root, so that a link is all that makes them seen. No object can be named so."""
FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
ABSENT: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENXIO})
PASSING: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ESTALE, errno.EIO, errno.ETIMEDOUT})


class FolderStore:
    """Objects as files below a folder. Links are not followed, so nothing outside is read or written; what is hidden is not seen.

    A generation is the file's inode, time of change and size. Others put files here by renaming them; one that is written in place
    gets a new generation with each change.
    """

    def __init__(self, root: Path) -> None:
        """Keep objects below `root`, an absolute path of a folder that is there."""
        self._root = root
        self.url = f"folder:{root}"

    def stat(self, name: str) -> Stored:
        with self._place(name) as (folder, leaf), self._told(name):
            return _stored(name, os.stat(leaf, dir_fd=folder, follow_symlinks=False))

    def list(self, prefix: str = "", after: str = "") -> Iterator[Stored]:
        """The names of each folder on the way are held in memory, for they come in no order."""
        with self._folder(prefix) as root, self._told(prefix):
            yield from _walk(root, "", prefix, after)

    def read(self, name: str, generation: str, start: int = 0, stop: int | None = None) -> bytes:
        size = length(start, stop)
        with self._place(name) as (folder, leaf), self._told(name), _readable(leaf, folder) as file:
            _require(name, generation, file)
            file.seek(start)
            content = file.read(size)
            _require(name, generation, file)
            return content

    def open(self, name: str, generation: str) -> BinaryIO:
        return stream(partial(self.read, name, generation))

    def create(self, name: str, parts: Iterable[bytes]) -> Stored:
        object_name(name)
        with self._draft(name) as (drafts, draft, file):
            for part in parts:
                with self._told(name):
                    _write(file, part)
            return self._publish(name, drafts, draft, file)

    def delete(self, name: str, generation: str) -> None:
        object_name(name)
        with suppress(NotFound), self._drafts(name) as drafts, self._place(name) as (folder, leaf), self._told(name):
            flock(drafts, LOCK_EX)
            if _stored(name, os.stat(leaf, dir_fd=folder, follow_symlinks=False)).generation != generation:
                raise Changed(name=name)
            reached(Point.REMOVAL_DUE)
            os.unlink(leaf, dir_fd=folder)
            os.fsync(folder)
            reached(Point.REMOVED)

    def sweep(self, older_than: datetime) -> int:
        swept = 0
        with self._drafts(DRAFTS) as drafts, self._told(DRAFTS):
            for draft in _entries(drafts):
                with suppress(FileNotFoundError):
                    if os.stat(draft, dir_fd=drafts, follow_symlinks=False).st_mtime < older_than.timestamp():
                        os.unlink(draft, dir_fd=drafts)
                        swept += 1
        return swept

    @contextmanager
    def _draft(self, name: str) -> Iterator[tuple[int, str, io.FileIO]]:
        """A file that nobody sees: its folder and its name there. It is gone in the end, whatever happens."""
        draft = uuid4().hex
        with self._drafts(name) as drafts:
            with self._told(name):
                file = io.FileIO(draft, "x", opener=lambda path, flags: os.open(path, flags, 0o640, dir_fd=drafts))
            try:
                with file:
                    yield drafts, draft, file
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(draft, dir_fd=drafts)

    def _publish(self, name: str, drafts: int, draft: str, file: io.FileIO) -> Stored:
        now = time.time_ns()  # finer than the time that older kernels set, within which an inode can be given out again
        with self._place(name, make=True) as (folder, leaf), self._told(name):
            os.utime(file.fileno(), ns=(now, now))
            os.fsync(file.fileno())
            reached(Point.OBJECT_DUE)
            try:
                os.link(draft, leaf, src_dir_fd=drafts, dst_dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError as error:
                raise Busy("What was written was swept away as left behind.") from error
            os.fsync(folder)
            reached(Point.OBJECT_STORED)
            return _stored(name, os.fstat(file.fileno()))

    def _drafts(self, name: str) -> AbstractContextManager[int]:
        return self._folder(name, DRAFTS, make=True)

    @contextmanager
    def _place(self, name: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """The open folder that a name leads to, and the name's last part there."""
        *folders, leaf = object_name(name).split("/")
        with self._folder(name, *folders, make=make) as folder:
            yield folder, leaf

    @contextmanager
    def _folder(self, name: str, *folders: str, make: bool = False) -> Iterator[int]:
        """A folder below the root, opened step by step so that no link leads elsewhere."""
        try:
            at = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise Broken(f"There is no folder {self._root} that may be read.") from error
        try:
            for folder in folders:
                with self._told(name):
                    below = _down(at, folder, make=make)
                os.close(at)
                at = below
            yield at
        finally:
            os.close(at)

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        try:
            yield
        except FileExistsError as error:
            raise Exists(name=name) from error
        except OSError as error:
            if error.errno in ABSENT:
                raise NotFound(name=name) from error
            raise (Busy if error.errno in PASSING else Broken)(f"The folder {self._root} can't be used: {error.strerror}.") from error


def _down(at: int, folder: str, *, make: bool) -> int:
    if not make:
        return os.open(folder, FOLDER, dir_fd=at)
    with suppress(FileExistsError):
        os.mkdir(folder, 0o700 if folder == DRAFTS else 0o777, dir_fd=at)
        os.fsync(at)
    try:
        return os.open(folder, FOLDER, dir_fd=at)
    except NotADirectoryError as error:
        raise FileExistsError(errno.EEXIST, "an object bears the name of a folder") from error


def _walk(folder: int, path: str, prefix: str, after: str) -> Iterator[Stored]:
    for entry in sorted(_entries(folder)):
        name = path + entry
        if name.endswith("/"):
            if (name.startswith(prefix) or prefix.startswith(name)) and (name > after or after.startswith(name)):
                with suppress(FileNotFoundError), _opened(entry[:-1], folder) as below:
                    yield from _walk(below, name, prefix, after)
        elif name.startswith(prefix) and name > after and not faults(name):
            with suppress(FileNotFoundError, NotFound):
                yield _stored(name, os.stat(entry, dir_fd=folder, follow_symlinks=False))


def _entries(folder: int) -> Iterator[str]:
    """What lies in a folder; folders with a slash, for that decides where their names come in the order of all names."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and not faults(entry.name):
                yield f"{entry.name}/"
            elif entry.is_file(follow_symlinks=False):
                yield entry.name


@contextmanager
def _opened(folder: str, at: int) -> Iterator[int]:
    below = os.open(folder, FOLDER, dir_fd=at)
    try:
        yield below
    finally:
        os.close(below)


def _readable(leaf: str, folder: int) -> BinaryIO:
    return open(leaf, "rb", opener=lambda path, _flags: os.open(path, FILE, dir_fd=folder))


def _stored(name: str, status: os.stat_result) -> Stored:
    if not stat.S_ISREG(status.st_mode):
        raise NotFound(name=name)
    return Stored(name=name, generation=f"{status.st_ino}-{status.st_mtime_ns}-{status.st_size}", size=status.st_size)


def _require(name: str, generation: str, file: BinaryIO) -> None:
    if _stored(name, os.fstat(file.fileno())).generation != generation:
        raise Changed(name=name)


def _write(file: io.FileIO, part: bytes) -> None:
    rest = memoryview(part)
    while rest:
        rest = rest[file.write(rest) :]
