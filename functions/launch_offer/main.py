"""Event: lets approved offers of live campaigns go live."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.offers import launch
from shared.platform.consume import EventFunction

FUNCTION = EventFunction("launch_offer", launch)


@functions_framework.aio.http
async def launch_offer(request: Request) -> Response:
    """Take one event."""
    return await FUNCTION(request)
