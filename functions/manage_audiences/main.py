"""HTTP, marketing and the bank: customers, segments and grants."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.audiences import desk
from shared.platform.http import HttpFunction

FUNCTION = HttpFunction("manage_audiences", desk)


@functions_framework.aio.http
async def manage_audiences(request: Request) -> Response:
    """Answer one request about customers, segments or grants."""
    return await FUNCTION(request)
