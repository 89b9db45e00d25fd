"""Event: reconciles a file that was read, and closes one that was applied."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.files import closing
from shared.platform.consume import EventFunction

FUNCTION = EventFunction("close_file", closing)


@functions_framework.aio.http
async def close_file(request: Request) -> Response:
    """Take one event."""
    return await FUNCTION(request)
