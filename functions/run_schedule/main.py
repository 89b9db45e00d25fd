"""Event, by the clock: starts and ends what is due."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.platform.consume import EventFunction
from shared.schedule import service

FUNCTION = EventFunction("run_schedule", service)


@functions_framework.aio.http
async def run_schedule(request: Request) -> Response:
    """Take one event."""
    return await FUNCTION(request)
