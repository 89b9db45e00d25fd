"""From a request to the arguments of a use case, with all that is wrong in one answer."""

import json
from types import ModuleType
from typing import Annotated

import pytest
from pydantic import Field, JsonValue

from functions.wiring import Route
from shared.kernel.errors import CardNumberFound, Invalid, Malformed
from shared.kernel.ids import CampaignId
from shared.kernel.wire import Amount, Text, Wire
from shared.platform.call import Call
from shared.platform.operations import BodySchema, Operation, operation, refuse_card_numbers, refuse_card_numbers_in_words

VISA = "4111111111111111"
CAMPAIGN = "cmp_01941f297c007aaa8000000000000001"


class Search(Wire):
    limit: int = 10


class Asked(Wire):
    name: Text
    amount: Amount
    tags: list[Text] = Field(default_factory=list)


def change(call: Call, campaign_id: CampaignId, query: Search, body: Asked) -> Asked:
    return body


def take(call: Call, raw: Annotated[bytes, BodySchema("things", Asked, 2)]) -> Asked:
    raise NotImplementedError


def ask(call: Call) -> Asked:
    raise NotImplementedError


def bound(name: str, path: str = "/v1/things", method: str = "POST") -> Operation:
    service = ModuleType("service")
    vars(service).update(change=change, take=take, ask=ask)
    return operation(Route(method=method, path=path, operation=name, scope="x", status=200), service)


CHANGE = bound("change", "/v1/things/{campaign_id}")


def problems(body: JsonValue, query: dict[str, str] | None = None, campaign_id: str = CAMPAIGN) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        CHANGE.arguments({"campaign_id": campaign_id}, query or {}, json.dumps(body).encode())
    return {problem.path: problem.message for problem in refused.value.problems}


def test_arguments_are_typed() -> None:
    arguments = CHANGE.arguments({"campaign_id": CAMPAIGN}, {"limit": "3"}, b'{"name": "x", "amount": "1.20"}')
    assert arguments["campaign_id"].hex == CAMPAIGN.removeprefix("cmp_")
    assert arguments["query"] == Search(limit=3)
    assert arguments["body"] == Asked(name="x", amount="1.20")


def test_all_problems_of_path_query_and_body_come_in_one_answer() -> None:
    found = problems({"amount": 1.5, "tags": ["", 3], "other": 1}, {"limit": "many", "page": "2"}, "cmp_1")
    assert set(found) == {"/path/campaign_id", "/query/limit", "/query/page", "/name", "/amount", "/tags/0", "/tags/1", "/other"}
    assert "never a float" in found["/amount"]


def test_names_in_a_pointer_are_escaped() -> None:
    assert "/a~1b~0c" in problems({"name": "x", "amount": 1, "a/b~c": 1})


@pytest.mark.parametrize("body", [b"{", b'{"name": "\xff"}', b'{"name": "\\ud800"}', b"[" * 100_000])
def test_what_is_no_json_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        CHANGE.arguments({"campaign_id": CAMPAIGN}, {}, body)


@pytest.mark.parametrize("body", [b"null", b"[]", b'"x"', b"3"])
def test_json_of_another_kind_is_invalid(body: bytes) -> None:
    with pytest.raises(Invalid):
        CHANGE.arguments({"campaign_id": CAMPAIGN}, {}, body)


def test_parameter_of_an_operation_without_any_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        bound("ask", method="GET").arguments({}, {"limit": "3"}, b"")
    assert refused.value.problems[0].path == "/query/limit"


def test_no_more_problems_than_a_person_would_read() -> None:
    assert len(problems({"tags": [""] * 1000})) <= 100


def test_batch_is_handed_over_as_it_came_and_its_shape_is_told() -> None:
    batch = bound("take")
    assert batch.arguments({}, {}, b"anything") == {"raw": b"anything"}
    assert batch.raw_schema
    schema = batch.raw_schema.model_json_schema()
    assert schema["required"] == ["things"]
    assert schema["properties"]["things"]["maxItems"] == 2


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({"a": VISA}, {"/a"}),
        ({"a": {"b": [0, {"c": "4111-1111 1111.1111"}]}}, {"/a/b/1/c"}),
        ({VISA: 1}, {"/{key}"}),
        ({VISA: {"x": VISA}}, {"/{key}", "/[card number]/x"}),
        ({"a": int(VISA)}, {"/a"}),
    ],
)
def test_card_number_is_refused_with_its_places_and_not_repeated(body: JsonValue, places: set[str]) -> None:
    with pytest.raises(CardNumberFound) as refused:
        refuse_card_numbers(json.dumps(body).encode())
    assert {problem.path for problem in refused.value.problems} == places
    assert VISA not in repr(refused.value.problems)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": "\\u0034111111111111111"}',
        b'{"a": "\\uff14111111111111111"}',
        b'{"\\u0034111111111111111": 1}',
        f'{{"a": "{VISA}", "a": "x"}}'.encode(),
        f'{{"a": "{VISA}"'.encode(),
    ],
)
def test_disguised_card_number_is_refused(body: bytes) -> None:
    with pytest.raises(CardNumberFound):
        refuse_card_numbers(body)


@pytest.mark.parametrize(
    "body", [b"", b'{"a": "\\u0041"', b'{"a": "\\u00e9"}', b'{"amount": 1234567890123}', json.dumps({"id": CAMPAIGN}).encode()]
)
def test_body_without_a_card_number_passes(body: bytes) -> None:
    refuse_card_numbers(body)


@pytest.mark.parametrize("words", [f"/v1/customers/{VISA}", "card=4111+1111+1111+1111", "card=4111%201111%201111%201111", f"%34{VISA[1:]}"])
def test_card_number_in_an_address_is_refused(words: str) -> None:
    with pytest.raises(CardNumberFound):
        refuse_card_numbers_in_words("", words)
