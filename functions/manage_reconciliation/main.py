"""HTTP, partners and finance: what partners say of redemptions, and where that differs from ours and the card system's record."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.platform.http import HttpFunction
from shared.reconciliation import service

FUNCTION = HttpFunction("manage_reconciliation", service)


@functions_framework.aio.http
async def manage_reconciliation(request: Request) -> Response:
    """Answer one request about reconciliation."""
    return await FUNCTION(request)
