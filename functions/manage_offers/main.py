"""HTTP, marketing: offers, their versions and their review."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.offers import service
from shared.platform.http import HttpFunction

FUNCTION = HttpFunction("manage_offers", service)


@functions_framework.aio.http
async def manage_offers(request: Request) -> Response:
    """Answer one request about offers."""
    return await FUNCTION(request)
