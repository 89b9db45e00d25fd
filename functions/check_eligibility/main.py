"""HTTP, channels and support: would this purchase earn, and why."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.platform.together import QuestionFunction
from shared.redemptions import eligibility

FUNCTION = QuestionFunction("check_eligibility", eligibility, eligibility.check_together)


@functions_framework.aio.http
async def check_eligibility(request: Request) -> Response:
    """Answer one request about eligibility."""
    return await FUNCTION(request)
