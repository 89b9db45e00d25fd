"""HTTP from aggregators: offers that they bring, change and withdraw, and what became of them."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.aggregators import offers
from shared.platform.http import HttpFunction

FUNCTION = HttpFunction("intake_offers", offers)


@functions_framework.aio.http
async def intake_offers(request: Request) -> Response:
    """Answer one request about a partner's offers."""
    return await FUNCTION(request)
