"""What systems of the bank tell as events does what the same does over HTTP; what is bad ends with the dead letters, with its reasons."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from events.envelope import Envelope
from shared.audiences import customers
from shared.kernel.errors import NotFound
from shared.kernel.ids import new_id
from shared.merchants import service as merchants
from tests.conftest import NOW, MakeCall
from tests.integration.audiences.builders import customer
from tests.integration.platform.conftest import Ask

GOOD = {"merchant_id": "roastery", "name": "The Roastery", "mcc": "5814"}
BAD = {"merchant_id": "bakery", "name": "The Bakery", "mcc": "bread"}
Tell = Callable[..., httpx.Response]


@pytest.fixture
def tell(ask: Ask) -> Tell:
    """Delivers an event in which the bank tells of merchants or customers."""
    asking = {what: ask(f"take_{what}") for what in ("merchants", "customers")}

    def send(
        what: str, *items: dict[str, Any], event_id: UUID | None = None, at: datetime = NOW, body: bytes | None = None
    ) -> httpx.Response:
        payload = json.dumps({what: items}).encode() if body is None else body
        envelope = Envelope(
            event_id=event_id or new_id(NOW), type=f"clo.{what}.told.v1", source="/bank/crm", subject=what, occurred_at=at, payload=payload
        )
        return asking[what].event(envelope)

    return send


def test_merchants_that_are_told_are_known(tell: Tell, call: MakeCall) -> None:
    assert tell("merchants", GOOD).status_code == 204
    assert merchants.get_merchant(call(), "roastery").name == "The Roastery"


def test_the_good_ones_are_taken_and_the_bad_ones_named(tell: Tell, call: MakeCall) -> None:
    answer = tell("merchants", BAD, GOOD, GOOD)
    assert answer.status_code == 422
    assert answer.json()["detail"] == "1 were taken, 2 were not: bakery, roastery."
    assert [problem["path"] for problem in answer.json()["problems"]] == ["/merchants/0/mcc", "/merchants/2"]
    assert merchants.get_merchant(call(), "roastery").name == "The Roastery"
    with pytest.raises(NotFound):
        merchants.get_merchant(call(), "bakery")


def test_delivered_again_the_bad_ones_are_named_again_and_nothing_is_taken_twice(tell: Tell, call: MakeCall) -> None:
    event_id = new_id(NOW)
    first = tell("merchants", BAD, GOOD, event_id=event_id)
    tell("merchants", {**GOOD, "name": "The New Roastery"})
    again = tell("merchants", BAD, GOOD, event_id=event_id)
    assert (again.status_code, again.json()["detail"], again.json()["problems"]) == (422, first.json()["detail"], first.json()["problems"])
    assert merchants.get_merchant(call(), "roastery").name == "The New Roastery"


def test_another_batch_under_the_same_id_is_not_lost(tell: Tell) -> None:
    event_id = new_id(NOW)
    assert tell("merchants", GOOD, event_id=event_id).status_code == 204
    assert tell("merchants", GOOD, event_id=event_id).status_code == 204
    answer = tell("merchants", {**GOOD, "name": "Other"}, event_id=event_id)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:clo:problem:idempotency_key_reused")


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"[]", 422), (b'{"merchants": []}', 422), (b'{"merchants": [], "more": 1}', 422)]
)
def test_a_batch_that_can_not_be_read_is_refused_whole(tell: Tell, body: bytes, status: int) -> None:
    assert tell("merchants", body=body).status_code == status


def test_a_card_number_is_refused_with_its_place(tell: Tell, call: MakeCall) -> None:
    answer = tell("customers", customer("c1"), customer("4111111111111111"))
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:clo:problem:card_number_found")
    assert answer.json()["problems"][0]["path"] == "/customers/1/customer_id"
    assert "4111111111111111" not in answer.text
    with pytest.raises(NotFound):
        customers.get_customer(call(), "c1")


def test_consent_stands_since_its_event_in_whatever_order_events_come(tell: Tell, call: MakeCall) -> None:
    given, withdrawn = NOW - timedelta(hours=2), NOW - timedelta(hours=1)
    assert tell("customers", customer("c1", consent=False), at=withdrawn).status_code == 204
    assert tell("customers", customer("c1", consent=True), at=given).status_code == 204
    view = customers.get_customer(call(), "c1")
    assert [(line.at, line.given) for line in view.consents] == [(given, True), (withdrawn, False)]
    assert view.consent is False


def test_what_an_item_tells_goes_before_the_time_of_the_event_and_no_event_is_of_the_future(tell: Tell, call: MakeCall) -> None:
    said = NOW - timedelta(days=3)
    tell("customers", customer("c1", consent_at=said.isoformat()), customer("c2"), at=NOW + timedelta(hours=1))
    assert customers.get_customer(call(), "c1").consents[0].at == said
    assert customers.get_customer(call(), "c2").consents[0].at == NOW
