"""Google Cloud Storage as an object store."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cache, partial
from typing import Any, BinaryIO, Final
from uuid import uuid4

from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.auth.exceptions import GoogleAuthError, TransportError
from google.cloud.storage import Blob, Client
from google.cloud.storage.exceptions import DataCorruption
from google.cloud.storage.retry import DEFAULT_RETRY
from requests.exceptions import RequestException

from shared.files.stores.names import faults, object_name
from shared.files.stores.protocol import Changed, Stored
from shared.files.stores.streams import BLOCK, blocks, length, stream
from shared.files.stores.writers import WRITER, settled
from shared.kernel.errors import Broken, Busy, CloError, NotFound, Refused
from shared.platform.failpoints import Point, reached

PATIENCE: Final[Mapping[str, Any]] = {"timeout": (5, 60), "retry": DEFAULT_RETRY.with_timeout(30)}
"""Seconds to connect and to wait for an answer, and for how long a call is tried again."""
PAGE: Final = 1000
LISTED: Final = "items(name,generation,size),nextPageToken"
ERRORS: Final[Mapping[int, type[CloError]]] = {404: NotFound, 412: Changed} | dict.fromkeys((408, 409, 410, 429, 500, 502, 503, 504), Busy)
UNSATISFIABLE: Final = 416
PASSING: Final = (RequestException, TransportError, RetryError, DataCorruption, ConnectionError)


class _PartsFailed(Exception):
    """The parts of an object raised what is to pass through Google's client and what is made of its errors."""


class GcsStore:
    """Objects below a prefix of a bucket; generations are Google's own."""

    def __init__(self, bucket: str, prefix: str = "") -> None:
        """Use a bucket that is there, with the credentials that Google's client finds in its usual places."""
        self.url = f"gs://{bucket}/{prefix}".rstrip("/")
        self._prefix = f"{prefix}/" if prefix else ""
        with self._told(None):
            self._client = _client()
        self._bucket = self._client.bucket(bucket)

    def stat(self, name: str) -> Stored:
        return self._stored(self._found(name))

    def list(self, prefix: str = "", after: str = "") -> Iterator[Stored]:
        with self._told(None):
            for blob in self._client.list_blobs(
                self._bucket, prefix=self._prefix + prefix, start_offset=self._prefix + after, page_size=PAGE, fields=LISTED, **PATIENCE
            ):
                found = self._stored(blob)
                if found.name > after and not faults(found.name):
                    yield found

    def read(self, name: str, generation: str, start: int = 0, stop: int | None = None) -> bytes:
        """The bytes as they are stored: what is labelled as packed is not unpacked on its way."""
        if length(start, stop) == 0:
            return self.read(name, generation, 0, 1)[:0]
        blob = self._blob(name, _number(generation))
        last = None if stop is None else stop - 1
        try:
            with self._told(name):
                try:
                    content: bytes = blob.download_as_bytes(
                        start=None if (start, stop) == (0, None) else start, end=last, raw_download=True, **PATIENCE
                    )
                except GoogleAPICallError as error:
                    if error.code == UNSATISFIABLE:
                        return b""
                    raise
        except NotFound as error:
            self._found(name)
            raise Changed(name=name) from error
        return content

    def open(self, name: str, generation: str) -> BinaryIO:
        return stream(partial(self.read, name, generation))

    def create(self, name: str, parts: Iterable[bytes]) -> Stored:
        blob, mark = self._blob(name), uuid4().hex
        blob.metadata, blob.chunk_size = {WRITER: mark}, BLOCK
        reached(Point.OBJECT_DUE)
        try:
            with self._told(None):
                blob.upload_from_file(_Feed(blocks(parts)), if_generation_match=0, checksum="crc32c", **PATIENCE)
            reached(Point.OBJECT_STORED)
            return self._stored(blob)
        except _PartsFailed as failed:
            raise failed.args[0] from None
        except ValueError as error:
            raise Busy(f"{self.url} kept a part of a block, which Google's client can't take up.") from error
        except (Busy, Changed) as doubt:
            return settled(name, mark, doubt, partial(self._marked, name))

    def delete(self, name: str, generation: str) -> None:
        with suppress(NotFound), self._told(name):
            reached(Point.REMOVAL_DUE)
            self._blob(name).delete(if_generation_match=_number(generation), **PATIENCE)
            reached(Point.REMOVED)

    def sweep(self, older_than: datetime) -> int:
        """Nothing: Google lets go of an upload that was not finished, which nobody sees, after a week."""
        del older_than
        return 0

    def _blob(self, name: str, generation: int | None = None) -> Any:  # noqa: ANN401 - Google's client has no types
        return Blob(self._prefix + object_name(name), self._bucket, generation=generation)

    def _found(self, name: str) -> Any:  # noqa: ANN401 - Google's client has no types
        with self._told(name):
            blob = self._blob(name)
            blob.reload(**PATIENCE)
            return blob

    def _marked(self, name: str) -> tuple[str | None, Stored]:
        blob = self._found(name)
        return (blob.metadata or {}).get(WRITER), self._stored(blob)

    def _stored(self, blob: Any) -> Stored:  # noqa: ANN401 - Google's client has no types
        return Stored(name=blob.name.removeprefix(self._prefix), generation=str(blob.generation), size=blob.size)

    @contextmanager
    def _told(self, name: str | None) -> Iterator[None]:
        """What Google's client raises, in our words. Without a name, what is not found is the bucket."""
        try:
            yield
        except GoogleAPICallError as error:
            meant = ERRORS.get(error.code or 0, Broken)
            if name is not None and issubclass(meant, Refused):
                raise meant(name=name) from error
            told = meant if issubclass(meant, Busy | Changed) else Broken
            raise told(f"{self.url} does not answer as it should: {error.message}.") from error
        except PASSING as error:
            raise Busy(f"{self.url} can't be reached: {error}.") from error
        except GoogleAuthError as error:
            raise Broken(f"{self.url} can't be used: {error}.") from error


class _Feed:
    """The blocks of an object as the file that Google's client wants: each is read once, in order, whole."""

    def __init__(self, contents: Iterator[bytes]) -> None:
        self._contents = contents
        self._position = 0

    def read(self, _size: int) -> bytes:
        try:
            block = next(self._contents)
        except Exception as error:
            raise _PartsFailed(error) from error
        self._position += len(block)
        return block

    def tell(self) -> int:
        return self._position


@cache
def _client() -> Any:  # noqa: ANN401 - Google's client has no types
    """One client for all buckets, with one pool of connections."""
    return Client(project=None)


def _number(generation: str) -> int:
    if not (generation.isascii() and generation.isdigit()):
        raise Changed("No object ever had such a generation.")
    return int(generation)
