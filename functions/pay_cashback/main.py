"""Event: turns payable cashback into statement credits."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.platform.consume import EventFunction
from shared.redemptions import payout

FUNCTION = EventFunction("pay_cashback", payout)


@functions_framework.aio.http
async def pay_cashback(request: Request) -> Response:
    """Take one event."""
    return await FUNCTION(request)
