"""HTTP, the bank: merchants and their locations."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.merchants import service
from shared.platform.http import HttpFunction

FUNCTION = HttpFunction("manage_merchants", service)


@functions_framework.aio.http
async def manage_merchants(request: Request) -> Response:
    """Answer one request about merchants."""
    return await FUNCTION(request)
