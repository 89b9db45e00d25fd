"""Questions answered together: those that come while the database is asked share the next read of it.

All of it happens on the event loop, for a change of threads costs as much as an answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from types import ModuleType
from typing import Any, Final

import structlog
from starlette.responses import Response

from shared.kernel.errors import Busy, CloError
from shared.kernel.wire import Wire
from shared.platform.call import Call
from shared.platform.http import Asked, HttpFunction, Understood, refusal

MOST_TOGETHER: Final = 32

Together = Callable[[Call, Sequence[Any]], Awaitable[Sequence[Wire | CloError]]]
"""A use case for several bodies: for each an answer, or what is wrong with it. The first one's call stands for all."""


class QuestionFunction(HttpFunction):
    """An HTTP function whose one route asks a question: an asynchronous use case that changes nothing and has a form for several bodies."""

    def __init__(self, name: str, service: ModuleType, together: Together) -> None:
        """Bind the route, and the form of its use case that answers several bodies at once."""
        super().__init__(name, service)
        self._together = together
        self._waiting: list[tuple[Understood, asyncio.Future[Response]]] = []
        self._answering: asyncio.Task[None] | None = None

    async def answer(self, asked: Asked) -> Response:
        """Answer with whoever else is waiting."""
        try:
            understood = self.understood(asked)
        except Exception as error:  # noqa: BLE001  (answered, as every error is)
            return refusal(error, asked.trace)
        response: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._waiting.append((understood, response))
        if self._answering is None:
            self._answering = asyncio.create_task(self._answer_waiting())
        return await response

    async def _answer_waiting(self) -> None:
        structlog.contextvars.bind_contextvars(function=self._function.name)
        try:
            while self._waiting:
                await asyncio.sleep(0)  # whatever has arrived is let in first
                taken, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
                answers = await self._answers([question for question, _ in taken])
                for (_, response), answer in zip(taken, answers, strict=True):
                    if not response.done():  # who asked may have gone
                        response.set_result(answer)
        finally:
            self._answering = None

    async def _answers(self, questions: list[Understood]) -> list[Response]:
        try:
            answers = await self._together(questions[0].call, [question.arguments["body"] for question in questions])
            return [_told(question, answer) for question, answer in zip(questions, answers, strict=True)]
        except Exception as error:  # noqa: BLE001  (answered, as every error is)
            if isinstance(error, Busy) or len(questions) == 1:
                return [refusal(error, question.asked.trace) for question in questions]
            return [response for question in questions for response in await self._answers([question])]  # one is at fault: only that fails


def _told(question: Understood, answer: Wire | CloError) -> Response:
    return refusal(answer, question.asked.trace) if isinstance(answer, CloError) else question.answer(answer)
