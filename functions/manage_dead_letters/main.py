"""HTTP, operators: events that functions could not take, looked into and put back on their way or discarded."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.platform.http import HttpFunction
from shared.platform.letters import service

FUNCTION = HttpFunction("manage_dead_letters", service)


@functions_framework.aio.http
async def manage_dead_letters(request: Request) -> Response:
    """Answer one request about dead letters."""
    return await FUNCTION(request)
