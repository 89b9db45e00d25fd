"""Event: keeps purchases and impressions in the lake that came by request."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.files import filling
from shared.platform.consume import EventFunction

FUNCTION = EventFunction("fill_lake", filling)


@functions_framework.aio.http
async def fill_lake(request: Request) -> Response:
    """Take one event."""
    return await FUNCTION(request)
