"""What an Aggregator brings for a bank's customers in a year: an offer for each of some merchants, and to whom the bank gives it.

Each purchase that reaches an offer's threshold earns by itself. So what a purchase comes to follows from it alone, whatever else its
customer bought.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, reduce
from typing import Final
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from shared.aggregators.offers import offer_id_of
from shared.files.arrays import each
from shared.files.rows import nested
from shared.files.writing import Columns
from shared.generator.chance import below, bits, some
from shared.generator.habits import TAXED, TOWNS, TRADES
from shared.generator.portfolio import FAVOURITES, SECONDS_OF_DAY, Portfolio, blocks, customer_ids, joined, moments, padded
from shared.kernel.ids import CAMPAIGN, OFFER, derived_id
from shared.kernel.money import to_decimal

CURRENCY: Final = "USD"
OFFERED: Final = 4
"""One of so many merchants has an offer; all of these are told by their own ids in purchases."""
GIVEN_DAYS: Final = 14
"""Before the year begins the bank gives the offers, for so many days."""
LAST: Final = (1, 31)
"""Month and day of the next year on which the offers end."""
(OF_OFFER, OF_GIVING) = range(48, 50)
"""What is drawn for."""
SHARES: Final = pa.array([40, 60, 80, 100], pa.int64())
"""A threshold is so many hundredths of what is usual of the trade."""
BASIS_POINTS: Final = pa.array([500, 1000, 1500, 2000], pa.int64())
DOLLAR: Final = 100
FIXED_STEP: Final = 25
MEDIANS: Final = pa.array([trade.median_minor for trade in TRADES], pa.int64())
IN_DOLLARS: Final = pa.array([town.country == TAXED for town in TOWNS])


@dataclass(frozen=True, kw_only=True)
class Programme:
    """The offers of a year, and their grants."""

    portfolio: Portfolio
    year: int
    partner: str = "agg-one"
    """The name that the Aggregator's files bear; the ids of its offers follow from it."""
    bank: str = "mybank"
    """The name that the bank's files bear; the ids of its grants follow from it."""
    campaign: UUID | None = None
    """Whose budget pays, where it is another than the programme's own."""

    @property
    def campaign_id(self) -> UUID:
        """The campaign whose budget pays."""
        return self.campaign or campaign_id(self.portfolio.seed, self.year)

    @property
    def window(self) -> tuple[date, date]:
        """The first and the last day on which purchases count."""
        return date(self.year, 1, 1), date(self.year + 1, *LAST)

    @property
    def given_from(self) -> datetime:
        """Since when offers were given."""
        return datetime(self.year, 1, 1, tzinfo=UTC) - timedelta(days=GIVEN_DAYS)

    @cached_property
    def terms(self) -> "Rewards":
        """Of each merchant by its number."""
        return _terms(self.portfolio)

    def offer_references(self, merchants: pa.Array) -> pa.Array:
        """The Aggregator's own names of the offers of merchants."""
        return joined(f"o{self.portfolio.seed}y{self.year}m", padded(merchants, 6))

    def grant_references(self, customers: pa.Array, merchants: pa.Array) -> pa.Array:
        """The bank's own names of grants."""
        return joined(f"g{self.portfolio.seed}y{self.year}c", padded(customers, 8), "m", padded(merchants, 6))

    def given(self, customers: pa.Array, merchants: pa.Array) -> pa.Array:
        """Whether customers have the offers of merchants: those of their favourite shops, if they consent and were customers by then."""
        favourites = (self.portfolio.favourites(customers, pa.repeat(place, len(customers))) for place in range(FAVOURITES))
        liked = reduce(pc.or_, (pc.equal(favourite, merchants) for favourite in favourites))
        return pc.and_(pc.and_(liked, self.terms.offered.take(merchants)), self._reachable(customers))

    def _reachable(self, customers: pa.Array) -> pa.Array:
        joined_before = pc.less(self.portfolio.joined_at(customers), pa.scalar(self.given_from, pa.timestamp("us", "UTC")))
        return pc.and_(joined_before, self.portfolio.consenting(customers))

    def grant_rows(self, candidates: pa.Array) -> pa.Array:
        """Of the favourite shops of customers, numbered through, those that a grant is for: offered, and each shop once a customer."""
        customers, places = pc.divide(candidates, FAVOURITES), pc.bit_wise_and(candidates, FAVOURITES - 1)
        merchants = self.portfolio.favourites(customers, places)
        wanted = pc.and_(self.terms.offered.take(merchants), self._reachable(customers))
        for back in range(1, FAVOURITES):
            before = self.portfolio.favourites(customers, pc.bit_wise_and(pc.subtract(places, back), FAVOURITES - 1))
            wanted = pc.and_not(wanted, pc.and_(pc.greater_equal(places, back), pc.equal(before, merchants)))
        return candidates.filter(wanted)


def campaign_id(seed: int, year: int) -> UUID:
    """The id of the campaign whose budget pays for the offers of a year."""
    return derived_id("generated campaign", seed, year)


@dataclass(frozen=True, kw_only=True)
class Rewards:
    """What the offers of merchants promise, by the merchants' numbers; amounts in minor units."""

    offered: pa.Array
    threshold: pa.Array
    fixed: pa.Array
    """Null where it is a share."""
    basis_points: pa.Array
    cap: pa.Array

    def of(self, merchants: pa.Array, spent: pa.Array) -> pa.Array:
        """What purchases of so much earn."""
        threshold, fixed, points, cap = (column.take(merchants) for column in (self.threshold, self.fixed, self.basis_points, self.cap))
        share = pc.divide(pc.add(pc.multiply(spent, points), 5_000), 10_000)
        return pc.if_else(pc.less(spent, threshold), 0, pc.coalesce(fixed, pc.min_element_wise(share, cap)))


def _terms(portfolio: Portfolio) -> Rewards:
    numbers = pa.array(range(portfolio.merchants), pa.int64())
    drawn, shops = bits(numbers, OF_OFFER, portfolio.seed), portfolio.shops
    fourth = pc.equal(pc.bit_wise_and(numbers, OFFERED - 1), 0)
    usual = pc.divide(pc.multiply(MEDIANS.take(shops.trade), SHARES.take(some(drawn, 0, 2))), 100)
    threshold = pc.max_element_wise(pc.multiply(pc.divide(usual, DOLLAR), DOLLAR), DOLLAR)
    points, is_fixed = BASIS_POINTS.take(some(drawn, 2, 2)), pc.equal(some(drawn, 4, 1), 0)
    steps = pc.divide(pc.add(pc.divide(threshold, 10), FIXED_STEP - 1), FIXED_STEP)
    return Rewards(
        offered=pc.and_(fourth, IN_DOLLARS.take(shops.town)),
        threshold=threshold,
        fixed=pc.if_else(is_fixed, pc.multiply(steps, FIXED_STEP), None),
        basis_points=points,
        cap=pc.divide(pc.multiply(threshold, points), 5_000),  # what twice the threshold earns
    )


def offers(programme: Programme) -> Iterator[Columns]:
    """The records of the Aggregator's offers, in blocks."""
    offered = pc.cast(pc.indices_nonzero(programme.terms.offered), pa.int64())
    for places in blocks(len(offered)):
        yield _offers(programme, offered.take(places))


def _offers(programme: Programme, merchants: pa.Array) -> Columns:
    terms, shops, count = programme.terms, programme.portfolio.shops, len(merchants)
    start, end = (day.isoformat() for day in programme.window)
    fixed, points = terms.fixed.take(merchants), terms.basis_points.take(merchants)
    rewards = {
        "terms.reward.kind": pc.if_else(fixed.is_valid(), "fixed", "percent"),
        "terms.reward.amount": _decimals(fixed),
        "terms.reward.basis_points": pc.if_else(fixed.is_valid(), None, points),
        "terms.reward.cap": _decimals(pc.if_else(fixed.is_valid(), None, terms.cap.take(merchants))),
    }
    told = rewards | {
        "terms.currency": pa.repeat(CURRENCY, count),
        "terms.qualification.kind": pa.repeat("single_purchase", count),
        "terms.qualification.threshold": _decimals(terms.threshold.take(merchants)),
        "terms.repeat": pa.repeat(True, count),  # noqa: FBT003
        "terms.scope.include.merchants.0": shops.columns["merchant_id"].take(merchants),
        "terms.window.start": pa.repeat(start, count),
        "terms.window.end": pa.repeat(end, count),
        "terms.window.zone": shops.columns["locations.0.zone"].take(merchants),
    }
    promise = pc.coalesce(joined("$", rewards["terms.reward.amount"]), joined(pc.cast(pc.divide(points, 100), pa.string()), " %"))
    return told | {
        "reference": programme.offer_references(merchants),
        "action": pa.repeat("create", count),
        "campaign_id": pa.repeat(CAMPAIGN.render(programme.campaign_id), count),
        "name": joined(promise, " back at ", shops.columns["name"].take(merchants)),
        "terms": _as_json(told),
    }


def _decimals(minor: pa.Array) -> pa.Array:
    return each(pc.cast(minor, pa.string()), lambda text: str(to_decimal(int(text), CURRENCY)))


def _as_json(told: Columns) -> pa.Array:
    """Terms as lines of JSON have them."""
    rows = pa.table(dict(told)).to_pylist()
    return pa.array([json.dumps(nested({name: value for name, value in row.items() if value is not None})["terms"]) for row in rows])


def grants(programme: Programme) -> Iterator[Columns]:
    """The records of grants, in blocks."""
    for candidates in blocks(programme.portfolio.customers * FAVOURITES):
        rows = programme.grant_rows(candidates)
        if len(rows):
            yield _grants(programme, rows)


def _grants(programme: Programme, rows: pa.Array) -> Columns:
    customers = pc.divide(rows, FAVOURITES)
    merchants = programme.portfolio.favourites(customers, pc.bit_wise_and(rows, FAVOURITES - 1))
    seconds = below(bits(rows, OF_GIVING, programme.portfolio.seed), GIVEN_DAYS * SECONDS_OF_DAY)
    return {
        "reference": programme.grant_references(customers, merchants),
        "offer_id": each(programme.offer_references(merchants), lambda own: OFFER.render(offer_id_of(programme.partner, own))),
        "customer_id": customer_ids(customers),
        "action": pa.repeat("grant", len(rows)),
        "granted_at": moments(pc.add(seconds, int(programme.given_from.timestamp()))),
    }
