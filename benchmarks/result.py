"""What a benchmark says: our figure, the peer's, their ratio, and whether the goal holds."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One line. `ratio` is what the goal is about; `at_least` or `at_most` is the goal."""

    name: str
    ours: str
    peer: str
    ratio: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the goal is met."""
        return (self.at_least is None or self.ratio >= self.at_least) and (self.at_most is None or self.ratio <= self.at_most)

    @property
    def goal(self) -> str:
        """The goal in words."""
        return f">= {self.at_least:g}" if self.at_least is not None else f"<= {self.at_most:g}"

    def cells(self) -> tuple[str, ...]:
        """Name, our figure, the peer's, ratio, goal, verdict."""
        return self.name, self.ours, self.peer, f"{self.ratio:.2f}", self.goal, "holds" if self.holds else "short"


HEADINGS = ("what", "ours", "peer", "ratio", "goal", "verdict")


def show(results: Sequence[Result]) -> None:
    """Print a table for a person."""
    table = Table(*HEADINGS)
    for result in results:
        table.add_row(*result.cells())
    Console().print(table)


def markdown(results: Sequence[Result]) -> str:
    """The table for a document."""
    lines = [HEADINGS, tuple("---" for _ in HEADINGS), *(result.cells() for result in results)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"
