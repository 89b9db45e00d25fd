"""Claims over HTTP: what the engine says is kept, resolutions are borne out by it, and money moves only as corrections do."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from shared.kernel.clock import SimulatedClock
from shared.kernel.ids import GRANT, OFFER, REDEMPTION
from tests.conftest import NOW, MakeCall
from tests.integration.corrections.conftest import Desk, Give, desk, give, world
from tests.integration.corrections.test_corrections import pay, refund, stands
from tests.integration.platform.conftest import Ask, ask, keys, parts
from tests.world import World, purchase

__all__ = ["ask", "desk", "give", "keys", "parts", "world"]

YESTERDAY = NOW - timedelta(days=1)
READ, WRITE, RESOLVE = "claims:read", "claims:write", "claims:resolve"
WHY = {"reason": "Looked into"}


class Counter:
    """Support's counter: a channel opens claims, sam resolves them."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def send(self, method: str, path: str, by: str, *scopes: str, key: str | None = None, **rest: Any) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return self._ask("manage_claims", by, scopes)(method, f"/v1/claims{path}", headers=headers, **rest)

    def open(self, transaction: str = "t1", *, key: str | None = None, offer: UUID | None = None, **more: Any) -> httpx.Response:
        said = {"transaction_id": transaction, "at": YESTERDAY.isoformat(), "amount": 2_000, "currency": "USD", "merchant_id": "shop-1"}
        body = {"customer_id": "cust-1", "purchase": said | more, "reason": "Nothing came"}
        return self.send("POST", "", "app", WRITE, key=key, json=body | ({"offer_id": OFFER.render(offer)} if offer else {}))

    def do(self, claim: httpx.Response, action: str, *, by: str = "sam", key: str | None = None, **body: Any) -> httpx.Response:
        scope = WRITE if action == "withdraw" else RESOLVE
        return self.send("POST", f"/{claim.json()['claim_id']}/{action}", by, scope, key=key, json=WHY | body)

    def reviewed(self, transaction: str = "t1", **more: Any) -> httpx.Response:
        claim = self.open(transaction, **more)
        assert claim.status_code == 201, claim.text
        assert self.do(claim, "review").status_code == 200
        return claim

    def detail(self, claim: httpx.Response) -> dict[str, Any]:
        found: dict[str, Any] = self.send("GET", f"/{claim.json()['claim_id']}", "sam", READ).json()
        return found

    def listed(self, query: str) -> list[str]:
        found = self.send("GET", f"?{query}", "sam", READ).json()["claims"]
        return sorted(claim["purchase"]["transaction_id"] for claim in found)


@pytest.fixture
def counter(ask: Ask) -> Counter:
    return Counter(ask)


def suggested(counter: Counter, claim: httpx.Response) -> tuple[bool, str | None, str | None]:
    """What the engine said last: whether the purchase is on file, which resolution that asks for, and the reason."""
    finding = counter.detail(claim)["findings"][-1]
    return finding["on_file"], finding["suggested"], finding["suggested_reason"]


class TestFinding:
    def test_a_purchase_that_was_paid(self, world: World, counter: Counter, give: Give) -> None:
        give()
        world.post(purchase("t1", amount=2_000, at=YESTERDAY))
        claim = counter.open()
        assert suggested(counter, claim) == (True, "on_its_way", None)
        pay(world, "pay")
        counter.do(claim, "review")
        assert suggested(counter, claim) == (True, "paid_already", None)
        (given,) = counter.detail(claim)["findings"][-1]["given"]
        assert (given["state"], given["reward_minor"]) == ("paid", 200)
        answer = counter.do(claim, "reject", resolution="paid_already").json()
        assert (answer["state"], answer["resolution"], answer["reason_code"]) == ("rejected", "paid_already", None)
        assert answer["told"] == "The cashback for this purchase has been credited to your card."

    def test_a_purchase_that_is_not_eligible_with_the_reason(self, world: World, counter: Counter, give: Give) -> None:
        give(activation="required")
        world.post(purchase("t1", amount=2_000, at=YESTERDAY))
        claim = counter.reviewed()
        assert suggested(counter, claim) == (True, "not_eligible", "not_activated")
        answer = counter.do(claim, "reject", resolution="not_eligible").json()
        assert (answer["resolution"], answer["reason_code"]) == ("not_eligible", "not_activated")
        assert answer["told"] == "You had not activated the offer."

    def test_a_purchase_that_never_came_whatever_else_was_bought(self, world: World, counter: Counter, give: Give) -> None:
        give()
        world.post(purchase("t2", amount=2_000, at=YESTERDAY))
        claim = counter.reviewed()
        assert suggested(counter, claim) == (False, "purchase_not_received", None)
        assert counter.do(claim, "reject", resolution="purchase_not_received").json()["state"] == "rejected"

    def test_a_purchase_that_the_budget_did_not_cover(self, world: World, counter: Counter, give: Give) -> None:
        give(budget=100)
        world.post(purchase("t1", amount=2_000, at=YESTERDAY))
        assert suggested(counter, counter.open()) == (True, "not_eligible", "budget_exhausted")

    def test_a_purchase_on_file_is_judged_as_it_is_on_file(self, world: World, counter: Counter, give: Give) -> None:
        give()
        world.post(purchase("t1", amount=2_000, at=YESTERDAY), refund(2_000))
        claim = counter.open(amount=9_000, merchant_id="shop-7")
        assert suggested(counter, claim) == (True, "not_eligible", "refunded")

    def test_one_offer_is_asked_about_or_all(self, world: World, counter: Counter, give: Give) -> None:
        give()
        give(activation="required")
        world.post(purchase("t1", amount=2_000, at=YESTERDAY))
        (strict,) = [
            row["offer_id"] for row in world.rows("SELECT offer_id FROM grants WHERE grant_id NOT IN (SELECT grant_id FROM redemptions)")
        ]
        assert suggested(counter, counter.open()) == (True, "on_its_way", None)
        one = counter.open(offer=strict)
        assert suggested(counter, one) == (True, "not_eligible", "not_activated")
        assert len(counter.detail(one)["findings"][-1]["verdict"]["verdicts"]) == 1

    def test_what_was_found_stays_as_it_was_then(self, world: World, counter: Counter, give: Give) -> None:
        give()
        claim = counter.open()
        first = counter.detail(claim)["findings"]
        world.post(purchase("t1", amount=2_000, at=YESTERDAY))
        counter.do(claim, "review")
        findings = counter.detail(claim)["findings"]
        assert findings[:1] == first
        assert [finding["on_file"] for finding in findings] == [False, True]

    def test_another_customers_purchase_and_an_unknown_offer_are_refused(self, world: World, counter: Counter, give: Give) -> None:
        give(customer="cust-2")
        world.post(purchase("t1", "cust-2", at=YESTERDAY))
        assert counter.open().status_code == 422
        assert counter.open("t2", offer=UUID(int=7)).status_code == 404
        assert counter.listed("") == []


class TestAccepted:
    def test_a_correction_is_asked_for_and_another_person_decides(self, world: World, counter: Counter, desk: Desk, give: Give) -> None:
        grant = give(activation="required")
        world.post(purchase("t1", amount=2_000, at=YESTERDAY))
        claim = counter.reviewed()
        answer = counter.do(claim, "accept", grant_id=GRANT.render(grant), amount="2.00").json()
        assert (answer["state"], answer["resolution"], stands(world)) == ("accepted", "accepted", [])
        correction = desk.send("GET", f"/{answer['correction_id']}", "ada", "corrections:read").json()["correction"]
        assert (correction["kind"], correction["state"], correction["requested_by"]) == ("force", "requested", "sam")
        own = desk.send("POST", f"/{answer['correction_id']}/approve", "sam", "corrections:approve", json=WHY)
        assert own.status_code == 403
        assert desk.send("POST", f"/{answer['correction_id']}/approve", "ada", "corrections:approve", json=WHY).status_code == 200
        assert stands(world) == [("t1", "payable", 200, 200, 0)]
        world.verify()

    def test_a_purchase_that_is_not_on_file_is_taken_as_the_customer_tells(
        self, world: World, counter: Counter, desk: Desk, give: Give
    ) -> None:
        grant = give()
        accepted = counter.do(counter.reviewed("t9", merchant_id="shop-9"), "accept", grant_id=GRANT.render(grant), amount=200).json()
        desk.send("POST", f"/{accepted['correction_id']}/approve", "ada", "corrections:approve", json=WHY)
        (redemption,) = world.redemptions()
        assert (redemption["merchant_id"], redemption["earned_at"], redemption["reward_minor"]) == ("shop-9", YESTERDAY, 200)

    def test_too_little_is_made_more(self, world: World, counter: Counter, desk: Desk, give: Give) -> None:
        give()
        world.post(purchase("t1", amount=2_000, at=YESTERDAY))
        redemption = world.redemptions()[0]["redemption_id"]
        accepted = counter.do(counter.reviewed(), "accept", redemption_id=REDEMPTION.render(redemption), amount=50).json()
        desk.send("POST", f"/{accepted['correction_id']}/approve", "ada", "corrections:approve", json=WHY)
        assert stands(world) == [("t1", "payable", 250, 50, 0)]
        world.verify()

    def test_a_claim_whose_correction_was_rejected_is_looked_into_again(self, counter: Counter, desk: Desk, give: Give) -> None:
        grant = give()
        claim = counter.reviewed()
        accepted = counter.do(claim, "accept", grant_id=GRANT.render(grant), amount=200).json()
        assert counter.do(claim, "review").status_code == 409
        desk.send("POST", f"/{accepted['correction_id']}/reject", "ada", "corrections:approve", json=WHY)
        assert counter.do(claim, "review").json()["claim"]["state"] == "in_review"
        assert counter.do(claim, "reject", resolution="purchase_not_received").json()["state"] == "rejected"

    @pytest.mark.parametrize("body", [{}, {"grant_id": f"grn_{'1' * 32}", "redemption_id": f"rdm_{'1' * 32}"}])
    def test_either_a_grant_or_a_redemption_is_named(self, counter: Counter, give: Give, body: dict[str, str]) -> None:
        give()
        answer = counter.do(counter.reviewed(), "accept", amount=200, **body)
        assert answer.status_code == 422
        assert "either a grant_id or a redemption_id" in answer.text

    def test_another_customers_grant_and_another_offers_are_refused(self, world: World, counter: Counter, give: Give) -> None:
        mine, theirs = give(), give(customer="cust-2")
        assert counter.do(counter.reviewed(), "accept", grant_id=GRANT.render(theirs), amount=200).status_code == 409
        (other,) = world.rows("SELECT offer_id FROM grants WHERE customer_id = 'cust-2'")
        claim = counter.reviewed("t2", offer=other["offer_id"])
        assert counter.do(claim, "accept", grant_id=GRANT.render(mine), amount=200).status_code == 409
        assert world.rows("SELECT * FROM corrections") == []


class TestLife:
    def test_every_step_is_kept_with_who_when_and_why(self, counter: Counter, give: Give, clock: SimulatedClock) -> None:
        give()
        claim = counter.open()
        clock.advance(NOW + timedelta(hours=1))
        counter.do(claim, "review")
        counter.do(claim, "withdraw", by="app")
        lines = [
            (line["action"], line["from_state"], line["to_state"], line["by"], line["at"]) for line in counter.detail(claim)["history"]
        ]
        assert lines == [
            ("open", None, "opened", "app", "2026-01-15T12:00:00Z"),
            ("review", "opened", "in_review", "sam", "2026-01-15T13:00:00Z"),
            ("withdraw", "in_review", "withdrawn", "app", "2026-01-15T13:00:00Z"),
        ]

    def test_a_claim_is_resolved_only_when_it_was_looked_into_and_only_once(self, counter: Counter, give: Give) -> None:
        give()
        claim = counter.open()
        assert counter.do(claim, "reject", resolution="purchase_not_received").status_code == 409
        counter.do(claim, "review")
        assert counter.do(claim, "reject", resolution="paid_already").status_code == 409
        assert counter.do(claim, "reject", resolution="purchase_not_received").status_code == 200
        for action, body in (("reject", {"resolution": "purchase_not_received"}), ("review", {}), ("withdraw", {})):
            assert counter.do(claim, action, **body).status_code == 409

    def test_a_purchase_is_claimed_once_while_the_claim_is_open(self, counter: Counter, give: Give) -> None:
        give()
        claim = counter.open()
        assert counter.open().status_code == 409
        counter.do(claim, "withdraw")
        assert counter.open().status_code == 201

    def test_the_same_request_again_gets_the_same_answer(self, world: World, counter: Counter, give: Give) -> None:
        grant = give()
        claims = [counter.open(key="open") for _ in range(2)]
        assert claims[0].json() == claims[1].json()
        counter.do(claims[0], "review")
        answers = [counter.do(claims[0], "accept", key="accept", grant_id=GRANT.render(grant), amount=200) for _ in range(2)]
        assert answers[0].json() == answers[1].json()
        assert len(world.rows("SELECT * FROM corrections")) == 1

    def test_two_who_resolve_at_once_resolve_once(self, world: World, counter: Counter, give: Give) -> None:
        grant = give()
        claim, together = counter.reviewed(), Barrier(2)

        def resolve(by: str) -> int:
            together.wait(10)
            return counter.do(claim, "accept", by=by, grant_id=GRANT.render(grant), amount=200).status_code

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(resolve, ("sam", "kim"))) == [200, 409]
        assert len(world.rows("SELECT * FROM corrections")) == 1

    def test_overdue_claims_are_marked_once_by_the_schedule_and_listed(
        self, world: World, counter: Counter, give: Give, clock: SimulatedClock
    ) -> None:
        give()
        claim, done, other = counter.open("t1"), counter.reviewed("t2"), counter.open("t3")
        counter.do(done, "reject", resolution="purchase_not_received")
        assert claim.json()["due_at"] == "2026-01-30T00:00:00Z"
        clock.advance(NOW + timedelta(days=14, hours=11))
        world.tick()
        assert (counter.listed("overdue=true"), counter.listed("overdue=false")) == ([], ["t1", "t2", "t3"])
        clock.advance(NOW + timedelta(days=14, hours=12))
        for _ in range(2):
            world.tick()
        assert counter.listed("overdue=true") == ["t1", "t3"]
        lines = [(line["action"], line["by"], line["to_state"]) for line in counter.detail(claim)["history"]]
        assert lines == [("open", "app", "opened"), ("overdue", "schedule", "opened")]
        counter.do(other, "review")
        counter.do(other, "reject", resolution="purchase_not_received")
        assert counter.listed("overdue=true") == ["t1"]
        assert counter.detail(other)["claim"]["overdue_at"] is not None

    def test_claims_are_listed_by_customer_and_state(self, counter: Counter, give: Give) -> None:
        give()
        counter.open("t1")
        counter.reviewed("t2")
        assert counter.listed("customer_id=cust-1") == ["t1", "t2"]
        assert counter.listed("customer_id=cust-2") == []
        assert counter.listed("state=in_review") == ["t2"]
        assert len(counter.listed("limit=1")) == 1

    def test_scopes_part_opening_resolving_and_reading(self, counter: Counter, give: Give) -> None:
        give()
        claim = counter.open().json()["claim_id"]
        assert counter.send("POST", f"/{claim}/review", "app", WRITE, READ, json=WHY).status_code == 403
        assert counter.send("GET", f"/{claim}", "app", WRITE).status_code == 403
        assert counter.send("POST", "", "sam", RESOLVE, json={}).status_code == 403
        assert counter.send("GET", f"/clm_{'0' * 32}", "sam", READ).status_code == 404


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM claims",
        "UPDATE claims SET said = ''",
        "UPDATE claim_history SET by = 'x'",
        "DELETE FROM claim_findings",
        "UPDATE claim_findings SET finding = ''",
    ],
)
def test_functions_can_not_rewrite_what_was_claimed_found_or_done(call: MakeCall, statement: str) -> None:
    with call().transaction() as tx, pytest.raises(psycopg.errors.InsufficientPrivilege):
        tx.connection.execute(statement)
