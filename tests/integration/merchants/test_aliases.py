"""Other names of merchants: sent in bulk, shown, looked up, and never of two merchants at one moment."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from shared.kernel.reasons import Reason
from shared.merchants import service
from shared.merchants.ladder import Clues, Match, match
from shared.merchants.model import Rung
from shared.platform.batches import BatchAnswer
from tests.conftest import NOW, MakeCall

JANUARY, FEBRUARY = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
ACQUIRER: dict[str, Any] = {"kind": "acquirer", "merchant_id": "a-77"}
NETWORK: dict[str, Any] = {"kind": "network", "network": "visa", "network_merchant_id": "n-5"}
DESCRIPTOR: dict[str, Any] = {"kind": "descriptor", "descriptor": "SQ *Blue Cup #7", "mcc": "5814", "country": "US", "city": "Seattle"}


def put(call: MakeCall, *sent: tuple[str, list[dict[str, Any]]]) -> BatchAnswer:
    merchants = [{"merchant_id": merchant_id, "name": "Shop", "mcc": "5814", "aliases": aliases} for merchant_id, aliases in sent]
    return service.put_merchants(call(), json.dumps({"merchants": merchants}).encode())


def aliases(call: MakeCall, merchant_id: str = "m1") -> list[dict[str, Any]]:
    return [alias.model_dump(mode="json", exclude_none=True) for alias in service.get_merchant(call(), merchant_id).aliases]


def matched(call: MakeCall, **said: Any) -> Match:
    clues = Clues(**{"at": NOW, **said})
    with call().reading() as tx:
        return match(clues, service.look_up(tx, [clues]))


def paths(answer: BatchAnswer) -> list[str]:
    return [problem.path for item in answer.rejected for problem in item.problems]


def test_shows_a_merchant_with_its_names_as_they_are_matched(call: MakeCall) -> None:
    dated = ACQUIRER | {"valid_from": JANUARY, "valid_to": FEBRUARY}
    assert put(call, ("m1", [dated, NETWORK, DESCRIPTOR])) == BatchAnswer(accepted=1, rejected=[])
    assert aliases(call) == [dated, DESCRIPTOR | {"descriptor": "BLUE CUP", "city": "SEATTLE"}, NETWORK]


def test_names_that_are_not_sent_again_stay_and_one_that_is_gets_its_new_end(call: MakeCall) -> None:
    put(call, ("m1", [ACQUIRER, NETWORK]))
    put(call, ("m1", [ACQUIRER | {"valid_to": FEBRUARY}]))
    put(call, ("m1", []))
    assert aliases(call) == [ACQUIRER | {"valid_to": FEBRUARY}, NETWORK]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"merchant_id": "m1"}, Match("m1", Rung.MERCHANT_ID)),
        ({"merchant_id": "a-77"}, Match("m1", Rung.ACQUIRER)),
        ({"network": "visa", "network_merchant_id": "n-5"}, Match("m1", Rung.NETWORK)),
        ({"descriptor": "BLUE CUP", "mcc": "5814", "country": "US", "city": "SEATTLE"}, Match("m1", Rung.DESCRIPTOR)),
        ({"descriptor": "BLUE CUP", "mcc": "5814", "country": "US"}, Match(None, Reason.MERCHANT_UNKNOWN)),
        ({"merchant_id": "n-5", "network_merchant_id": "a-77", "descriptor": "m1"}, Match("n-5", Reason.MERCHANT_UNKNOWN)),
    ],
)
def test_each_rung_finds_its_own_names(call: MakeCall, said: dict[str, str], found: Match) -> None:
    put(call, ("m1", [ACQUIRER, NETWORK, DESCRIPTOR]), ("m2", []))
    assert matched(call, **said) == found


def test_a_merchant_that_changed_its_acquirer_is_found_by_either_id_in_its_time(call: MakeCall) -> None:
    old, new = ACQUIRER | {"valid_to": JANUARY}, ACQUIRER | {"merchant_id": "a-99", "valid_from": JANUARY}
    put(call, ("m1", [old, new]))
    before = NOW.replace(day=1, hour=0) - timedelta(microseconds=1)
    assert [matched(call, merchant_id=said, at=at).merchant_id for said, at in (("a-77", before), ("a-99", NOW))] == ["m1", "m1"]
    assert [matched(call, merchant_id=said, at=at).merchant_id for said, at in (("a-77", NOW), ("a-99", before))] == ["a-77", "a-99"]


def test_a_name_that_another_merchant_has_is_refused_and_the_others_are_taken(call: MakeCall) -> None:
    put(call, ("m1", [ACQUIRER, NETWORK]))
    answer = put(call, ("m2", [NETWORK, DESCRIPTOR, ACQUIRER]), ("m3", [DESCRIPTOR]))
    assert (answer.accepted, answer.rejected[0].id, paths(answer)) == (1, "m2", ["/merchants/0/aliases/0", "/merchants/0/aliases/2"])
    assert aliases(call, "m3") != []


def test_a_name_passes_to_another_merchant_with_its_end(call: MakeCall) -> None:
    put(call, ("m1", [ACQUIRER]))
    assert put(call, ("m1", [ACQUIRER | {"valid_to": JANUARY}]), ("m2", [ACQUIRER | {"valid_from": JANUARY}])).accepted == 2
    assert matched(call, merchant_id="a-77") == Match("m2", Rung.ACQUIRER)


def test_a_name_that_never_should_have_been_is_taken_back(call: MakeCall) -> None:
    put(call, ("m1", [ACQUIRER | {"valid_from": JANUARY}]))
    put(call, ("m1", [ACQUIRER | {"valid_from": JANUARY, "valid_to": JANUARY}]))
    assert put(call, ("m2", [ACQUIRER])).accepted == 1
    assert matched(call, merchant_id="a-77") == Match("m2", Rung.ACQUIRER)


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        ({"kind": "nickname"}, "/merchants/0/aliases/1"),
        ({"kind": "acquirer"}, "/merchants/0/aliases/1/merchant_id"),
        (ACQUIRER | {"network": "visa"}, "/merchants/0/aliases/1/network"),
        (DESCRIPTOR | {"valid_from": FEBRUARY, "valid_to": JANUARY}, "/merchants/0/aliases/1/valid_to"),
        (ACQUIRER | {"valid_from": "2026-01-01T00:00:00"}, "/merchants/0/aliases/1/valid_from"),
        (NETWORK | {"network": "VISA"}, "/merchants/0/aliases/1/network"),
        (DESCRIPTOR | {"descriptor": " * "}, "/merchants/0/aliases/1/descriptor"),
        (DESCRIPTOR | {"mcc": "581"}, "/merchants/0/aliases/1/mcc"),
    ],
)
def test_a_bad_name_is_told_with_its_place(call: MakeCall, bad: dict[str, Any], path: str) -> None:
    assert paths(put(call, ("m1", [NETWORK, bad]))) == [path]


def test_two_requests_at_once_never_give_one_name_to_two_merchants(call: MakeCall) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: put(call, (f"m{number}", [ACQUIRER, DESCRIPTOR])), range(8)))
    assert sum(answer.accepted for answer in answers) == 1


def test_merchants_with_and_without_names_can_be_sent_at_once(call: MakeCall) -> None:
    def send(number: int) -> int:
        return put(call, *((f"m{merchant}", [ACQUIRER] * (merchant == number % 2 == 0)) for merchant in range(20))).accepted

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(send, range(16))) == [20] * 16


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    statements: list[object] = []
    execute = psycopg.Cursor.execute

    def executing(cursor: psycopg.Cursor[Any], statement: Any, *values: Any, **options: Any) -> psycopg.Cursor[Any]:  # noqa: ANN401
        statements.append(statement)
        return execute(cursor, statement, *values, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", executing)
    return statements


def test_names_are_taken_and_looked_up_in_as_many_statements_for_many_as_for_few(call: MakeCall, executed: list[object]) -> None:
    counts = []
    for many in (2, 200):
        executed.clear()
        put(call, *((f"m{number}", [NETWORK | {"network_merchant_id": f"n-{many}-{number}"}]) for number in range(many)))
        with call().reading() as tx:
            service.look_up(tx, [Clues(at=NOW, network_merchant_id=f"n-{many}-{number}") for number in range(many)])
        counts.append(len(executed))
    assert counts[0] == counts[1]
