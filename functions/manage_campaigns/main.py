"""HTTP, marketing: campaigns, their budgets and their lives."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.campaigns import service
from shared.platform.http import HttpFunction

FUNCTION = HttpFunction("manage_campaigns", service)


@functions_framework.aio.http
async def manage_campaigns(request: Request) -> Response:
    """Answer one request about campaigns."""
    return await FUNCTION(request)
