"""A small server of Google Cloud Storage's JSON API that keeps its conditions, as Google documents them.

Buckets without versions; resumable and multipart uploads; reads with range and generation, unpacked where an object is labelled as
packed and the reader does not take it so; listings in pages; deletion. Conditions are judged when an upload is finished, at one moment.
"""

import base64
import gzip
import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import google_crc32c

QUANTUM: Final = 256 * 1024
"""Every part of a resumable upload but the last is a multiple of this."""
PAGE: Final = 1000
OBJECT: Final = re.compile(r"/(?:download/)?storage/v1/b/([^/]+)/o/([^/]+)")
LISTING: Final = re.compile(r"/storage/v1/b/([^/]+)/o")
UPLOAD: Final = re.compile(r"/upload/storage/v1/b/([^/]+)/o")
REASONS: Final = {400: "invalid", 404: "notFound", 412: "conditionNotMet", 416: "requestedRangeNotSatisfiable", 503: "backendError"}


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(self, status: int) -> None:
        super().__init__(REASONS[status])
        self.status = status


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What was asked."""

    method: str
    path: str
    asked: dict[str, str]
    headers: Message
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What is sent back."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | bytearray = b""


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """One content of one name."""

    bucket: str
    resource: dict[str, Any]
    generation: int
    content: bytes | bytearray
    crc32c: str

    def described(self) -> dict[str, Any]:
        """The object as the API describes it."""
        return {
            **self.resource,
            "kind": "storage#object",
            "bucket": self.bucket,
            "generation": str(self.generation),
            "metageneration": "1",
            "size": str(len(self.content)),
            "crc32c": self.crc32c,
        }


@dataclass(kw_only=True, slots=True)
class Upload:
    """A resumable upload on its way."""

    bucket: str
    resource: dict[str, Any]
    asked: dict[str, str]
    content: bytearray = field(default_factory=bytearray)
    held: Held | None = None


class GcsServer:
    """The server, with buckets that tests make.

    `lose_answers` answers of writing requests get lost on their way; of the next `cut_blocks` blocks only a part is kept.
    """

    def __init__(self) -> None:
        self.buckets: dict[str, dict[str, Held]] = {}
        self.uploads: dict[str, Upload] = {}
        self.lose_answers = 0
        self.cut_blocks = 0
        self._generation = 1_700_000_000_000_000
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"server_state": self}))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def empty(self) -> None:
        """Forget all buckets."""
        with self._lock:
            self.buckets.clear()
            self.uploads.clear()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def answer(self, request: Request) -> Answer:
        for pattern, operations in ROUTES:
            if (match := pattern.fullmatch(request.path)) and request.method in operations:
                bucket, *name = (unquote(part) for part in match.groups())
                if bucket not in self.buckets:
                    raise Refusal(404)
                with self._lock:
                    answer = operations[request.method](self, request, bucket, *name)
                    return self._perhaps_lost(request.method, answer)
        raise Refusal(404)

    def put(self, bucket: str, resource: dict[str, Any], content: bytes | bytearray, asked: dict[str, str]) -> Held:
        """Let the name hold this content from now on, if the conditions hold."""
        self.require(bucket, resource["name"], asked)
        self._generation += 1
        crc32c = base64.b64encode(google_crc32c.value(bytes(content)).to_bytes(4, "big")).decode()
        if resource.get("crc32c", crc32c) != crc32c:
            raise Refusal(400)
        held = Held(bucket=bucket, resource=resource, generation=self._generation, content=content, crc32c=crc32c)
        self.buckets[bucket][resource["name"]] = held
        return held

    def require(self, bucket: str, name: str, asked: dict[str, str]) -> None:
        held = self.buckets[bucket].get(name)
        if int(asked.get("ifGenerationMatch", held.generation if held else 0)) != (held.generation if held else 0):
            raise Refusal(412)

    def held(self, bucket: str, name: str, asked: dict[str, str]) -> Held:
        held = self.buckets[bucket].get(name)
        if held is None or int(asked.get("generation", held.generation)) != held.generation:
            raise Refusal(404)
        self.require(bucket, name, asked)
        return held

    def _perhaps_lost(self, method: str, answer: Answer) -> Answer:
        if method in {"PUT", "DELETE"} and answer.status in {200, 204} and self.lose_answers:
            self.lose_answers -= 1
            raise Refusal(503)
        return answer


def read(server: GcsServer, request: Request, bucket: str, name: str) -> Answer:
    held = server.held(bucket, name, request.asked)
    if request.asked.get("alt") != "media":
        return _json(held.described())
    packed = held.resource.get("contentEncoding") == "gzip"
    if packed and "gzip" not in (request.headers["Accept-Encoding"] or ""):
        return Answer(body=gzip.decompress(held.content))
    labels = {"X-Goog-Generation": str(held.generation), "X-Goog-Hash": f"crc32c={held.crc32c}"}
    labels |= {"Content-Encoding": "gzip"} if packed else {}
    if not (asked_range := request.headers["Range"]):
        return Answer(headers=labels, body=held.content)
    start, stop = re.fullmatch(r"bytes=(\d+)-(\d*)", asked_range).groups()  # type: ignore[union-attr]
    if int(start) >= len(held.content):
        raise Refusal(416)
    part = held.content[int(start) : int(stop) + 1 if stop else None]
    labels["Content-Range"] = f"bytes {start}-{int(start) + len(part) - 1}/{len(held.content)}"
    return Answer(status=206, headers=labels, body=part)


def delete(server: GcsServer, request: Request, bucket: str, name: str) -> Answer:
    server.held(bucket, name, request.asked)
    del server.buckets[bucket][name]
    return Answer(status=204)


def listing(server: GcsServer, request: Request, bucket: str) -> Answer:
    start, prefix = max(request.asked.get("startOffset", ""), request.asked.get("pageToken", "")), request.asked.get("prefix", "")
    names = sorted((name for name in server.buckets[bucket] if name >= start and name.startswith(prefix)), key=str.encode)
    page = min(PAGE, int(request.asked.get("maxResults", PAGE)))
    answer: dict[str, Any] = {"kind": "storage#objects", "items": [server.buckets[bucket][name].described() for name in names[:page]]}
    return _json(answer | ({"nextPageToken": names[page]} if names[page:] else {}))


def begin(server: GcsServer, request: Request, bucket: str) -> Answer:
    if request.asked["uploadType"] == "multipart":
        _, described, content, _ = request.body.split(f"--{request.headers.get_boundary()}".encode())
        return _json(server.put(bucket, json.loads(_payload(described)), _payload(content), request.asked).described())
    upload_id = f"upload-{len(server.uploads)}"
    resource = json.loads(request.body or b"{}")
    server.uploads[upload_id] = Upload(bucket=bucket, resource={"name": request.asked.get("name"), **resource}, asked=request.asked)
    return Answer(headers={"Location": f"{server.url}/upload/storage/v1/b/{bucket}/o?uploadType=resumable&upload_id={upload_id}"})


def resume(server: GcsServer, request: Request, _bucket: str) -> Answer:
    upload = server.uploads.get(request.asked["upload_id"])
    if upload is None:
        raise Refusal(404)
    if upload.held:
        return _json(upload.held.described())
    first, total = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", request.headers["Content-Range"]).groups()  # type: ignore[union-attr]
    if (first and int(first) != len(upload.content)) or (total == "*" and len(request.body) % QUANTUM):
        raise Refusal(400)
    upload.content += request.body
    if server.cut_blocks:
        server.cut_blocks -= 1
        del upload.content[-QUANTUM:]
    if total != "*" and len(upload.content) == int(total):
        upload.held = server.put(upload.bucket, upload.resource, upload.content, upload.asked)
        return _json(upload.held.described())
    return Answer(status=308, headers={"Range": f"bytes=0-{len(upload.content) - 1}"} if upload.content else {})


ROUTES: Final[tuple[tuple[re.Pattern[str], Mapping[str, Callable[..., Answer]]], ...]] = (
    (OBJECT, {"GET": read, "DELETE": delete}),
    (LISTING, {"GET": listing}),
    (UPLOAD, {"POST": begin, "PUT": resume}),
)


class _Handler(BaseHTTPRequestHandler):
    """From a request of HTTP to an operation and back."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server_state: GcsServer

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        place = urlsplit(self.path)
        try:
            asked = dict(parse_qsl(place.query))
            answer = self.server_state.answer(Request(method=self.command, path=place.path, asked=asked, headers=self.headers, body=body))
        except Refusal as refusal:
            error = {"code": refusal.status, "message": str(refusal), "errors": [{"reason": str(refusal)}]}
            answer = _json({"error": error}, refusal.status)
        self.send_response(answer.status)
        for name, value in (answer.headers | {"Content-Length": str(len(answer.body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815 - the base class looks for these

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


def _json(document: dict[str, Any], status: int = 200) -> Answer:
    return Answer(status=status, headers={"Content-Type": "application/json"}, body=json.dumps(document).encode())


def _payload(part: bytes) -> bytes:
    """What a part of a multipart body holds, below its headers."""
    return part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
