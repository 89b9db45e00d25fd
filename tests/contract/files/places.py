"""Where the one suite of object stores runs: a folder, moto's server of S3, and a server of Google Cloud Storage of our own."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import uuid4

import httpx
import pytest
from boto3.session import Session
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from shared.files.stores.gcs import _client as client_of_gcs
from shared.files.stores.opening import open_store
from shared.files.stores.protocol import ObjectStore
from shared.files.stores.s3 import _client as client_of_s3
from tests.fakes.gcs_server import GcsServer

UNUSED: Final = count(1)
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Place(Protocol):
    """A store, and what others do to it behind its back."""

    store: ObjectStore
    leaves_behind: bool
    """Whether a writer that dies leaves something that is there to be found."""

    def put(self, name: str, content: bytes, *, packed: bool = False) -> None:
        """Let the name hold this content, whatever it held; `packed` labels it as compressed."""

    def lose_answers(self, number: int) -> None:
        """Let the next answers to writing requests get lost after what they asked was done."""


@dataclass
class FolderPlace:
    """A folder that others move files into."""

    store: ObjectStore
    root: Path
    leaves_behind: bool = True

    def put(self, name: str, content: bytes, *, packed: bool = False) -> None:
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        moved = self.root / f".{uuid4().hex}"
        moved.write_bytes(content)
        moved.rename(target)

    def lose_answers(self, number: int) -> None:
        """Nothing comes between a program and its own folder."""


@dataclass
class S3Place:
    """A bucket of moto's server."""

    store: ObjectStore
    bucket: str
    prefix: str
    server: "S3Server"
    leaves_behind: bool = True

    def put(self, name: str, content: bytes, *, packed: bool = False) -> None:
        label = {"ContentEncoding": "gzip"} if packed else {}
        self.server.client.put_object(Bucket=self.bucket, Key=self.prefix + name, Body=content, **label)

    def lose_answers(self, number: int) -> None:
        self.server.lost = number


@dataclass
class GcsPlace:
    """A bucket of our own server."""

    store: ObjectStore
    bucket: str
    prefix: str
    server: GcsServer
    leaves_behind: bool = False

    def put(self, name: str, content: bytes, *, packed: bool = False) -> None:
        label = {"contentEncoding": "gzip"} if packed else {}
        self.server.put(self.bucket, {"name": self.prefix + name, **label}, content, {})

    def lose_answers(self, number: int) -> None:
        self.server.lose_answers = number


class S3Server:
    """moto's S3, one request at a time: between its look at a condition and its deed it would let others in."""

    def __init__(self) -> None:
        self.lost = 0
        self._app: Wsgi = DomainDispatcherApplication(create_backend_app)
        self._lock = threading.Lock()
        self._http = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=_Quiet)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @cached_property
    def client(self) -> Any:  # noqa: ANN401 - boto3's client has no type
        return Session().client("s3")

    def empty(self) -> None:
        """Forget all buckets."""
        self.lost = 0
        httpx.post(f"{self.url}/moto-api/reset", trust_env=False).raise_for_status()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with self._lock:
            said: list[Any] = []
            body = list(self._app(environ, lambda *head: said.extend(head)))
        status, headers = said[:2]
        finishes = environ["REQUEST_METHOD"] == "DELETE" or (
            environ["REQUEST_METHOD"] in {"PUT", "POST"} and "uploads" not in environ["QUERY_STRING"]
        )
        if self.lost and finishes and status.startswith("20"):
            self.lost -= 1
            start_response("503 Service Unavailable", [("Content-Length", "0")])
            return []
        start_response(status, headers)
        return body


class _Quiet(WSGIRequestHandler):
    """Writes no log."""

    def log(self, *_words: object) -> None:
        """Say nothing."""


@contextmanager
def environment(s3: S3Server, gcs: GcsServer) -> Iterator[None]:
    """What the libraries read to find the servers; child processes inherit it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_S3", s3.url)
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("STORAGE_EMULATOR_HOST", gcs.url)
        _forget_clients()
        yield
    _forget_clients()


@contextmanager
def running() -> Iterator[tuple[S3Server, GcsServer]]:
    """The two servers, and an environment that leads to them."""
    s3, gcs = S3Server(), GcsServer()
    with environment(s3, gcs):
        yield s3, gcs
    s3.stop()
    gcs.stop()


def _forget_clients() -> None:
    """A process has one client for each cloud, which knows the environment that it was made in."""
    for cached in (client_of_s3, client_of_gcs, open_store):
        cached.cache_clear()


def folder_place(folder: Path) -> FolderPlace:
    return FolderPlace(open_store(f"folder:{folder}"), folder)


def s3_place(server: S3Server, prefix: str = "drop/") -> S3Place:
    bucket = f"bucket-{next(UNUSED)}"
    server.client.create_bucket(Bucket=bucket)
    return S3Place(open_store(f"s3://{bucket}/{prefix}"), bucket, prefix, server)


def gcs_place(server: GcsServer, prefix: str = "drop/") -> GcsPlace:
    bucket = f"bucket-{next(UNUSED)}"
    server.buckets[bucket] = {}
    return GcsPlace(open_store(f"gs://{bucket}/{prefix}"), bucket, prefix, server)
