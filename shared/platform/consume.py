"""The adapter for functions that take events: one CloudEvent in, one use case, a status by the delivery contract."""

import asyncio
import hashlib
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from inspect import signature
from types import ModuleType
from typing import Any, Final

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from events.catalog import BY_TYPE, EventType
from events.envelope import Envelope, read_http
from functions.registry import BY_NAME
from shared.kernel import errors as e
from shared.kernel.errors import Problem
from shared.kernel.wire import Wire
from shared.platform.attempts import counted
from shared.platform.batches import BatchAnswer
from shared.platform.call import Call, Caller, Once, Replayed
from shared.platform.http import PROBLEM, answer_health, read_body
from shared.platform.operations import MAX_PROBLEMS, read_payload, refuse_card_numbers
from shared.platform.outbox import SOURCE
from shared.platform.problems import EVENT_STATUS, problem_body, status_of
from shared.platform.runtime import in_thread, require_settings, runtime
from shared.platform.telemetry import trace_of

EVENT_LIMIT: Final = 1 << 20
LOG: Final = structlog.get_logger("clo.events")


TakesEvent = Callable[[Call, Envelope], None]


class EventFunction:
    """One event function of the registry, its events bound to the use cases of its service."""

    def __init__(self, name: str, service: ModuleType) -> None:
        """Bind every event now, so that a wrong one fails at start."""
        require_settings()
        self._name = name
        self._turns = asyncio.Semaphore(BY_NAME[name].scale.concurrency)
        self._use_cases: dict[type[Wire], Callable[..., Any]] = {
            payload: getattr(service, use_case) for payload, use_case in BY_NAME[name].consumes.items()
        }
        self._notices: dict[str, Callable[[Call, str, bytes], None]] = {
            begin: getattr(service, use_case) for begin, use_case in BY_NAME[name].notices.items()
        }

    async def __call__(self, request: Request) -> Response:
        """Take one event; the use case runs in a thread of its own, no more of them at a time than memory was given for."""
        health = await answer_health(request)
        if health:
            return health
        trace = trace_of(request.headers.get("traceparent"))
        try:
            body = await read_body(request, EVENT_LIMIT, media=None)
            event = read_http(request.headers, body)
        except e.CloError as error:
            return _refused(error, trace)
        except ClientDisconnect:
            return Response(status_code=499)
        async with self._turns:
            return await in_thread(self._answer, event, event.trace or trace)

    def _answer(self, event: Envelope, trace: str) -> Response:
        with structlog.contextvars.bound_contextvars(function=self._name, trace=trace, event=str(event.event_id), type=event.type):
            try:
                self._take(event, trace)
            except Replayed:
                LOG.debug("taken before")
            except e.CloError as error:
                LOG.warning("not taken", code=error.code, detail=str(error))
                return _refused(error, trace)
            except Exception:
                LOG.exception("unexpected")
                return _refused(e.Broken(), trace)
            return Response(status_code=204)

    def _take(self, event: Envelope, trace: str) -> None:
        use_case = self._use_case(event)
        if use_case is None:
            LOG.debug("of no concern")  # a source on Kafka has no filter: a function gets all events of its topics
            return
        parts = runtime()
        once = Once(consumer=self._name, source=event.source, key=event.event_id.hex, input_hash=hashlib.sha256(event.payload).digest())
        call = Call(
            caller=Caller(subject=self._name),
            clock=parts.clock,
            database=parts.database,
            shards=parts.settings.shards,
            file_places=parts.settings.file_places,
            once=once,
            trace=trace,
            told_at=event.occurred_at,
            bulk=parts.bulk,
            letters_kept=timedelta(days=parts.settings.dead_letter_days),
        )
        if event.source != SOURCE:
            refuse_card_numbers(event.payload)
        with counted(parts.database, once):
            use_case(call, event)

    def _use_case(self, event: Envelope) -> TakesEvent | None:
        """What takes an event; None where it is of no concern to this function. Raises Invalid for types that nobody knows."""
        noticed = next((use_case for begin, use_case in self._notices.items() if event.type.startswith(begin)), None)
        if noticed:
            return lambda call, event: noticed(call, event.type, event.payload)
        kind = BY_TYPE.get(event.type)
        if kind is None:
            raise e.Invalid(f"There are no events of type {event.type}.")
        return partial(_carry_out, self._use_cases[kind.payload], kind) if kind.payload in self._use_cases else None


def _carry_out(use_case: Callable[..., Any], kind: EventType, call: Call, event: Envelope) -> None:
    if "raw" in signature(use_case).parameters:
        _let_read(use_case, call, event.payload)
    else:
        use_case(call, read_payload(kind.payload, event.payload))


def _let_read(use_case: Callable[[Call, bytes], BatchAnswer | None], call: Call, raw: bytes) -> None:
    """Let a use case read what is told, as far as it needs; that of a request takes what is good of a batch.

    Raises Invalid where anything of a batch is bad: now, or when it was delivered before.
    """
    try:
        answer = use_case(call, raw)
    except Replayed as first:
        if first.answer is None:
            raise
        answer = BatchAnswer.model_validate_json(first.answer)
    if answer and answer.rejected:
        names = ", ".join(item.id or f"number {item.index}" for item in answer.rejected[:MAX_PROBLEMS])
        problems = tuple(Problem(path=problem.path, message=problem.message) for item in answer.rejected for problem in item.problems)
        raise e.Invalid(f"{answer.accepted} were taken, {len(answer.rejected)} were not: {names}.", problems[:MAX_PROBLEMS])


def _refused(error: e.CloError, trace: str) -> Response:
    return Response(problem_body(error, trace=trace), status_of(error, EVENT_STATUS), media_type=PROBLEM)
