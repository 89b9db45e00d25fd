"""Dead letters: whatever comes to the sink is kept, nothing personal is shown, and people decide what becomes of it."""

import base64
import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.envelope import to_http
from shared.kernel.ids import EVENT
from shared.platform.database import Database
from shared.platform.letters import sink
from shared.platform.letters.sink import LONGEST, consumer_of, letter_of
from tests.integration.platform.conftest import Ask, Asking
from tests.integration.platform.test_events import EVENT_ID, ticked

DESTINATION: Final = "http://127.0.0.1:8080/events/run_schedule"
WHY: Final = {"reason": "The cause is mended."}
CARD: Final = "4111 1111 1111 1111"

Send = Callable[..., int]


@pytest.fixture
def send(ask: Ask) -> Send:
    """Brings a dead event to the sink, as a source does: the answer's status."""
    asking = ask("store_dead_letter")

    def post(body: bytes | None = None, *, reason: str = "no such offer", **attributes: str) -> int:
        headers, payload = to_http(ticked())
        said = base64.b64encode(reason.encode()).decode()
        errors = {"knativeerrordest": DESTINATION, "knativeerrorcode": "422", "knativeerrordata": said}
        told = {f"ce-{name}": value for name, value in (errors | attributes).items()}
        return asking("POST", "/", headers=headers | told, content=payload if body is None else body).status_code

    return post


@pytest.fixture
def manage(ask: Ask) -> Asking:
    return ask("manage_dead_letters", "omar")


def letters(manage: Asking, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = manage("GET", "/v1/dead-letters", params=query).json()["letters"]
    return found


def outbox(database: Database) -> list[dict[str, Any]]:
    with database.connection() as connection:
        return list(connection.execute("SELECT event_id, topic, pending, retained, payload FROM outbox").fetchall())


def test_letter_is_kept_with_all_that_is_known_of_it(send: Send, manage: Asking) -> None:
    assert send() == 204
    (letter,) = letters(manage)
    assert letter | {"letter_id": "", "dead_since": ""} == {
        "letter_id": "",
        "dead_since": "",
        "consumer": "run_schedule",
        "event_id": EVENT.render(EVENT_ID),
        "type": "clo.schedule.ticked.v1",
        "source": "/clo",
        "subject": "schedule",
        "topic": "clo.schedule",
        "key": "",
        "occurred_at": "2026-01-15T12:00:00Z",
        "status": 422,
        "reason": "no such offer",
        "attempts": None,
        "state": "waiting",
        "whole": True,
    }
    detail = manage("GET", f"/v1/dead-letters/{letter['letter_id']}").json()
    assert (detail["letter"], detail["payload"], detail["decisions"]) == (letter, '{"at": "2026-01-15T12:00:00Z"}', [])


def test_letter_that_comes_again_is_the_same_letter(send: Send, manage: Asking) -> None:
    send(reason="once")
    (first,) = letters(manage)
    send(reason="twice")
    (second,) = letters(manage)
    assert (second["letter_id"], second["reason"]) == (first["letter_id"], "twice")
    send(knativeerrordest=DESTINATION.replace("run_schedule", "pay_cashback"))
    assert len(letters(manage)) == 2
    assert len(letters(manage, consumer="pay_cashback")) == 1


@pytest.mark.parametrize("body", [b"", b"\xff\x00raw", b"[" * 100_000, b"null"])
def test_record_that_is_no_event_of_ours_is_kept_too(send: Send, manage: Asking, database: Database, body: bytes) -> None:
    made = {"type": "dev.knative.kafka.event", "id": "partition:0/offset:7", "source": "/kafka#clo.transactions", "time": "yesterday"}
    assert send(body, **made) == 204
    (letter,) = letters(manage)
    assert (letter["topic"], letter["event_id"], letter["occurred_at"]) == ("clo.transactions", "partition:0/offset:7", None)
    with database.connection() as connection:
        assert connection.execute("SELECT payload FROM dead_letters").fetchall() == [{"payload": body}]
    assert manage("GET", f"/v1/dead-letters/{letter['letter_id']}").status_code == 200


def test_request_without_a_word_of_what_it_is_is_kept_too(ask: Ask, manage: Asking) -> None:
    assert ask("store_dead_letter")("POST", "/", content=b"x").status_code == 204
    (letter,) = letters(manage)
    assert (letter["consumer"], letter["type"], letter["event_id"], letter["status"]) == ("unknown", "unknown", "unknown", None)


def test_what_is_longer_than_is_kept_is_kept_in_part(send: Send, manage: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink, "MOST_BYTES", 10)
    assert send(b"abcdefghij and more") == 204
    (letter,) = letters(manage)
    detail = manage("GET", f"/v1/dead-letters/{letter['letter_id']}").json()
    assert (letter["whole"], detail["payload"]) == (False, "abcdefghij")
    refused = manage("POST", f"/v1/dead-letters/{letter['letter_id']}/redrive", json=WHY)
    assert (refused.status_code, "not kept whole" in refused.json()["detail"]) == (409, True)


@pytest.mark.parametrize(
    "body",
    [f'{{"card": "{CARD}"}}'.encode(), f"\xff {CARD}".encode(), json.dumps({"card": CARD}).replace("4", "\\u0034").encode()],
)
def test_card_number_is_not_even_kept(send: Send, manage: Asking, database: Database, body: bytes) -> None:
    send(body, reason=f"{CARD} is unknown", subject=CARD)
    with database.connection() as connection:
        found = connection.execute("SELECT dead_letters::text AS row, convert_from(payload, 'UTF8') AS said FROM dead_letters").fetchall()
    assert "1111" not in str(found)
    assert "[card number]" in found[0]["said"]
    (letter,) = letters(manage)
    assert (letter["whole"], letter["reason"]) == (False, "[card number] is unknown")


def test_contact_data_is_not_shown(send: Send, manage: Asking) -> None:
    send(b'{"to": "anna\\u0040mail.example", "call": "+49 30 1234567"}', reason="anna@mail.example is unknown", subject="a@b.example")
    send(b'{"to": "anna\\u0040mail.example", "call": ', id="17")  # cut off
    found = letters(manage)
    shown = "".join(str(manage("GET", f"/v1/dead-letters/{letter['letter_id']}").json()) for letter in found) + str(found)
    assert not any(word in shown for word in ("mail.example", "b.example", "1234567"))
    assert "[e-mail address] is unknown" in shown


def test_redriven_letter_is_in_the_outbox_for_its_function_alone(send: Send, manage: Asking, database: Database) -> None:
    send()
    (letter,) = letters(manage)
    answer = manage("POST", f"/v1/dead-letters/{letter['letter_id']}/redrive", json=WHY)
    assert (answer.status_code, answer.json()["state"]) == (200, "redriven")
    (row,) = outbox(database)
    assert (row["event_id"], row["topic"], row["pending"], row["retained"]) == (EVENT_ID, "clo.schedule", ["run_schedule"], False)
    assert row["payload"] == ticked().payload
    assert letters(manage) == []
    (decision,) = manage("GET", f"/v1/dead-letters/{letter['letter_id']}").json()["decisions"]
    assert (decision["decision"], decision["decided_by"], decision["reason"]) == ("redrive", "omar", WHY["reason"])


def test_letter_that_is_dead_again_waits_again_and_keeps_what_was_decided(send: Send, manage: Asking) -> None:
    send()
    for _ in range(2):
        (letter,) = letters(manage)
        assert manage("POST", f"/v1/dead-letters/{letter['letter_id']}/redrive", json=WHY).status_code == 200
        send()
    (letter,) = letters(manage)
    assert len(manage("GET", f"/v1/dead-letters/{letter['letter_id']}").json()["decisions"]) == 2


def test_discarded_letter_waits_no_more_and_is_kept(send: Send, manage: Asking, database: Database) -> None:
    send(b"rubbish", id="17")
    (letter,) = letters(manage)
    path = f"/v1/dead-letters/{letter['letter_id']}"
    refused = manage("POST", f"{path}/redrive", json=WHY)
    assert (refused.status_code, "no event of ours" in refused.json()["detail"]) == (409, True)
    assert manage("POST", f"{path}/discard", json=WHY).json()["state"] == "discarded"
    assert manage("POST", f"{path}/discard", json=WHY).status_code == 409
    assert manage("POST", f"{path}/redrive", json=WHY).status_code == 409
    assert (letters(manage), len(letters(manage, state="discarded")), outbox(database)) == ([], 1, [])


def test_letters_are_listed_page_by_page_the_newest_first(send: Send, manage: Asking) -> None:
    for number in range(5):
        send(id=str(number))
    first = manage("GET", "/v1/dead-letters", params={"limit": 3}).json()
    second = manage("GET", "/v1/dead-letters", params={"limit": 3, "after": first["next"]}).json()
    assert [letter["event_id"] for page in (first, second) for letter in page["letters"]] == list("43210")
    assert second["next"] is None


def test_scopes_are_asked_for(ask: Ask, send: Send, manage: Asking) -> None:
    send()
    (letter,) = letters(manage)
    reader, writer = (ask("manage_dead_letters", "omar", (f"dead-letters:{scope}",)) for scope in ("read", "write"))
    assert reader("GET", "/v1/dead-letters").status_code == 200
    assert writer("GET", "/v1/dead-letters").status_code == 403
    assert reader("POST", f"/v1/dead-letters/{letter['letter_id']}/discard", json=WHY).status_code == 403
    assert writer("POST", f"/v1/dead-letters/{letter['letter_id']}/discard", json=WHY).status_code == 200
    assert reader("GET", "/v1/dead-letters/ltr_00000000000000000000000000000001").status_code == 404


@pytest.mark.parametrize(
    ("destination", "consumer"),
    [
        (DESTINATION, "run_schedule"),
        ("http://redeem-cashback.clo.svc.cluster.local", "redeem_cashback"),
        ("http://redeem-cashback.clo.svc.cluster.local/", "redeem_cashback"),
        ("https://redeem-cashback.example.org:8443/events/", "redeem_cashback"),
        ("", "unknown"),
        ("nonsense", "unknown"),
        ("http://[bad", "unknown"),
    ],
)
def test_function_is_known_by_its_address(destination: str, consumer: str) -> None:
    assert consumer_of(destination) == consumer


@given(
    st.dictionaries(
        st.sampled_from(["id", "type", "source", "time", "knativeerrordest", "knativeerrorcode", "knativeerrordata"]), st.text()
    ),
    st.binary(max_size=100),
)
def test_letter_is_made_of_anything(attributes: dict[str, str], body: bytes) -> None:
    letter = letter_of({f"ce-{name}": value for name, value in attributes.items()}, body)
    said = (letter.consumer, letter.said_id, letter.type, letter.source, letter.reason)
    assert all(text and text.isprintable() and len(text) <= LONGEST for text in said if text)
    assert letter.reason
    assert letter.status is None or 0 <= letter.status <= 999
