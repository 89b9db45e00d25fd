"""Event: counts impressions, each once."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.impressions import service
from shared.platform.consume import EventFunction

FUNCTION = EventFunction("count_impressions", service)


@functions_framework.aio.http
async def count_impressions(request: Request) -> Response:
    """Take one event."""
    return await FUNCTION(request)
