"""What integration tests share."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest


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
