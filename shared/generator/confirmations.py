"""What an Aggregator tells of a day's purchases: the redemptions that it confirms, and what it settles of them.

A line is of each message that changes what a purchase earned: a purchase, a clearing, a refund. Of the lines about one redemption the
latest holds, as the last message about a purchase does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.audiences.grants_told import grant_id_of
from shared.files.taking import subject_of
from shared.files.writing import Columns
from shared.generator.chance import below, bits
from shared.generator.days import Day
from shared.generator.portfolio import blocks, joined, moments
from shared.generator.programme import CURRENCY, Programme
from shared.generator.purchases import Rows
from shared.kernel.ids import REDEMPTION, derived_id

HOUR: Final = 3_600
CONFIRMED_HOURS: Final = 9
"""After a day has ended in UTC, and in every town."""
SETTLED_HOURS: Final = 15
TELLING: Final = pa.array(["purchase", "clearing", "refund"])
OF_LINE: Final = 50
"""What is drawn for."""


def redemptions(day: Day, programme: Programme) -> Iterator[Columns]:
    """The records of redemptions that the Aggregator confirms of a day's purchases, in blocks."""
    return _lines(day, programme, CONFIRMED_HOURS)


def settlement(day: Day, programme: Programme) -> Iterator[Columns]:
    """The records of what it settles: the same redemptions, later in the day."""
    return _lines(day, programme, SETTLED_HOURS)


def _lines(day: Day, programme: Programme, hours: int) -> Iterator[Columns]:
    for rows in blocks(day.rows_on(day.day)):
        earning = _Lines(day=day, programme=programme, rows=rows).earning
        if len(earning):
            yield _Lines(day=day, programme=programme, rows=earning).columns(hours)


@dataclass(frozen=True, kw_only=True)
class _Lines:
    """Some rows of a day, and what an Aggregator makes of them."""

    day: Day
    programme: Programme
    rows: pa.Array

    @cached_property
    def said(self) -> Rows:
        return Rows(day=self.day, rows=self.rows)

    @property
    def earning(self) -> pa.Array:
        """The rows that are about a purchase that earned something."""
        said, terms = self.said, self.programme.terms
        able = pc.and_(pc.is_in(said.kind, TELLING), self._in_window)
        rows = self.rows.filter(pc.and_(able, terms.offered.take(said.merchant)))
        some = _Lines(day=self.day, programme=self.programme, rows=rows)
        given = self.programme.given(some.said.customer, some.said.merchant)
        return rows.filter(pc.and_(given, pc.greater(some.before, 0)))

    @property
    def _in_window(self) -> pa.Array:
        first, last = self.programme.window
        inside = [first <= self.day.day - timedelta(days=ago) <= last for ago in range(self.day.farthest + 1)]
        return pa.array(inside).take(self.said.ago)

    @cached_property
    def before(self) -> pa.Array:
        """What the purchase has earned by what was told of it; of a refund, before that."""
        said = self.said
        cleared = pc.if_else(pc.or_(said.refund, pc.less(said.share, 0)), said.settled, said.moved)  # a last part makes it whole
        return self.programme.terms.of(said.merchant, cleared)

    @property
    def after(self) -> pa.Array:
        """What it has earned then."""
        said = self.said
        left = self.programme.terms.of(said.merchant, pc.subtract(said.settled, said.moved))
        return pc.if_else(said.refund, left, self.before)

    @property
    def _redemption_ids(self) -> pa.Array:
        subject = subject_of(self.programme.bank)
        references = self.programme.grant_references(self.said.customer, self.said.merchant)
        named = zip(references.to_pylist(), self.said.purchase_id.to_pylist(), strict=True)
        return pa.array([REDEMPTION.render(derived_id(grant_id_of(subject, grant), purchase)) for grant, purchase in named])

    def columns(self, hours: int) -> Columns:
        """Their lines, so many hours after the day."""
        said = self.said
        gone = pc.equal(self.after, 0)
        end = datetime.combine(self.day.day + timedelta(days=1), time(), UTC) + timedelta(hours=hours)
        seconds = pc.add(below(bits(self.rows, OF_LINE, self.programme.portfolio.seed), HOUR), pc.if_else(said.refund, HOUR, 0))
        return {
            "reference": joined("r", said.purchase_id),
            "redemption_id": self._redemption_ids,
            "amount": pc.if_else(gone, self.before, self.after),
            "currency": pa.repeat(CURRENCY, len(self.rows)),
            "at": moments(pc.add(seconds, int(end.timestamp()))),
            "state": pc.if_else(gone, "reversed", "confirmed"),
        }
