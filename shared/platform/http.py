"""The adapter between functions-framework and use cases: HTTP in, one use case, HTTP out. It owns every answer."""

import hashlib
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from functions.registry import BY_NAME
from shared.kernel import errors as e
from shared.kernel.wire import Csv, Wire
from shared.platform.call import Call, Caller, Once, Replayed
from shared.platform.operations import Operation, operation, refuse_card_numbers, refuse_card_numbers_in_words
from shared.platform.problems import problem_body, status_of
from shared.platform.runtime import Runtime, in_thread, require_settings, runtime
from shared.platform.telemetry import trace_of

JSON: Final = "application/json"
CSV: Final = "text/csv"
PROBLEM: Final = "application/problem+json"
IDEMPOTENCY_KEY: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
MAX_KEY: Final = 255
RETRY_AFTER_SECONDS: Final = "1"
LOG: Final = structlog.get_logger("clo.http")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A request with its body, on its way to a use case."""

    request: Request
    caller: Caller
    body: bytes
    trace: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Understood:
    """A request that may be carried out: by which operation, for whom, with what."""

    asked: Asked
    operation: Operation
    call: Call
    arguments: dict[str, Any]

    def answer(self, answer: Wire) -> Response:
        """Answer with what the use case gave."""
        if isinstance(answer, Csv):
            return Response(answer.text, self.operation.route.status, {"traceparent": self.asked.trace}, CSV)
        return Response(answer.model_dump_json(), self.operation.route.status, {"traceparent": self.asked.trace}, JSON)


class HttpFunction:
    """One HTTP function of the registry: its routes, bound to the use cases of its service."""

    def __init__(self, name: str, service: ModuleType) -> None:
        """Bind every route now, so that a wrong one fails at start."""
        require_settings()
        self._function = BY_NAME[name]
        self._operations = tuple(operation(route, service) for route in self._function.routes)

    async def __call__(self, request: Request) -> Response:
        """Answer a request: who asks and how much is settled before anything is parsed."""
        health = await answer_health(request)
        if health:
            return health
        trace = trace_of(request.headers.get("traceparent"))
        try:
            caller = await _caller(request)
            body = await read_body(request, self._function.body_limit)
        except ClientDisconnect:
            return Response(status_code=499)
        except Exception as error:  # noqa: BLE001  (all of them are answered; what nobody foresaw is logged)
            return refusal(error, trace)
        return await self.answer(Asked(request=request, caller=caller, body=body, trace=trace))

    async def answer(self, asked: Asked) -> Response:
        """Answer by a use case that runs in a thread of its own."""
        return await in_thread(self._answer, asked)

    def _answer(self, asked: Asked) -> Response:
        with structlog.contextvars.bound_contextvars(function=self._function.name, trace=asked.trace):
            try:
                understood = self.understood(asked)
                return understood.answer(understood.operation.use_case(understood.call, **understood.arguments))
            except Exception as error:  # noqa: BLE001
                return refusal(error, asked.trace)

    def understood(self, asked: Asked) -> Understood:
        """What a request asks for. Raises CloError for all that can be wrong with it."""
        request, body, parts = asked.request, asked.body, runtime()
        chosen, path = self._match(request)
        asked.caller.require(chosen.route.scope)
        key = request.headers.get(IDEMPOTENCY_KEY)
        refuse_card_numbers_in_words(*_target(request), key or "")
        if body:
            refuse_card_numbers(body)
        arguments = chosen.arguments(path, request.query_params if request.scope["query_string"] else {}, body)
        call = Call(
            caller=asked.caller,
            clock=parts.clock,
            database=parts.database,
            shards=parts.settings.shards,
            file_places=parts.settings.file_places,
            once=None if key is None else _once(chosen, key, asked),
            trace=asked.trace,
            bulk=parts.bulk,
        )
        return Understood(asked=asked, operation=chosen, call=call, arguments=arguments)

    def _match(self, request: Request) -> tuple[Operation, dict[str, str]]:
        matches = [(op, found) for op in self._operations if (found := op.path_pattern.match(request.scope["path"]))]
        for op, found in matches:
            if op.route.method == request.method:
                return op, found.groupdict()
        raise e.MethodNotAllowed if matches else e.NotFound("There is nothing at this path.")


async def _caller(request: Request) -> Caller:
    """Who asks. A token that is not remembered is verified in a thread: its key may have to be fetched."""
    verifier, authorization = runtime().verifier, request.headers.get("authorization")
    caller = verifier.remembered(authorization)
    if caller is None:
        caller = await in_thread(verifier.caller, authorization)
    return caller


async def answer_health(request: Request) -> Response | None:
    """Answer `/healthz` (the process runs) and `/readyz` (it reaches its database); None for any other path."""
    if request.scope["path"] == "/healthz":
        return Response("ok")
    if request.scope["path"] == "/readyz":
        return await in_thread(_readiness, runtime())
    return None


def _readiness(parts: Runtime) -> Response:
    try:
        with parts.database.connection() as connection:
            connection.execute("SELECT 1")
    except e.Busy as error:
        return Response(str(error), 503)
    return Response("ready")


async def read_body(request: Request, limit: int, media: str | None = JSON) -> bytes:
    """The body, refused before it is read or parsed when it is larger than the limit (bytes) or not of the media type."""
    length = request.headers.get("content-length") or "0"
    if not length.isdecimal():
        raise e.Malformed("The Content-Length is no number.")
    if int(length) > limit:
        raise e.TooLarge(f"The body is larger than {limit} bytes.")
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise e.TooLarge(f"The body is larger than {limit} bytes.")
        chunks.append(chunk)
    if media and size and request.headers.get("content-type", media).partition(";")[0].strip().lower() != media:
        raise e.UnsupportedMedia(f"The body must be {media}.")
    return b"".join(chunks)


def refusal(error: Exception, trace: str) -> Response:
    """The answer to a request that was not carried out: its first answer, what is wrong with it, or that something is wrong with us."""
    if isinstance(error, Replayed):
        return Response(error.answer, error.status or 200, {REPLAYED: "true", "traceparent": trace}, JSON)
    if isinstance(error, e.CloError):
        return problem(error, trace)
    LOG.error("unexpected", trace=trace, exc_info=error)
    return problem(e.Broken(), trace)


def problem(error: e.CloError, trace: str) -> Response:
    """The answer to a request that failed."""
    later = {"Retry-After": RETRY_AFTER_SECONDS} if isinstance(error, e.Busy) else {}
    return Response(problem_body(error, trace=trace), status_of(error), {"traceparent": trace, **later}, PROBLEM)


def _target(request: Request) -> tuple[str, str]:
    """Path and query as they came; straight from the scope, for a URL object costs more than the rest of the look-up."""
    return request.scope["path"], request.scope["query_string"].decode("latin-1")


def _once(chosen: Operation, key: str, asked: Asked) -> Once | None:
    if chosen.route.method != "POST":
        return None
    if not 1 <= len(key) <= MAX_KEY:
        raise e.Invalid(f"The Idempotency-Key must have 1 to {MAX_KEY} characters.")
    path, query = _target(asked.request)
    said = hashlib.sha256(f"{path}?{query}\n".encode() + asked.body).digest()
    return Once(consumer=chosen.route.operation, source=asked.caller.subject, key=key, input_hash=said)
