"""Event: merchants and their other names, as a system of the bank tells of them."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.merchants import service
from shared.platform.consume import EventFunction

FUNCTION = EventFunction("take_merchants", service)


@functions_framework.aio.http
async def take_merchants(request: Request) -> Response:
    """Take one event."""
    return await FUNCTION(request)
