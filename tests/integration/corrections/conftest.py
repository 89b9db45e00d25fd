"""What tests of corrections share: a small world, and the function asked over HTTP by people with their scopes."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from shared.kernel.ids import GRANT, REDEMPTION
from tests.conftest import MakeCall
from tests.integration.platform.conftest import Ask, ask, keys, parts
from tests.world import World

__all__ = ["ask", "keys", "parts"]

TEN_PERCENT = {"reward": {"kind": "percent", "basis_points": 1_000}, "repeat": True}
READ, WRITE, APPROVE = "corrections:read", "corrections:write", "corrections:approve"


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


Give = Callable[..., UUID]


@pytest.fixture
def give(world: World) -> Give:
    """Gives an offer of ten per cent, again and again, out of 100 dollars, to cust-1; its grant."""

    def given(budget: int = 10_000, customer: str = "cust-1", **terms: Any) -> UUID:
        offer = world.offer(world.campaign(budget=budget), **TEN_PERCENT | terms)
        return world.grant(offer, customer)[0]

    return given


class Desk:
    """Support's desk: sam asks, ada decides."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def send(self, method: str, path: str, by: str, *scopes: str, key: str | None = None, **body: Any) -> httpx.Response:
        asking = self._ask("manage_corrections", by, scopes)
        return asking(method, f"/v1/corrections{path}", headers={"Idempotency-Key": key} if key else {}, **body)

    def force(
        self, grant: UUID, transaction: str = "t1", reward: int | str = 300, by: str = "sam", key: str | None = None, **more: Any
    ) -> httpx.Response:
        body = {"grant_id": GRANT.render(grant), "transaction_id": transaction, "reward": reward, "reason": "Shop was not matched"} | more
        return self.send("POST", "/forced-redemptions", by, WRITE, key=key, json=body)

    def adjust(self, redemption: UUID, change: str, amount: int | str, by: str = "sam", key: str | None = None) -> httpx.Response:
        body = {"redemption_id": REDEMPTION.render(redemption), "change": change, "amount": amount, "reason": "Tip left out"}
        return self.send("POST", "/adjustments", by, WRITE, key=key, json=body)

    def decide(self, asked: httpx.Response, verb: str = "approve", by: str = "ada", key: str | None = None) -> httpx.Response:
        assert asked.status_code == 201, asked.text
        path = f"/{asked.json()['correction_id']}/{verb}"
        return self.send("POST", path, by, APPROVE, key=key, json={"reason": "Receipt seen"})

    def approve(self, asked: httpx.Response, **more: Any) -> None:
        answer = self.decide(asked, **more)
        assert answer.status_code == 200, answer.text


@pytest.fixture
def desk(ask: Ask) -> Desk:
    return Desk(ask)
