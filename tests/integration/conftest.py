"""What integration tests share."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from tests.integration.platform.receiver import Receiver


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that is carried out from now on."""
    seen: list[str] = []
    execute: Callable[..., object] = psycopg.Cursor.execute

    def record(self: psycopg.Cursor[object], query: object, *args: Any, **kwargs: Any) -> object:
        seen.append(str(query))
        return execute(self, query, *args, **kwargs)

    monkeypatch.setattr(psycopg.Cursor, "execute", record)
    return seen


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Stands for the functions."""
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield receiver
    receiver.gate.set()
    receiver.server.shutdown()
    receiver.server.server_close()
    thread.join()
