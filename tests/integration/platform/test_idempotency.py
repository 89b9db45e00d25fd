"""One key, one effect, one answer; whoever asks, however often, at whatever moment."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from shared.campaigns import service, store
from shared.campaigns.api import Campaigns, CampaignView, NewCampaign
from shared.campaigns.model import Campaign
from shared.kernel.errors import Conflict
from shared.platform.call import Call, Transaction
from shared.platform.database import Database
from tests.integration.platform.conftest import Ask, Asking, http_app, wait_until


def campaign(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Coffee",
        "objective": "more visits",
        "portfolio": "gold",
        "currency": "USD",
        "window": {"start": "2026-02-01", "end": "2026-02-28", "zone": "America/New_York"},
        **changes,
    }


def create(asking: Asking, key: str | None, **changes: Any) -> httpx.Response:
    return asking("POST", "/v1/campaigns", json=campaign(**changes), headers={"Idempotency-Key": key} if key else {})


def count(asking: Asking) -> int:
    return len(asking("GET", "/v1/campaigns").json()["campaigns"])


@pytest.fixture
def asking(ask: Ask) -> Asking:
    return ask("manage_campaigns")


def test_same_key_and_input_gives_the_first_answer_and_says_so(asking: Asking) -> None:
    first, second = create(asking, "k1"), create(asking, "k1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert count(asking) == 1


def test_same_key_with_another_input_is_a_conflict(asking: Asking) -> None:
    create(asking, "k1")
    answer = create(asking, "k1", name="Tea")
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:clo:problem:idempotency_key_reused"
    assert count(asking) == 1


def test_another_key_or_none_is_another_request(asking: Asking) -> None:
    for key in ("k1", "k2", None, None):
        assert create(asking, key).status_code == 201
    assert count(asking) == 4


def test_key_of_another_subject_or_operation_is_another_key(asking: Asking, ask: Ask) -> None:
    first = create(asking, "k1").json()
    assert create(ask("manage_campaigns", "noor"), "k1").headers.get("Idempotency-Replayed") is None
    path = f"/v1/campaigns/{first['campaign_id']}/budget-requests"
    answer = asking("POST", path, json={"amount": 100, "reason": "go"}, headers={"Idempotency-Key": "k1"})
    assert answer.status_code == 201


def test_same_key_on_another_path_of_the_operation_is_a_conflict(asking: Asking) -> None:
    one, other = create(asking, None).json()["campaign_id"], create(asking, None).json()["campaign_id"]
    body = {"amount": 100, "reason": "go"}
    asking("POST", f"/v1/campaigns/{one}/budget-requests", json=body, headers={"Idempotency-Key": "k"})
    answer = asking("POST", f"/v1/campaigns/{other}/budget-requests", json=body, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 409


def test_refused_request_keeps_no_answer_so_that_it_can_be_mended(asking: Asking) -> None:
    assert create(asking, "k1", currency="dollars").status_code == 422
    assert create(asking, "k1").status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_key_of_impossible_length_is_refused(asking: Asking, key: str) -> None:
    answer = asking("POST", "/v1/campaigns", json=campaign(), headers={"Idempotency-Key": key})
    assert answer.status_code == 422
    assert count(asking) == 0


def test_two_requests_at_once_with_one_key_have_one_effect(asking: Asking, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is sent while the first holds its transaction open; it waits and gets the first one's answer."""
    insert, entered, go_on = store.insert, threading.Event(), threading.Event()

    def insert_slowly(tx: Transaction, campaign: Campaign) -> bool:
        entered.set()
        assert go_on.wait(10)
        return insert(tx, campaign)

    monkeypatch.setattr(store, "insert", insert_slowly)
    with ThreadPoolExecutor() as threads:
        first = threads.submit(create, asking, "k1")
        assert entered.wait(10)
        second = threads.submit(create, asking, "k1")
        wait_until(lambda: waiting_for_another(database))
        go_on.set()
        answers = [first.result(10), second.result(10)]
    assert {answer.status_code for answer in answers} == {201}
    assert answers[0].content == answers[1].content
    assert [answer.headers.get("Idempotency-Replayed") for answer in answers] == [None, "true"]
    assert count(asking) == 1


def waiting_for_another(database: Database) -> bool:
    with database.connection() as connection:
        return connection.execute("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone() is not None


def test_when_the_first_of_two_fails_the_second_carries_it_out(ask: Ask) -> None:
    tries = iter([True, False])

    def fail_once(call: Call, body: NewCampaign) -> CampaignView:
        if next(tries):
            with call.transaction():
                raise Conflict
        return service.create_campaign(call, body)

    asking = ask(http_app("manage_campaigns", service, create_campaign=fail_once))
    assert create(asking, "k1").status_code == 409
    again = create(asking, "k1")
    assert again.status_code == 201
    assert "Idempotency-Replayed" not in again.headers


def test_many_at_once_with_one_key_have_one_effect(asking: Asking) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: create(asking, "k1"), range(16)))
    assert {answer.content for answer in answers} == {answers[0].content}
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert count(asking) == 1


def test_question_keeps_nothing(ask: Ask, database: Database) -> None:
    def list_nothing(call: Call) -> Campaigns:
        return Campaigns(campaigns=[])

    asking = ask(http_app("manage_campaigns", service, list_campaigns=list_nothing))
    assert asking("GET", "/v1/campaigns", headers={"Idempotency-Key": "k1"}).status_code == 200
    with database.connection() as connection:
        assert connection.execute("SELECT FROM handled").fetchall() == []
