"""HTTP, channels and support: would this purchase earn, and why."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.platform.http import HttpFunction
from shared.redemptions import eligibility

FUNCTION = HttpFunction("check_eligibility", eligibility)


@functions_framework.aio.http
async def check_eligibility(request: Request) -> Response:
    """Answer one request about eligibility."""
    return await FUNCTION(request)
