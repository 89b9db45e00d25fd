"""What files are asked for, and which files that makes."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Final
from uuid import UUID
from zlib import crc32

from shared.files.layout import Layout
from shared.files.library import Library
from shared.files.names import FileName, Format, Kind, Scope, read_name
from shared.files.writing import Columns
from shared.generator import confirmations, portfolio, programme, results
from shared.generator.damage import Spoiler, damages_of
from shared.generator.days import ALL_KINDS, Day
from shared.generator.files import Made, write_file
from shared.generator.habits import WEEKDAYS
from shared.generator.lives import NEEDS_SEQUENCE
from shared.generator.portfolio import Portfolio
from shared.generator.programme import Programme
from shared.generator.purchases import transactions
from shared.kernel.errors import Invalid, NotFound


class NotWritten(Invalid):
    """Files of this layout can't be generated."""

    code = "not_written"


@dataclass(frozen=True, kw_only=True)
class Order:
    """Files that fit together."""

    portfolio: Portfolio
    day: date
    rows: int
    """Transactions of the day; of a usual one where there are several."""
    days: int = 1
    sender: str = "mybank"
    partner: str = "agg-one"
    """The Aggregator's name."""
    campaign: UUID | None = None
    """Whose budget pays for the Aggregator's offers, where it is one of the user's own."""
    credits: Path | None = None
    """The file of statement credits that results of payouts are about."""
    packed: bool = False
    bad: float = 0.0
    """The share of bad lines."""
    codes: Sequence[str] = ()
    """What they are bad by; whatever the layout allows where none is named."""

    def write(self, layouts: Sequence[Layout], folder: Path) -> Iterator[Made]:
        """Write a file for each layout, of daily kinds one for each day.

        Raises NothingToSpoil, and of results of payouts NoCredits and NotCredits, before anything is written.
        """
        if any(layout.kind is Kind.PAYOUTS for layout in layouts):
            results.name_of(self.credits)
        damages = [damages_of(layout, self.codes) if self.bad else [] for layout in layouts]
        kinds = next((kinds_of(layout) for layout in layouts if layout.kind is Kind.TRANSACTIONS), ALL_KINDS)
        folder.mkdir(parents=True, exist_ok=True)
        for layout, ways in zip(layouts, damages, strict=True):
            for day, sequence, blocks in self._records(layout.kind, kinds):
                name = self._name(layout, day, sequence)
                seed = self.portfolio.seed ^ crc32(name.file_id.encode())  # no two files are bad in the same lines
                yield write_file(folder, name, layout, blocks, Spoiler(layout=layout, share=self.bad, seed=seed, damages=ways))

    def _records(self, kind: Kind, kinds: Collection[str]) -> Iterator[tuple[date, int, Iterator[Columns]]]:
        """Day, sequence and records of each file of a kind. `kinds`: the messages that the files of transactions tell."""
        if kind is Kind.PAYOUTS and self.credits:
            asked = results.name_of(self.credits)
            yield asked.day, asked.sequence, results.results(self.credits, self.portfolio.seed)
            return
        if kind in STANDING:
            yield self.day, 1, STANDING[kind](self)
            return
        for after in range(self.days):
            day = Day(portfolio=self.portfolio, day=self.day + timedelta(days=after), rows_on=self.rows_on, kinds=kinds)
            yield day.day, 1, DAILY[kind](self, day)

    @cached_property
    def programme(self) -> Programme:
        """What the Aggregator brings in the year of the first day."""
        return Programme(portfolio=self.portfolio, year=self.day.year, partner=self.partner, bank=self.sender, campaign=self.campaign)

    def rows_on(self, day: date) -> int:
        """How many transactions a day has."""
        return round(self.rows * WEEKDAYS[day.weekday()]) if self.days > 1 else self.rows

    def _name(self, layout: Layout, day: date, sequence: int) -> FileName:
        name = FileName(
            kind=layout.kind,
            sender=layout.senders[0] if layout.senders else self.partner if layout.kind in OF_PARTNER else self.sender,
            day=day,
            sequence=sequence,
            scope=Scope.FULL if layout.kind in WHOLE else Scope.DELTA,
            revision=1,
            format=layout.format,
            gzip=self.packed,
        )
        return read_name(str(name))


STANDING: Final[Mapping[Kind, Callable[[Order], Iterator[Columns]]]] = {
    Kind.MERCHANTS: lambda order: portfolio.merchants(order.portfolio),
    Kind.CUSTOMERS: lambda order: portfolio.customers(order.portfolio),
    Kind.CARDS: lambda order: portfolio.cards(order.portfolio),
    Kind.SEGMENTS: lambda order: portfolio.segments(order.portfolio),
    Kind.OFFERS: lambda order: programme.offers(order.programme),
    Kind.GRANTS: lambda order: programme.grants(order.programme),
}
"""Kinds of which there is one file."""
DAILY: Final[Mapping[Kind, Callable[[Order, Day], Iterator[Columns]]]] = {
    Kind.TRANSACTIONS: lambda _order, day: transactions(day),
    Kind.REDEMPTIONS: lambda order, day: confirmations.redemptions(day, order.programme),
    Kind.SETTLEMENT: lambda order, day: confirmations.settlement(day, order.programme),
}
"""Kinds of which there is a file for each day."""
WHOLE: Final = frozenset({Kind.MERCHANTS, Kind.CUSTOMERS, Kind.CARDS, Kind.SEGMENTS})
"""Kinds whose files say all that there is."""
OF_PARTNER: Final = frozenset({Kind.OFFERS, Kind.REDEMPTIONS, Kind.SETTLEMENT})
"""Kinds that the Aggregator sends."""
GENERATED: Final = frozenset({*STANDING, *DAILY, Kind.PAYOUTS})


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
