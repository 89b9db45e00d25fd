"""Event: customers and their consent, as a system of the bank tells of them."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.audiences import customers
from shared.platform.consume import EventFunction

FUNCTION = EventFunction("take_customers", customers)


@functions_framework.aio.http
async def take_customers(request: Request) -> Response:
    """Take one event."""
    return await FUNCTION(request)
