"""What becomes of a cloud's errors."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError
from google.api_core import exceptions as google
from google.auth.exceptions import DefaultCredentialsError, TransportError
from requests.exceptions import ConnectionError as NoConnection

from shared.files.stores import gcs
from shared.files.stores.gcs import GcsStore
from shared.files.stores.protocol import Changed
from shared.files.stores.s3 import S3Store
from shared.files.stores.streams import BLOCK
from shared.kernel.errors import Broken, Busy, CloError, NotFound, TooLarge
from tests.contract.files.places import S3Server, gcs_place, s3_place
from tests.fakes.gcs_server import GcsServer

Servers = tuple[S3Server, GcsServer]


def of_s3(status: int, code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetObject")


S3_ERRORS = [
    (of_s3(404, "NoSuchKey"), NotFound),
    (of_s3(404, "NoSuchBucket"), Broken),
    (of_s3(404, "NoSuchUpload"), Busy),
    (of_s3(412, "PreconditionFailed"), Changed),
    (of_s3(409, "ConditionalRequestConflict"), Busy),
    (of_s3(503, "SlowDown"), Busy),
    (of_s3(400, "RequestTimeout"), Busy),
    (of_s3(400, "InvalidRequest"), Broken),
    (of_s3(403, "AccessDenied"), Broken),
    (EndpointConnectionError(endpoint_url="x"), Busy),
    (ReadTimeoutError(endpoint_url="x"), Busy),
    (NoCredentialsError(), Broken),
]
GCS_ERRORS: list[tuple[Any, type[CloError]]] = [
    (google.NotFound, NotFound),
    (google.PreconditionFailed, Changed),
    (google.TooManyRequests, Busy),
    (google.ServiceUnavailable, Busy),
    (google.Forbidden, Broken),
    (google.BadRequest, Broken),
    (google.RetryError, Busy),
    (NoConnection, Busy),
    (TransportError, Busy),
    (DefaultCredentialsError, Broken),
]


@pytest.mark.usefixtures("servers")
@pytest.mark.parametrize(("error", "meant"), S3_ERRORS, ids=repr)
def test_an_error_of_s3_tells_what_can_be_done(error: Exception, meant: type[CloError]) -> None:
    with pytest.raises(CloError) as raised, S3Store("bucket")._told("name"):
        raise error
    assert type(raised.value) is meant


@pytest.mark.usefixtures("servers")
@pytest.mark.parametrize(("kind", "meant"), GCS_ERRORS)
def test_an_error_of_google_tells_what_can_be_done(kind: Any, meant: type[CloError]) -> None:  # noqa: ANN401 - they have no types
    with pytest.raises(CloError) as raised, GcsStore("bucket")._told("name"):
        raise kind("words", None)
    assert type(raised.value) is meant


def test_a_writer_that_gets_no_answer_at_all_is_told_to_try_again(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    place = gcs_place(servers[1])
    monkeypatch.setattr(gcs, "PATIENCE", {"timeout": 5, "retry": None})
    place.lose_answers(1)
    stored = place.store.create("a", [b"x"])
    assert place.store.read("a", stored.generation) == b"x"


def test_a_block_of_which_google_keeps_a_part_is_told_as_a_reason_to_try_again(servers: Servers) -> None:
    place = gcs_place(servers[1])
    place.server.cut_blocks = 1
    with pytest.raises(Busy):
        place.store.create("a", [b"x" * 2 * BLOCK])
    assert list(place.store.list()) == []
    assert place.store.create("a", [b"x" * 2 * BLOCK]).size == 2 * BLOCK


def test_s3_takes_so_many_parts_and_no_more(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    def parts() -> Iterator[bytes]:
        yield from (b"x" * BLOCK,) * 3

    place = s3_place(servers[0])
    monkeypatch.setattr("shared.files.stores.s3.MAX_BLOCKS", 2)
    with pytest.raises(TooLarge):
        place.store.create("a", parts())
    assert list(place.store.list()) == []
