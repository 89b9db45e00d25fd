"""Functions that only read what an eligibility verdict depends on, with one prepared statement: by an async driver, and in a thread."""

import asyncio
import json
import os
from functools import cache

import functions_framework.aio
from psycopg_pool import AsyncConnectionPool, ConnectionPool
from starlette.requests import Request
from starlette.responses import Response

from shared.kernel.ids import OFFER
from shared.redemptions.store import SQL

POOL_SIZE = 8
_pool: list[AsyncConnectionPool] = []


@functions_framework.aio.http
async def only_reads(request: Request) -> Response:
    """Read by psycopg's async connection."""
    if request.url.path == "/healthz":
        return Response("ok")
    values = _values(await request.body())
    async with (await _opened()).connection() as connection:
        row = await (await connection.execute(SQL["read_eligibility"], values, prepare=True)).fetchone()
    return _answer(row)


@functions_framework.aio.http
async def reads_in_thread(request: Request) -> Response:
    """Read by psycopg's plain connection, in a thread, as Clo's functions do."""
    if request.url.path == "/healthz":
        return Response("ok")
    values = _values(await request.body())
    return await asyncio.get_running_loop().run_in_executor(None, _read, values)


def _read(values: dict[str, str]) -> Response:
    with _plain_pool().connection() as connection:
        return _answer(connection.execute(SQL["read_eligibility"], values, prepare=True).fetchone())


def _values(body: bytes) -> dict[str, str]:
    asked = json.loads(body)
    offer_id = str(OFFER.parse(asked["offer_id"]))
    return {"customer_ids": asked["customer_id"], "transaction_ids": "asked", "offer_ids": offer_id, "campaign_ids": offer_id, "pots": "[]"}


def _answer(row: object) -> Response:
    return Response(json.dumps(row is not None), media_type="application/json")


@cache
def _plain_pool() -> ConnectionPool:
    return ConnectionPool(os.environ["CLO_DATABASE_URL"], min_size=0, max_size=POOL_SIZE, open=True, kwargs={"autocommit": True})


async def _opened() -> AsyncConnectionPool:
    if not _pool:
        _pool.append(
            AsyncConnectionPool(os.environ["CLO_DATABASE_URL"], min_size=0, max_size=POOL_SIZE, open=False, kwargs={"autocommit": True})
        )
        await _pool[0].open()
    return _pool[0]
