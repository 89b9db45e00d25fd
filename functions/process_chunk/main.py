"""Event: reads and checks a chunk of a file, and lets what its records say take effect."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.files import chunks
from shared.platform.consume import EventFunction

FUNCTION = EventFunction("process_chunk", chunks)


@functions_framework.aio.http
async def process_chunk(request: Request) -> Response:
    """Take one event."""
    return await FUNCTION(request)
