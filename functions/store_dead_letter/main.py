"""Event, the dead-letter sink: keeps what functions could not take, with the reason."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.platform.letters import service
from shared.platform.letters.sink import LetterFunction

FUNCTION = LetterFunction("store_dead_letter", service)


@functions_framework.aio.http
async def store_dead_letter(request: Request) -> Response:
    """Keep one letter."""
    return await FUNCTION(request)
