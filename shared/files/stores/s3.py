"""Amazon S3, and what speaks its protocol and keeps its conditions, as an object store."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cache, partial
from itertools import chain
from typing import Any, BinaryIO, Final
from uuid import uuid4

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, FlexibleChecksumError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as BotoConnectionError

from shared.files.stores.names import faults, object_name
from shared.files.stores.protocol import Changed, Stored
from shared.files.stores.streams import BLOCK, blocks, length, stream
from shared.files.stores.writers import WRITER, settled
from shared.kernel.errors import Broken, Busy, CloError, NotFound, Refused, TooLarge
from shared.platform.failpoints import Point, reached

CONFIG: Final = Config(connect_timeout=5, read_timeout=60, retries={"mode": "standard", "max_attempts": 4})
PAGE: Final = 1000
MAX_BLOCKS: Final = 10_000
ERRORS: Final[Mapping[int, type[CloError]]] = {
    404: NotFound,
    409: Busy,
    412: Changed,
    429: Busy,
    500: Busy,
    502: Busy,
    503: Busy,
    504: Busy,
}
ERRORS_BY_CODE: Final[Mapping[str, type[CloError]]] = {"NoSuchBucket": Broken, "NoSuchUpload": Busy, "RequestTimeout": Busy}
UNSATISFIABLE: Final = 416
PASSING: Final = (HTTPClientError, BotoConnectionError, IncompleteReadError, FlexibleChecksumError)


class S3Store:
    """Objects below a prefix of a bucket. The generation is the ETag: listings and notifications tell it too, versions they don't."""

    def __init__(self, bucket: str, prefix: str = "") -> None:
        """Use a bucket that is there, with the credentials that boto3 finds in its usual places."""
        self._bucket, self._prefix = bucket, f"{prefix}/" if prefix else ""
        self._client = _client()
        self.url = f"s3://{bucket}/{prefix}".rstrip("/")

    def stat(self, name: str) -> Stored:
        return self._stored(name, self._head(name))

    def list(self, prefix: str = "", after: str = "") -> Iterator[Stored]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + prefix, StartAfter=self._prefix + after, PaginationConfig={"PageSize": PAGE}
        )
        with self._told(prefix):
            for page in pages:
                for item in page.get("Contents", ()):
                    name = item["Key"].removeprefix(self._prefix)
                    if not faults(name):
                        yield Stored(name=name, generation=item["ETag"].strip('"'), size=item["Size"])

    def read(self, name: str, generation: str, start: int = 0, stop: int | None = None) -> bytes:
        if length(start, stop) == 0:
            return self.read(name, generation, 0, 1)[:0]
        asked = {} if (start, stop) == (0, None) else {"Range": f"bytes={start}-{'' if stop is None else stop - 1}"}
        with self._told(name):
            try:
                answer = self._client.get_object(**self._at(name), IfMatch=f'"{generation}"', **asked)
            except ClientError as error:
                if _status(error) == UNSATISFIABLE:
                    return b""
                raise
            content: bytes = answer["Body"].read()
        return content

    def open(self, name: str, generation: str) -> BinaryIO:
        return stream(partial(self.read, name, generation))

    def create(self, name: str, parts: Iterable[bytes]) -> Stored:
        place, mark = self._at(name), uuid4().hex
        rest = blocks(parts)
        first = next(rest)
        if len(first) < BLOCK:
            put = partial(self._client.put_object, **place, Body=first, IfNoneMatch="*", Metadata={WRITER: mark})
            return self._won(name, mark, len(first), put)
        with self._told(name):
            upload_id = self._client.create_multipart_upload(**place, Metadata={WRITER: mark})["UploadId"]
        try:
            sent, size = self._send(name, upload_id, chain([first], rest))
            complete = partial(self._client.complete_multipart_upload, **place, UploadId=upload_id, IfNoneMatch="*", MultipartUpload=sent)
            return self._won(name, mark, size, complete)
        except BaseException:
            with suppress(ClientError, BotoCoreError):
                self._client.abort_multipart_upload(**place, UploadId=upload_id)
            raise

    def delete(self, name: str, generation: str) -> None:
        with suppress(NotFound), self._told(name):
            reached(Point.REMOVAL_DUE)
            self._client.delete_object(**self._at(name), IfMatch=f'"{generation}"')
            reached(Point.REMOVED)

    def sweep(self, older_than: datetime) -> int:
        swept = 0
        pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=self._prefix)
        with self._told(self._prefix):
            for page in pages:
                for upload in page.get("Uploads", ()):
                    if upload["Initiated"] < older_than:
                        self._client.abort_multipart_upload(Bucket=self._bucket, Key=upload["Key"], UploadId=upload["UploadId"])
                        swept += 1
        return swept

    def _send(self, name: str, upload_id: str, contents: Iterable[bytes]) -> tuple[dict[str, Any], int]:
        """Send the blocks one by one. What completes the upload, and the size of it all."""
        sent: list[dict[str, Any]] = []
        size = 0
        for number, block in enumerate(filter(None, contents), start=1):
            if number > MAX_BLOCKS:
                raise TooLarge(f"An object holds at most {MAX_BLOCKS * BLOCK} bytes.")
            with self._told(name):
                answer = self._client.upload_part(**self._at(name), UploadId=upload_id, PartNumber=number, Body=block)
            checksums = {key: value for key, value in answer.items() if key.startswith("Checksum") and key != "ChecksumType"}
            sent.append({"PartNumber": number, "ETag": answer["ETag"], **checksums})
            size += len(block)
        return {"Parts": sent}, size

    def _won(self, name: str, mark: str, size: int, finish: Callable[[], Any]) -> Stored:
        reached(Point.OBJECT_DUE)
        try:
            with self._told(name):
                answer = finish()
            reached(Point.OBJECT_STORED)
            return Stored(name=name, generation=answer["ETag"].strip('"'), size=size)
        except (Busy, Changed) as doubt:
            return settled(name, mark, doubt, partial(self._marked, name))

    def _marked(self, name: str) -> tuple[str | None, Stored]:
        head = self._head(name)
        return head["Metadata"].get(WRITER), self._stored(name, head)

    def _at(self, name: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + object_name(name)}

    def _head(self, name: str) -> Any:  # noqa: ANN401 - boto3's shapes have no types
        with self._told(name):
            return self._client.head_object(**self._at(name))

    def _stored(self, name: str, head: Any) -> Stored:  # noqa: ANN401 - boto3's shapes have no types
        return Stored(name=name, generation=head["ETag"].strip('"'), size=head["ContentLength"])

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            meant = ERRORS_BY_CODE.get(error.response["Error"].get("Code", "")) or ERRORS.get(_status(error), Broken)
            if issubclass(meant, Refused):
                raise meant(name=name) from error
            raise meant(f"{self.url} does not answer as it should: {error}.") from error
        except PASSING as error:
            raise Busy(f"{self.url} can't be reached: {error}.") from error
        except BotoCoreError as error:
            raise Broken(f"{self.url} can't be used: {error}.") from error


@cache
def _client() -> Any:  # noqa: ANN401 - boto3's client has no type
    """One client for all buckets: it is slow to make, and threads may share it."""
    return Session().client("s3", config=CONFIG)


def _status(error: ClientError) -> int:
    status: int = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return status
