"""Event: puts many small objects of a day of the lake together."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.files import compaction
from shared.platform.consume import EventFunction

FUNCTION = EventFunction("compact_lake", compaction)


@functions_framework.aio.http
async def compact_lake(request: Request) -> Response:
    """Take one event."""
    return await FUNCTION(request)
