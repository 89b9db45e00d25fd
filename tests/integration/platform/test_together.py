"""Questions answered together: each gets its own answer, and one that fails takes nobody along."""

import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import ModuleType

import httpx
import pytest
from starlette.types import ASGIApp

from shared.kernel.errors import Busy, CloError, NotFound
from shared.kernel.wire import Wire
from shared.platform.call import Call
from shared.platform.local.keys import LocalKeys, all_scopes
from shared.platform.runtime import Runtime
from shared.platform.together import MOST_TOGETHER, QuestionFunction, Together
from tests.integration.platform.conftest import as_app

PATH = "/v1/eligibility"
MANY = 3 * MOST_TOGETHER


class Number(Wire):
    """A question and its answer."""

    number: int


Answers = Sequence[Wire | CloError]


class Questions:
    """A use case that tells what it was asked together, and answers with the same number."""

    def __init__(self, at_first: Callable[[list[int]], Answers | None] = lambda _numbers: None) -> None:
        self.asked: list[list[int]] = []
        self.begun = asyncio.Event()
        self.at_first = at_first

    async def together(self, call: Call, bodies: Sequence[Number]) -> Answers:
        numbers = [body.number for body in bodies]
        self.asked.append(numbers)
        self.begun.set()
        assert threading.current_thread() is threading.main_thread()
        await asyncio.sleep(0.01)
        return self.at_first(numbers) or bodies


@pytest.fixture
def ask_all(parts: Runtime, keys: LocalKeys) -> Callable[..., list[httpx.Response]]:
    """Asks many questions at once, on one event loop."""
    token = keys.token("maya", all_scopes(), now=datetime.now(UTC))

    def ask(together: Together, *bodies: bytes, authorization: str = f"Bearer {token}") -> list[httpx.Response]:
        async def send() -> list[httpx.Response]:
            transport = httpx.ASGITransport(app=_app(together))
            headers = {"Authorization": authorization, "Content-Type": "application/json"}
            async with httpx.AsyncClient(transport=transport, base_url="http://clo", headers=headers) as client:
                await client.get("/healthz")
                return await asyncio.gather(*(client.post(PATH, content=body) for body in bodies))

        return asyncio.run(send())

    return ask


AskAll = Callable[..., list[httpx.Response]]


def _app(together: Together) -> ASGIApp:
    async def check_eligibility(call: Call, body: Number) -> Number:
        raise AssertionError("answered together, never alone")

    service = ModuleType("questions")
    vars(service).update(check_eligibility=check_eligibility)
    return as_app(QuestionFunction("check_eligibility", service, together))


def said(number: object) -> bytes:
    return json.dumps({"number": number}).encode()


def test_each_gets_its_own_answer_and_few_reads_serve_many(ask_all: AskAll) -> None:
    questions = Questions()
    answers = ask_all(questions.together, *map(said, range(MANY)))
    assert [answer.json() for answer in answers] == [{"number": number} for number in range(MANY)]
    assert sorted(number for numbers in questions.asked for number in numbers) == list(range(MANY))
    assert max(map(len, questions.asked)) == MOST_TOGETHER
    assert len(questions.asked) <= 1 + MANY // MOST_TOGETHER


def test_what_is_not_understood_is_refused_without_being_asked(ask_all: AskAll) -> None:
    questions = Questions()
    answers = ask_all(questions.together, said(1), said("one"), b"{", said(2), said(4111111111111111))
    assert [answer.status_code for answer in answers] == [200, 422, 400, 200, 422]
    assert sorted(number for numbers in questions.asked for number in numbers) == [1, 2]


def test_caller_without_a_token_is_refused(ask_all: AskAll) -> None:
    (answer,) = ask_all(Questions().together, said(1), authorization="")
    assert answer.status_code == 401


def test_wrong_question_gets_its_own_problem(ask_all: AskAll) -> None:
    def one_unknown(numbers: list[int]) -> Answers:
        return [NotFound("There is no such number.") if number == 2 else Number(number=number) for number in numbers]

    answers = ask_all(Questions(one_unknown).together, *map(said, range(4)))
    assert [answer.status_code for answer in answers] == [200, 200, 404, 200]
    assert answers[2].json()["detail"] == "There is no such number."
    assert answers[2].headers["content-type"] == "application/problem+json"


def test_question_that_breaks_the_use_case_fails_alone(ask_all: AskAll) -> None:
    def breaks(numbers: list[int]) -> None:
        if 2 in numbers:
            raise ZeroDivisionError

    answers = ask_all(Questions(breaks).together, *map(said, range(5)))
    assert [answer.status_code for answer in answers] == [200, 200, 500, 200, 200]
    assert "ZeroDivision" not in answers[2].text


def test_database_that_is_away_is_told_to_all_without_asking_again(ask_all: AskAll) -> None:
    def away(_numbers: list[int]) -> None:
        raise Busy("The database can't be reached.")

    questions = Questions(away)
    answers = ask_all(questions.together, *map(said, range(8)))
    assert {answer.status_code for answer in answers} == {503}
    assert {answer.headers["retry-after"] for answer in answers} == {"1"}
    assert sum(map(len, questions.asked)) == 8


def test_who_hangs_up_takes_nobody_along(parts: Runtime, keys: LocalKeys) -> None:
    token = keys.token("maya", all_scopes(), now=datetime.now(UTC))
    questions = Questions()

    async def send() -> list[int]:
        transport = httpx.ASGITransport(app=_app(questions.together))
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://clo", headers=headers) as client:
            tasks = [asyncio.create_task(client.post(PATH, content=said(number))) for number in range(6)]
            await questions.begun.wait()
            tasks[0].cancel()
            answers = await asyncio.wait_for(asyncio.gather(*tasks[1:]), timeout=30)
            last = await client.post(PATH, content=said(9))
            return [answer.json()["number"] for answer in (*answers, last)]

    assert asyncio.run(send()) == [1, 2, 3, 4, 5, 9]
