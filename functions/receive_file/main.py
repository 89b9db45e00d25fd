"""Event: takes in a dropped file whose manifest is there, and cuts it into chunks."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.files import receiving
from shared.platform.consume import EventFunction

FUNCTION = EventFunction("receive_file", receiving)


@functions_framework.aio.http
async def receive_file(request: Request) -> Response:
    """Take one event."""
    return await FUNCTION(request)
