"""Event: turns purchases into cashback, a batch at a time."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.platform.consume import EventFunction
from shared.redemptions import service

FUNCTION = EventFunction("redeem_cashback", service)


@functions_framework.aio.http
async def redeem_cashback(request: Request) -> Response:
    """Take one event."""
    return await FUNCTION(request)
