"""HTTP, support and channels: claims for missing cashback, from the customer's word to a resolution."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.claims import service
from shared.platform.http import HttpFunction

FUNCTION = HttpFunction("manage_claims", service)


@functions_framework.aio.http
async def manage_claims(request: Request) -> Response:
    """Answer one request about claims."""
    return await FUNCTION(request)
