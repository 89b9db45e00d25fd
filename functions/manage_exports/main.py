"""HTTP, operators: files for partners: asking for one, how far they have come, taking one back."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.exports import desk
from shared.platform.http import HttpFunction

FUNCTION = HttpFunction("manage_exports", desk)


@functions_framework.aio.http
async def manage_exports(request: Request) -> Response:
    """Answer one request about exports."""
    return await FUNCTION(request)
