"""What files are asked for, and which files that makes."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final
from zlib import crc32

from shared.files.layout import Layout
from shared.files.library import Library
from shared.files.names import FileName, Format, Kind, Scope
from shared.files.writing import Columns
from shared.generator import portfolio
from shared.generator.damage import Spoiler, damages_of
from shared.generator.days import ALL_KINDS, Day
from shared.generator.files import Made, write_file
from shared.generator.habits import WEEKDAYS
from shared.generator.lives import NEEDS_SEQUENCE
from shared.generator.portfolio import Portfolio
from shared.generator.purchases import transactions
from shared.kernel.errors import Invalid, NotFound


class NotWritten(Invalid):
    """Files of this layout can't be generated."""

    code = "not_written"


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """Files that fit together."""

    portfolio: Portfolio
    day: date
    rows: int
    """Transactions of the day; of a usual one where there are several."""
    days: int = 1
    sender: str = "mybank"
    packed: bool = False
    bad: float = 0.0
    """The share of bad lines."""
    codes: Sequence[str] = ()
    """What they are bad by; whatever the layout allows where none is named."""

    def write(self, layouts: Sequence[Layout], folder: Path) -> Iterator[Made]:
        """Write a file for each layout, of transactions one for each day. Raises NothingToSpoil before anything is written."""
        damages = [damages_of(layout, self.codes) if self.bad else [] for layout in layouts]
        folder.mkdir(parents=True, exist_ok=True)
        for layout, ways in zip(layouts, damages, strict=True):
            for day, blocks in self._records(layout):
                name = self._name(layout, day)
                seed = self.portfolio.seed ^ crc32(name.file_id.encode())  # no two files are bad in the same lines
                yield write_file(folder, name, layout, blocks, Spoiler(layout=layout, share=self.bad, seed=seed, damages=ways))

    def _records(self, layout: Layout) -> Iterator[tuple[date, Iterator[Columns]]]:
        if layout.kind is not Kind.TRANSACTIONS:
            yield self.day, STANDING[layout.kind](self.portfolio)
            return
        for after in range(self.days):
            day = self.day + timedelta(days=after)
            yield day, transactions(Day(portfolio=self.portfolio, day=day, rows_on=self.rows_on, kinds=kinds_of(layout)))

    def rows_on(self, day: date) -> int:
        """How many transactions a day has."""
        return round(self.rows * WEEKDAYS[day.weekday()]) if self.days > 1 else self.rows

    def _name(self, layout: Layout, day: date) -> FileName:
        return FileName(
            kind=layout.kind,
            sender=layout.senders[0] if layout.senders else self.sender,
            day=day,
            sequence=1,
            scope=Scope.DELTA if layout.kind is Kind.TRANSACTIONS else Scope.FULL,
            revision=1,
            format=layout.format,
            gzip=self.packed,
        )


STANDING: Final[Mapping[Kind, Callable[[Portfolio], Iterator[Columns]]]] = {
    Kind.MERCHANTS: portfolio.merchants,
    Kind.CUSTOMERS: portfolio.customers,
    Kind.CARDS: portfolio.cards,
}


GENERATED: Final = frozenset({Kind.TRANSACTIONS, *STANDING})


def choose(library: Library, kinds: Collection[Kind], names: Sequence[str]) -> list[Layout]:
    """A layout for each kind: the one of these that is of it, or the packaged one of csv. Raises NotFound and NotWritten."""
    unknown = set(names) - set(library.layouts)
    if unknown:
        raise NotFound(f"There is no layout {', '.join(sorted(unknown))}; there are {', '.join(sorted(library.layouts))}.")
    wanted = [library.layouts[name] for name in names]
    for layout in wanted:
        if layout.format is Format.PARQUET or layout.kind not in GENERATED:
            raise NotWritten(f"Files of {layout.name} can't be generated.")
    by_kind = {layout.kind: layout for layout in wanted}
    return [by_kind.get(kind) or library.layouts[f"clo-{kind.value}-csv"] for kind in kinds]


def kinds_of(layout: Layout) -> Collection[str]:
    """The kinds of messages that a layout of transactions can tell."""
    told = {field.target: field for field in layout.fields}
    kind = told.get("kind")
    if kind is None or kind.constant is not None:
        return frozenset({"purchase"})
    possible = ALL_KINDS & set(kind.values.values()) if kind.values else ALL_KINDS
    return possible if "sequence" in told else possible - NEEDS_SEQUENCE
