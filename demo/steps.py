"""The steps of the demo, shown with progress while they run; how long each took."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn


@dataclass(kw_only=True)
class Step:
    """One step: its name, and the seconds that were spent in it."""

    name: str
    seconds: float
    _progress: Progress
    _task: TaskID

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Count the time that is spent here; a step may be left and taken up again."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - start
            self._progress.update(self._task, seconds=self.seconds)

    def advance(self, done: int = 1) -> None:
        """So many more are done."""
        self._progress.advance(self._task, done)


class Steps:
    """All steps, on one screen."""

    def __init__(self, console: Console) -> None:
        """Show progress on a console."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[seconds]:.1f} s"))
        self._progress = Progress(*columns, console=console)
        self._lock = threading.Lock()
        self._steps: dict[str, Step] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def step(self, name: str, total: int) -> Step:
        """A new step with so many things to do."""
        with self._lock:
            step = Step(name=name, seconds=0.0, _progress=self._progress, _task=self._progress.add_task(name, total=total, seconds=0.0))
            self._steps[name] = step
            return step

    @contextmanager
    def only(self, name: str, total: int) -> Iterator[Step]:
        """A new step that is done in one go."""
        step = self.step(name, total)
        with step.under_way():
            yield step

    @property
    def seconds(self) -> dict[str, float]:
        """How long each step took, in the order in which they began."""
        return {step.name: step.seconds for step in self._steps.values()}
