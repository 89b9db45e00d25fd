"""HTTP, marketing and finance: funnels, budgets, redemptions, the ledger."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.platform.http import HttpFunction
from shared.reports import service

FUNCTION = HttpFunction("report_campaigns", service)


@functions_framework.aio.http
async def report_campaigns(request: Request) -> Response:
    """Answer one request for a report."""
    return await FUNCTION(request)
