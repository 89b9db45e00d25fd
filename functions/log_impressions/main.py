"""HTTP, channels: offers served, viewed and clicked."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.impressions import service
from shared.platform.http import HttpFunction

FUNCTION = HttpFunction("log_impressions", service)


@functions_framework.aio.http
async def log_impressions(request: Request) -> Response:
    """Answer one request that logs impressions."""
    return await FUNCTION(request)
