"""The parts that all functions of one process share."""

import asyncio
import gc
import importlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeVar, TypeVarTuple

from shared.kernel.clock import Clock, SystemClock
from shared.platform import outbox
from shared.platform.auth import Verifier
from shared.platform.database import Database
from shared.platform.settings import Settings, settings
from shared.platform.telemetry import set_up_logging

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")

GARBAGE: Final = 100_000
GENERATION: Final = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Runtime:
    """Database, clock, verifier and threads of this process."""

    settings: Settings
    database: Database
    clock: Clock
    verifier: Verifier
    threads: ThreadPoolExecutor
    bulk: outbox.Outlet = outbox.store
    """Where bulk events go: into the outbox, or straight to Kafka."""


def tune_memory() -> None:
    """Let the garbage collector look less often, and never at what is there at start: a batch makes many values that all stay or all go."""
    gc.freeze()
    gc.set_threshold(GARBAGE, GENERATION, GENERATION)


def build_runtime(settings: Settings, clock: Clock) -> Runtime:
    """Open the parts that the settings ask for."""
    set_up_logging(settings.log_level)
    tune_memory()
    return Runtime(
        settings=settings,
        database=Database(settings.database_url, pool_size=settings.pool_size, timeout_seconds=settings.pool_timeout_seconds),
        clock=clock,
        verifier=Verifier(settings),
        threads=ThreadPoolExecutor(settings.pool_size, thread_name_prefix="use-case"),
        bulk=_bulk_outlet(settings.kafka_bootstrap),
    )


def _bulk_outlet(bootstrap: str | None) -> outbox.Outlet:
    if bootstrap is None:
        return outbox.store
    straight = importlib.import_module("shared.platform.kafka.straight")  # only who needs the client waits until it is loaded
    outlet: outbox.Outlet = straight.StraightToKafka(bootstrap)
    return outlet


@cache
def _own_runtime() -> Runtime:
    return build_runtime(settings(), SystemClock())


_installed: list[Runtime] = []


def install(runtime: Runtime) -> None:
    """Let all functions of this process run on these parts; for programs that mount several functions."""
    _installed[:] = [runtime]


def require_settings() -> None:
    """Refuse to start on wrong settings. A program that has installed its parts needs none in the environment."""
    if not _installed:
        settings()


def runtime() -> Runtime:
    """The parts of this process: those installed, else built from the environment at first use."""
    return _installed[0] if _installed else _own_runtime()


async def in_thread(work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
    """Run synchronous work in one of the process's threads."""
    return await asyncio.get_running_loop().run_in_executor(runtime().threads, work, *arguments)
