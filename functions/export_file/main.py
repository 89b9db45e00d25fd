"""Event: settles what goes into a file for a partner, writes its parts, puts it together, and takes the partner's answer."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.exports import service
from shared.platform.consume import EventFunction

FUNCTION = EventFunction("export_file", service)


@functions_framework.aio.http
async def export_file(request: Request) -> Response:
    """Take one event."""
    return await FUNCTION(request)
