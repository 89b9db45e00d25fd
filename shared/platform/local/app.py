"""One ASGI application of all functions: each route and each event endpoint leads to the function's own functions-framework app."""

import importlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final, cast

from functions_framework.aio import create_asgi_app
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

import functions
from functions.registry import FUNCTIONS
from shared.kernel.clock import Clock, SimulatedClock
from shared.kernel.errors import CloError, MethodNotAllowed, NotFound
from shared.platform.call import Call, Caller
from shared.platform.http import problem
from shared.platform.local.bus import Bus
from shared.platform.runtime import in_thread, runtime
from shared.platform.telemetry import trace_of

TOPIC_PAGE: Final = 1000
Page = Callable[[Call], str]


def build_app(*, clock: Clock, tick: Callable[[], None], bus: Bus) -> Starlette:
    """All functions under their routes, events under /events/<function>, and the local platform's own paths."""
    apps = {function.name: load_function(function.name) for function in FUNCTIONS}
    routes = [Route(route.path, apps[function.name], methods=[route.method]) for function in FUNCTIONS for route in function.routes]
    events = [
        Route(f"/events/{function.name}", apps[function.name]) for function in FUNCTIONS if function.consumes or function.keeps_letters
    ]
    return Starlette(
        routes=[*routes, *events, *_own_routes(apps["report_campaigns"], clock, tick, bus)],
        exception_handlers=ANSWERS,
    )


def load_function(name: str) -> Starlette:
    """The functions-framework app of one function, as it also runs alone."""
    source = Path(functions.__file__).parent / name / "main.py"
    app: Starlette = create_asgi_app(target=name, source=str(source))  # type: ignore[no-untyped-call]
    app.add_exception_handler(404, _nothing_here)  # what its own catch-all route does not match: a line break in a path
    return app


def _own_routes(any_function: ASGIApp, clock: Clock, tick: Callable[[], None], bus: Bus) -> list[Route]:
    async def page(_request: Request) -> Response:
        return await in_thread(_render_page)

    async def topic(request: Request) -> Response:
        return await in_thread(_read_topic, bus, request.path_params["topic"], request.query_params.get("after", "0"))

    async def backlog(_request: Request) -> Response:
        return await in_thread(_backlog, bus)

    async def show_clock(_request: Request) -> Response:
        return JSONResponse({"now": clock.now().isoformat(), "simulated": isinstance(clock, SimulatedClock)})

    async def move_clock(request: Request) -> Response:
        if not isinstance(clock, SimulatedClock):
            return problem(NotFound("The clock is the machine's; start the platform with a simulated one to move it."), trace_of(None))
        now = clock.advance(datetime.fromisoformat((await request.json())["now"]))
        tick()
        return JSONResponse({"now": now.isoformat(), "simulated": True})

    return [
        Route("/", page),
        Route("/local/topics/{topic}", topic),
        Route("/local/backlog", backlog),
        Route("/local/clock", show_clock, methods=["GET"]),
        Route("/local/clock", move_clock, methods=["POST"]),
        Route("/healthz", any_function),
        Route("/readyz", any_function),
    ]


def _render_page() -> Response:
    live = importlib.import_module("shared.reports.live")
    parts = runtime()
    call = Call(caller=Caller(subject="local"), clock=parts.clock, database=parts.database, shards=parts.settings.shards)
    return HTMLResponse(live.page(call))


def _read_topic(bus: Bus, topic: str, after: str) -> Response:
    page = bus.read_topic(runtime().database, topic, after=after, most=TOPIC_PAGE)
    return JSONResponse({"topic": topic, "events": [read.shown() for read in page.events], "next": page.next})


def _backlog(bus: Bus) -> Response:
    return JSONResponse(bus.backlog(runtime().database))


async def _nothing_here(request: Request, _error: Exception) -> Response:
    return problem(NotFound("There is nothing at this path."), trace_of(request.headers.get("traceparent")))


async def _failed(request: Request, error: Exception) -> Response:
    """What goes wrong on the platform's own paths is answered as by any function: a database that is away is no fault of ours."""
    return problem(cast("CloError", error), trace_of(request.headers.get("traceparent")))


async def _not_that_method(request: Request, _error: Exception) -> Response:
    return problem(MethodNotAllowed(), trace_of(request.headers.get("traceparent")))


ANSWERS: Final = {404: _nothing_here, 405: _not_that_method, CloError: _failed}
"""How what goes wrong is answered where no function has answered it."""
