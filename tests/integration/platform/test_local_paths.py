"""The local platform's own paths answer as the functions do when something is wrong."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from shared.kernel.errors import Busy
from shared.platform.local.app import ANSWERS


def test_a_database_that_is_away_is_told_as_try_again() -> None:
    async def backlog(_request: Request) -> Response:
        raise Busy("The database can't be reached or is overloaded.")

    app = Starlette(routes=[Route("/local/backlog", backlog)], exception_handlers=ANSWERS)
    answer = TestClient(app, raise_server_exceptions=False).get("/local/backlog")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.json()["detail"] == "The database can't be reached or is overloaded."
