"""One table from errors to answers."""

import json
from typing import Any

import pytest

from shared.kernel import errors as e
from shared.platform.problems import EVENT_STATUS, STATUS, problem_body, status_of

VISA = "4111111111111111"


def body(error: e.CloError) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(problem_body(error, trace="t"))
    return document


def every_error(of: type[e.CloError] = e.CloError) -> list[type[e.CloError]]:
    return [kind for sub in of.__subclasses__() if sub.__module__ == e.__name__ for kind in (sub, *every_error(sub))]


@pytest.mark.parametrize("kind", every_error())
def test_every_error_has_a_status_for_callers_and_for_deliverers(kind: type[e.CloError]) -> None:
    assert 400 <= status_of(kind()) < 600
    assert status_of(kind(), EVENT_STATUS) in {204, 400, 415, 422, 500, 503}
    assert body(kind())["type"] == f"urn:clo:problem:{kind.code}"


def test_codes_are_each_one_thing() -> None:
    codes = [kind.code for kind in every_error()]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (e.SelfApproval(), 403),
        (e.KeyReused(), 409),
        (e.CardNumberFound(), 422),
        (e.TooLarge(), 413),
        (e.Busy(), 503),
        (e.MethodNotAllowed(), 405),
    ],
)
def test_most_particular_class_decides(error: e.CloError, status: int) -> None:
    assert status_of(error, STATUS) == status == body(error)["status"]


def test_event_that_is_refused_by_the_state_of_things_is_done() -> None:
    assert status_of(e.Conflict(), EVENT_STATUS) == 204


def test_all_problems_are_listed_with_their_places() -> None:
    error = e.Invalid(problems=(e.Problem(path="/a", message="no"), e.Problem(path="/b/0", message="no")))
    assert [problem["path"] for problem in body(error)["problems"]] == ["/a", "/b/0"]


def test_facts_stand_beside_and_never_in_place_of_the_rest() -> None:
    answer = body(e.Conflict("Not now.", left_minor=3, status="live", type="mine"))
    assert answer["left_minor"] == 3
    assert answer["status"] == 409
    assert answer["type"] == "urn:clo:problem:conflict"


def test_card_numbers_are_masked_wherever_they_stand() -> None:
    error = e.Invalid(f"no {VISA}", (e.Problem(path=f"/{VISA}/x", message=f"{VISA} is wrong"),))
    assert VISA not in json.dumps(body(error))
    assert VISA not in json.dumps(body(e.Conflict(seen=[VISA], number=int(VISA))))
