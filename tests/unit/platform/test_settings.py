"""Wrong settings stop the program with their names and never with what they hold."""

from collections.abc import Iterator
from types import ModuleType

import pytest

from shared.kernel.errors import Invalid
from shared.platform import runtime as shared_runtime
from shared.platform.http import HttpFunction
from shared.platform.settings import Settings, settings

GOOD = {"CLO_DATABASE_URL": "postgresql://clo_app:hunter2@host/clo", "CLO_JWKS": "keys.json"}


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"CLO_{name.upper()}", raising=False)
    settings.cache_clear()
    yield
    settings.cache_clear()


def set_all(monkeypatch: pytest.MonkeyPatch, **more: str) -> None:
    for name, value in {**GOOD, **more}.items():
        monkeypatch.setenv(name, value)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, CLO_POOL_SIZE="3")
    assert settings().pool_size == 3
    assert settings().shards == 16


def test_missing_settings_are_named_together() -> None:
    with pytest.raises(Invalid, match=r"CLO_DATABASE_URL: .*CLO_JWKS: "):
        settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CLO_DATABASE_URL", "mysql://root:hunter2@host/clo"),
        ("CLO_POOL_SIZE", "0"),
        ("CLO_POOL_SIZE", "many"),
        ("CLO_POOL_TIMEOUT_SECONDS", "0"),
        ("CLO_SHARDS", "1025"),
        ("CLO_LOG_LEVEL", "loud"),
        ("CLO_KAFKA_BOOTSTRAP", "broker"),
        ("CLO_KAFKA_BOOTSTRAP", "one:9092,two"),
    ],
)
def test_wrong_setting_is_named_and_its_value_kept_quiet(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    set_all(monkeypatch, **{name: value})
    with pytest.raises(Invalid) as refused:
        settings()
    assert [problem.path for problem in refused.value.problems] == [name]
    assert name in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_function_does_not_start_on_wrong_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_runtime, "_installed", [])
    with pytest.raises(Invalid, match="CLO_JWKS"):
        HttpFunction("manage_merchants", ModuleType("unused"))
