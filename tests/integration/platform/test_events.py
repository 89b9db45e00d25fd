"""Functions that take events: each effect once, and an answer by the delivery contract."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Lock
from uuid import UUID

import httpx
import pytest
from starlette.types import ASGIApp

from events.catalog import BY_PAYLOAD
from events.envelope import Envelope, to_http
from events.files import ChunkReady
from events.payloads import ScheduleTicked
from functions.registry import BY_NAME
from shared.kernel import errors as e
from shared.kernel.ids import EVENT, new_id
from shared.kernel.wire import Wire
from shared.platform.call import Call
from shared.platform.database import Database
from shared.platform.runtime import Runtime
from tests.conftest import NOW
from tests.integration.platform.conftest import POOL, Ask, Asking, event_app

EVENT_ID = new_id(NOW)


def ticked(
    *, event_id: UUID = EVENT_ID, payload: bytes | None = None, kind: str = "clo.schedule.ticked.v1", source: str = "/clo"
) -> Envelope:
    said = payload if payload is not None else ScheduleTicked(at=NOW).model_dump_json().encode()
    return Envelope(event_id=event_id, type=kind, source=source, subject="schedule", occurred_at=NOW, payload=said)


def bump(call: Call, _payload: Wire) -> None:
    """An effect that can be counted."""
    with call.transaction() as tx:
        tx.bump("offers")


@pytest.fixture
def effects(database: Database) -> Callable[[], int]:
    """How many times the effect happened."""

    def revision() -> int:
        with database.connection() as connection:
            row = connection.execute("SELECT revision FROM revisions WHERE area = 'offers'").fetchone()
            assert row is not None
            return int(row["revision"])

    before = revision()
    return lambda: revision() - before


@pytest.fixture
def counting(ask: Ask) -> Asking:
    return ask(event_app("run_schedule", run_schedule=bump))


def test_event_is_taken(counting: Asking, effects: Callable[[], int]) -> None:
    assert counting.event(ticked()).status_code == 204
    assert effects() == 1


def test_event_that_the_use_case_reads_itself_has_one_effect(ask: Ask, effects: Callable[[], int]) -> None:
    came: list[bytes] = []

    def reads(call: Call, raw: bytes) -> None:
        came.append(raw)
        with call.transaction() as tx:
            tx.bump("offers")

    asking = ask(event_app("run_schedule", run_schedule=reads))
    assert [asking.event(ticked()).status_code for _ in range(2)] == [204, 204]
    assert came == [ticked().payload] * 2
    assert effects() == 1


def test_event_delivered_again_has_no_second_effect(counting: Asking, effects: Callable[[], int]) -> None:
    answers = [counting.event(ticked()).status_code for _ in range(3)]
    assert answers == [204, 204, 204]
    assert effects() == 1


def test_no_more_events_are_taken_at_a_time_than_an_instance_was_given_memory_for(parts: Runtime) -> None:
    counting, at_once, most = Lock(), 0, 0

    def count(_call: Call, _payload: Wire) -> None:
        nonlocal at_once, most
        with counting:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.05)
        with counting:
            at_once -= 1

    answers = asyncio.run(deliver_at_once(event_app("process_chunk", process_chunk=count), 2 * POOL))
    assert {answer.status_code for answer in answers} == {204}
    assert most == BY_NAME["process_chunk"].scale.concurrency < POOL


async def deliver_at_once(app: ASGIApp, count: int) -> list[httpx.Response]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://clo") as client:
        return await asyncio.gather(*(client.post("/", headers=headers, content=body) for headers, body in map(to_http, chunks(count))))


def chunks(count: int) -> Iterator[Envelope]:
    for number in range(1, count + 1):
        payload = ChunkReady(drop_id=UUID(int=0), number=number, step="read").model_dump_json().encode()
        yield ticked(event_id=new_id(NOW), payload=payload, kind=BY_PAYLOAD[ChunkReady].type)


def test_events_are_told_apart_by_source_and_id(counting: Asking, effects: Callable[[], int]) -> None:
    counting.event(ticked())
    counting.event(ticked(source="/elsewhere"))
    counting.event(ticked(event_id=new_id(NOW + timedelta(seconds=1))))
    assert effects() == 3


def test_same_id_with_another_content_is_no_second_effect_and_not_lost(counting: Asking, effects: Callable[[], int]) -> None:
    counting.event(ticked())
    other = ScheduleTicked(at=NOW + timedelta(hours=1)).model_dump_json().encode()
    answer = counting.event(ticked(payload=other))
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:clo:problem:idempotency_key_reused")
    assert effects() == 1


def test_event_whose_use_case_fails_is_taken_when_it_comes_again(ask: Ask, effects: Callable[[], int]) -> None:
    tries = iter([True, False])

    def fail_once(call: Call, _payload: Wire) -> None:
        with call.transaction() as tx:
            tx.bump("offers")
            if next(tries):
                raise RuntimeError("after the effect")

    asking = ask(event_app("run_schedule", run_schedule=fail_once))
    assert asking.event(ticked()).status_code == 500
    assert effects() == 0
    assert asking.event(ticked()).status_code == 204
    assert effects() == 1


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (e.Busy(), 503),
        (e.Broken(), 500),
        (e.Conflict(), 204),
        (e.NotFound(), 204),
        (e.Invalid(), 422),
        (e.Malformed(), 400),
        (RuntimeError(), 500),
    ],
)
def test_error_becomes_the_status_that_makes_the_deliverer_do_the_right_thing(ask: Ask, error: Exception, status: int) -> None:
    def fail(_call: Call, _payload: Wire) -> None:
        raise error

    assert ask(event_app("run_schedule", run_schedule=fail)).event(ticked()).status_code == status


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (ticked(payload=b"{"), 422),
        (ticked(payload=b"{}"), 422),
        (ticked(payload=b'{"at": "2026-01-15T12:00:00Z", "other": 1}'), 422),
        (ticked(payload=b""), 400),
        (ticked(kind="org.example.other"), 422),
    ],
)
def test_poison_is_answered_with_what_sends_it_to_the_dead_letters_at_once(counting: Asking, event: Envelope, status: int) -> None:
    assert counting.event(event).status_code == status
    assert status in {400, 422}


def test_event_of_a_known_type_that_the_function_does_not_take_is_let_pass(counting: Asking, effects: Callable[[], int]) -> None:
    """A source on Kafka delivers all events of its topics."""
    assert counting.event(ticked(kind="clo.campaign.ended.v1")).status_code == 204
    assert counting.event(ticked(kind="clo.campaign.ended.v1", payload=b"{")).status_code == 204
    assert effects() == 0
    assert counting.event(ticked()).status_code == 204  # it was not taken under that id
    assert effects() == 1


def without(*names: str) -> Callable[[Asking], httpx.Response]:
    def send(asking: Asking) -> httpx.Response:
        headers, body = to_http(ticked())
        return asking("POST", "/", content=body, headers={name: value for name, value in headers.items() if name not in names})

    return send


@pytest.mark.parametrize("name", ["ce-id", "ce-type", "ce-source", "ce-specversion"])
def test_request_that_is_no_cloudevent_of_ours_is_malformed(counting: Asking, name: str) -> None:
    assert without(name)(counting).status_code == 400


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("ce-id", "batch-17", "id of the CloudEvent must be evt_ and 32 hexadecimal digits"),
        ("ce-time", "yesterday", "time of the CloudEvent must be a moment"),
    ],
)
def test_attribute_that_can_not_be_read_is_named(counting: Asking, name: str, value: str, told: str) -> None:
    headers, body = to_http(ticked())
    answer = counting("POST", "/", content=body, headers={**headers, name: value})
    assert answer.status_code == 400
    assert told in answer.json()["detail"]


def test_event_in_structured_mode_is_the_same_event(counting: Asking, effects: Callable[[], int]) -> None:
    whole = {
        "specversion": "1.0",
        "id": EVENT.render(EVENT_ID),
        "source": "/clo",
        "type": "clo.schedule.ticked.v1",
        "time": NOW.isoformat(),
        "datacontenttype": "application/json",
        "data": {"at": "2026-01-15T12:00:00Z"},
    }
    answer = counting("POST", "/", content=json.dumps(whole).encode(), headers={"Content-Type": "application/cloudevents+json"})
    assert answer.status_code == 204
    assert counting.event(ticked(payload=json.dumps(whole["data"]).encode())).status_code == 204
    assert effects() == 1


def test_event_larger_than_an_event_may_be_is_refused(counting: Asking) -> None:
    assert counting.event(ticked(payload=b" " * ((1 << 20) + 1))).status_code == 422


def test_event_function_is_healthy_and_ready(counting: Asking) -> None:
    assert counting("GET", "/healthz").status_code == 200
    assert counting("GET", "/readyz").status_code == 200
