"""HTTP, channels: a customer's offers, and their activation."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.audiences import wallet
from shared.platform.http import HttpFunction

FUNCTION = HttpFunction("serve_offers", wallet)


@functions_framework.aio.http
async def serve_offers(request: Request) -> Response:
    """Answer one request about a customer's offers."""
    return await FUNCTION(request)
