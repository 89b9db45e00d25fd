"""HTTP, operators: files that were dropped, how far they have come, and a word that one was."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.files import desk
from shared.platform.http import HttpFunction

FUNCTION = HttpFunction("manage_files", desk)


@functions_framework.aio.http
async def manage_files(request: Request) -> Response:
    """Answer one request about files."""
    return await FUNCTION(request)
