"""The adapter between functions-framework and use cases: HTTP in, one use case, HTTP out. It owns every answer."""

import asyncio
import hashlib
from collections.abc import Callable
from types import ModuleType
from typing import Final, TypeVarTuple

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from functions.registry import BY_NAME
from shared.kernel import errors as e
from shared.kernel.wire import Wire
from shared.platform.call import Call, Caller, Once, Replayed
from shared.platform.operations import Operation, operation, refuse_card_numbers, refuse_card_numbers_in_words
from shared.platform.problems import problem_body, status_of
from shared.platform.runtime import Runtime, require_settings, runtime
from shared.platform.telemetry import trace_of

JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
IDEMPOTENCY_KEY: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
MAX_KEY: Final = 255
RETRY_AFTER_SECONDS: Final = "1"
LOG: Final = structlog.get_logger("clo.http")
Arguments = TypeVarTuple("Arguments")


class HttpFunction:
    """One HTTP function of the registry: its routes, bound to the use cases of its service."""

    def __init__(self, name: str, service: ModuleType) -> None:
        """Bind every route now, so that a wrong one fails at start."""
        require_settings()
        self._function = BY_NAME[name]
        self._operations = tuple(operation(route, service) for route in self._function.routes)

    async def __call__(self, request: Request) -> Response:
        """Answer a request; the use case runs in a thread of its own."""
        health = await answer_health(request)
        if health:
            return health
        trace = trace_of(request.headers.get("traceparent"))
        try:
            body = await read_body(request, self._function.body_limit)
        except e.CloError as error:
            return problem(error, trace)
        except ClientDisconnect:
            return Response(status_code=499)
        return await in_thread(self._answer, request, body, trace)

    def _answer(self, request: Request, body: bytes, trace: str) -> Response:
        with structlog.contextvars.bound_contextvars(function=self._function.name, trace=trace):
            try:
                return self._carry_out(request, body, trace)
            except Replayed as earlier:
                return Response(earlier.answer, earlier.status or 200, {REPLAYED: "true", "traceparent": trace}, JSON)
            except e.CloError as error:
                return problem(error, trace)
            except Exception:
                LOG.exception("unexpected", method=request.method)
                return problem(e.Broken(), trace)

    def _carry_out(self, request: Request, body: bytes, trace: str) -> Response:
        parts = runtime()
        caller = parts.verifier.caller(request.headers.get("authorization"))
        chosen, path = self._match(request)
        caller.require(chosen.route.scope)
        refuse_card_numbers_in_words(*_asked(request), request.headers.get(IDEMPOTENCY_KEY, ""))
        if body:
            refuse_card_numbers(body)
        arguments = chosen.arguments(path, request.query_params, body)
        call = Call(
            caller=caller,
            clock=parts.clock,
            database=parts.database,
            shards=parts.settings.shards,
            once=_once(chosen, caller, request, body),
            trace=trace,
        )
        answer: Wire = chosen.use_case(call, **arguments)
        return Response(answer.model_dump_json(), chosen.route.status, {"traceparent": trace}, JSON)

    def _match(self, request: Request) -> tuple[Operation, dict[str, str]]:
        matches = [(op, found) for op in self._operations if (found := op.path_pattern.match(request.scope["path"]))]
        for op, found in matches:
            if op.route.method == request.method:
                return op, found.groupdict()
        raise e.MethodNotAllowed if matches else e.NotFound("There is nothing at this path.")


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


async def in_thread(work: Callable[[*Arguments], Response], *arguments: *Arguments) -> Response:
    """Run synchronous work in one of the process's threads."""
    return await asyncio.get_running_loop().run_in_executor(runtime().threads, work, *arguments)


def problem(error: e.CloError, trace: str) -> Response:
    """The answer to a request that failed."""
    later = {"Retry-After": RETRY_AFTER_SECONDS} if isinstance(error, e.Busy) else {}
    return Response(problem_body(error, trace=trace), status_of(error), {"traceparent": trace, **later}, PROBLEM)


def _asked(request: Request) -> tuple[str, str]:
    """Path and query as they came; straight from the scope, for a URL object costs more than the rest of the look-up."""
    return request.scope["path"], request.scope["query_string"].decode("latin-1")


def _once(chosen: Operation, caller: Caller, request: Request, body: bytes) -> Once | None:
    key = request.headers.get(IDEMPOTENCY_KEY)
    if request.method != "POST" or key is None:
        return None
    if not 1 <= len(key) <= MAX_KEY:
        raise e.Invalid(f"The Idempotency-Key must have 1 to {MAX_KEY} characters.")
    path, query = _asked(request)
    said = hashlib.sha256(f"{path}?{query}\n".encode() + body).digest()
    return Once(consumer=chosen.route.operation, source=caller.subject, key=key, input_hash=said)
