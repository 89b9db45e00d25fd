"""HTTP, the bank: card purchases, one or thousands."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.platform.http import HttpFunction
from shared.redemptions import intake

FUNCTION = HttpFunction("post_transactions", intake)


@functions_framework.aio.http
async def post_transactions(request: Request) -> Response:
    """Answer one request that posts transactions."""
    return await FUNCTION(request)
