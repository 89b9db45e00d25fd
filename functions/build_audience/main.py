"""Event: gives an offer that went live to its audience, and rolls it out."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.audiences import launch
from shared.platform.consume import EventFunction

FUNCTION = EventFunction("build_audience", launch)


@functions_framework.aio.http
async def build_audience(request: Request) -> Response:
    """Take one event."""
    return await FUNCTION(request)
