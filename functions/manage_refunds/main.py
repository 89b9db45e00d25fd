"""HTTP, support and operations: refunds that name no purchase and could be matched with none."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.platform.http import HttpFunction
from shared.redemptions import unmatched

FUNCTION = HttpFunction("manage_refunds", unmatched)


@functions_framework.aio.http
async def manage_refunds(request: Request) -> Response:
    """Answer one request about refunds."""
    return await FUNCTION(request)
