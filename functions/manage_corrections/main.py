"""HTTP, support: forced redemptions and adjustments, asked for by one person and decided by another."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.corrections import service
from shared.platform.http import HttpFunction

FUNCTION = HttpFunction("manage_corrections", service)


@functions_framework.aio.http
async def manage_corrections(request: Request) -> Response:
    """Answer one request about corrections."""
    return await FUNCTION(request)
