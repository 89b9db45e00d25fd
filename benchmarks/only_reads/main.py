"""A function that only reads what an eligibility verdict depends on, with one prepared statement, and says that it did."""

import json
import os

import functions_framework.aio
from psycopg_pool import AsyncConnectionPool
from starlette.requests import Request
from starlette.responses import Response

from shared.kernel.ids import OFFER
from shared.redemptions.store import SQL

POOL_SIZE = 8
_pool: list[AsyncConnectionPool] = []


@functions_framework.aio.http
async def only_reads(request: Request) -> Response:
    """Read and answer."""
    if request.url.path == "/healthz":
        return Response("ok")
    asked = json.loads(await request.body())
    values = {
        "customer_id": asked["customer_id"],
        "offer_ids": [OFFER.parse(asked["offer_id"])],
        "campaign_ids": [OFFER.parse(asked["offer_id"])],
    }
    async with (await _opened()).connection() as connection:
        row = await (await connection.execute(SQL["read_eligibility"], values, prepare=True)).fetchone()
    return Response(json.dumps(row is not None), media_type="application/json")


async def _opened() -> AsyncConnectionPool:
    if not _pool:
        _pool.append(
            AsyncConnectionPool(os.environ["CLO_DATABASE_URL"], min_size=0, max_size=POOL_SIZE, open=False, kwargs={"autocommit": True})
        )
        await _pool[0].open()
    return _pool[0]
