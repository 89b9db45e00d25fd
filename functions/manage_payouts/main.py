"""HTTP, the card system and operations: what became of statement credits, and what waits to be paid again."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.platform.http import HttpFunction
from shared.redemptions import payout_results

FUNCTION = HttpFunction("manage_payouts", payout_results)


@functions_framework.aio.http
async def manage_payouts(request: Request) -> Response:
    """Answer one request about payouts."""
    return await FUNCTION(request)
