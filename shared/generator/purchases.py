"""The card transactions of a day, row by row known from the seed, the day and the row's number."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.files.writing import Columns
from shared.generator.chance import bits, some
from shared.generator.days import CLOCK, Day
from shared.generator.habits import TAX, TAXED, TOWNS, TRADES
from shared.generator.lives import GROUP, Message
from shared.generator.portfolio import (
    SECONDS_OF_DAY,
    Portfolio,
    Shops,
    blocks,
    card_tokens,
    customer_ids,
    joined,
    moments,
    networks,
    products,
)

MOST_ROWS: Final = 1 << 31
AMOUNTS: Final = 1 << 12
FAITHFUL: Final = 5
"""So many of eight purchases are at one of a customer's eight favourites."""
FUEL_HOLD_MINOR: Final = 12_500
"""What a pump asks for before it knows how much it will be."""
VALID_DAYS: Final = 7
HOUR: Final = 3_600
CASH_BACK_MINOR: Final = 2_000
(WHO, WHAT, WHEN) = range(16, 19)
"""What is drawn for."""
AMOUNT_OF: Final = pa.array([minor for trade in TRADES for minor in trade.quantiles(AMOUNTS)], pa.int64())
PRICES: Final = pa.array([town.prices for town in TOWNS], pa.int64())
TIPS: Final = pa.array([trade.tip for trade in TRADES], pa.int64())
PUMPS: Final = pa.array([trade.at_pump for trade in TRADES])
GIVES_CASH: Final = pa.array([trade.cash_back for trade in TRADES])
IN_DOLLARS: Final = pa.array([town.country == TAXED for town in TOWNS])
CURRENCIES: Final = pa.array([town.currency for town in TOWNS])
AUTHORISED: Final = pa.array(["authorization", "reversal", "decline"])
CHANNELS: Final = pa.array(["in_store", "pay_at_pump", "online", "app"])


def transactions(day: Day) -> Iterator[Columns]:
    """The records of a day's transactions, in blocks."""
    for rows in blocks(day.rows_on(day.day)):
        yield Rows(day=day, rows=rows).columns


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Some rows of a day, and what follows from their numbers, column by column."""

    day: Day
    rows: pa.Array

    @property
    def columns(self) -> Columns:
        return {**self._message, **self._amounts, **self._moments, **self._holder, **self._place}

    @property
    def _message(self) -> Columns:
        own = self._id(pa.repeat(pa.scalar(0, pa.int64()), len(self.rows)), self.rows)
        return {
            "transaction_id": pc.if_else(self.refund, own, self.purchase_id),
            "original_transaction_id": _only(self.purchase_id, self.refund),
            "kind": self.kind,
            "sequence": self._said([message.sequence for message in self.messages]),
            "sequence_count": self._said([message.sequence_count for message in self.messages]),
        }

    def _id(self, ago: pa.Array, rows: pa.Array) -> pa.Array:
        numbers = pa.array([f"{self.day.day.toordinal() - back}r" for back in range(self.day.farthest + 1)])
        return joined(f"t{self.portfolio.seed}d", numbers.take(ago), pc.cast(rows, pa.string()))

    @property
    def _amounts(self) -> Columns:
        whole = pc.and_(pc.equal(self.share, 100), pc.is_in(self.kind, pa.array(["purchase", "clearing"])))
        cash_back = _only(CASH_BACK_MINOR, self.gives_cash)
        charged = pc.add(self.moved, pc.fill_null(cash_back, 0))
        held = pc.if_else(self.pump, FUEL_HOLD_MINOR, self.base)
        taxed = pc.and_(pc.and_(whole, self.dollars), pc.equal(some(self.what, 22, 1), 1))
        return {
            "currency": CURRENCIES.take(self.town),
            "amount": pc.if_else(pc.is_in(self.kind, AUTHORISED), held, charged),
            "tip": _only(self.tip, pc.and_(whole, pc.greater(self.tip, 0))),
            "tax": _only(pc.divide(pc.multiply(self.base, TAX[0]), TAX[1]), taxed),
            "cash_back": cash_back,
        }

    @property
    def _moments(self) -> Columns:
        ago = pc.if_else(self.refund, 0, self.ago)
        drawn = bits(pc.if_else(self.refund, self._key(ago, self.rows), self.key), WHEN, self.portfolio.seed)
        clock = pc.add(pc.multiply(pc.add(pc.multiply(ago, len(TRADES)), self.trade), CLOCK), some(drawn, 0, 10))
        midnight = self.day.midnights.take(pc.add(pc.multiply(ago, len(TOWNS)), self.town))
        at = pc.add(pc.add(midnight, self.day.clocks.take(clock)), some(drawn, 10, 6))
        posted = pc.add(pc.add(at, pc.multiply(ago, SECONDS_OF_DAY)), pc.add(some(drawn, 16, 12), HOUR))
        return {
            "at": moments(at),
            "posted_at": _only(moments(posted), pc.equal(self.kind, "clearing")),
            "expires_at": _only(moments(pc.add(at, VALID_DAYS * SECONDS_OF_DAY)), pc.equal(self.kind, "authorization")),
        }

    @property
    def _holder(self) -> Columns:
        number = self.portfolio.cards_of(self.customer, self.who)
        return {
            "customer_id": customer_ids(self.customer),
            "card_token": card_tokens(self.customer, number),
            "card_product": products(self.portfolio, self.customer, number),
            "network": networks(self.portfolio, self.customer, number),
        }

    @property
    def _place(self) -> Columns:
        known = pc.less(pc.bit_wise_and(self.merchant, 7), 7)
        shops, said = self.shops, {name: column.take(self.merchant) for name, column in self._of_shops.items()}
        there = pc.if_else(self.pump, 1, 0)
        online = pc.if_else(shops.online.take(self.merchant), pc.add(2, some(self.what, 23, 1)), there)
        return said | {"merchant_id": _only(said["merchant_id"], known), "channel": CHANNELS.take(online)}

    @property
    def _of_shops(self) -> Columns:
        shops = self.shops
        return {
            "merchant_id": shops.columns["merchant_id"],
            "network_merchant_id": shops.network_merchant_id,
            "descriptor": shops.descriptor,
            "location_id": shops.location_id,
            "mcc": shops.columns["mcc"],
            **{name: shops.columns[f"locations.0.{name}"] for name in ("country", "region", "city")},
        }

    @property
    def portfolio(self) -> Portfolio:
        return self.day.portfolio

    @property
    def shops(self) -> Shops:
        return self.day.portfolio.shops

    @property
    def messages(self) -> Sequence[Message]:
        """Those of a group's places, and that of a row whose purchase an earlier file does not have."""
        return (*self.day.messages, Message())

    def _said(self, values: Sequence[object]) -> pa.Array:
        return pa.array(values).take(self.message)

    @cached_property
    def place(self) -> pa.Array:
        return pc.bit_wise_and(self.rows, GROUP - 1)

    @cached_property
    def told_of(self) -> pa.Array:
        """The row of the first message, in its day's file."""
        about = pa.array([place if message.about is None else message.about for place, message in enumerate(self.day.messages)])
        return pc.add(pc.subtract(self.rows, self.place), about.take(self.place))

    @cached_property
    def message(self) -> pa.Array:
        ago = pa.array([message.ago for message in self.day.messages]).take(self.place)
        return pc.if_else(pc.less(self.told_of, self.day.counts.take(ago)), self.place, GROUP)

    @cached_property
    def ago(self) -> pa.Array:
        return self._said([message.ago for message in self.messages])

    @cached_property
    def first(self) -> pa.Array:
        return pc.if_else(pc.equal(self.message, GROUP), self.rows, self.told_of)

    @cached_property
    def kind(self) -> pa.Array:
        return self._said([message.kind for message in self.messages])

    @cached_property
    def share(self) -> pa.Array:
        return self._said([message.share for message in self.messages])

    @cached_property
    def refund(self) -> pa.Array:
        return pc.equal(self.kind, "refund")

    @cached_property
    def key(self) -> pa.Array:
        return self._key(self.ago, self.first)

    def _key(self, ago: pa.Array, rows: pa.Array) -> pa.Array:
        return pc.add(pc.multiply(pc.subtract(self.day.day.toordinal(), ago), MOST_ROWS), rows)

    @cached_property
    def who(self) -> pa.Array:
        return bits(self.key, WHO, self.portfolio.seed)

    @cached_property
    def what(self) -> pa.Array:
        return bits(self.key, WHAT, self.portfolio.seed)

    @cached_property
    def customer(self) -> pa.Array:
        return self.portfolio.regular.draw(self.who)

    @cached_property
    def merchant(self) -> pa.Array:
        faithful = pc.less(some(self.who, 4, 3), FAITHFUL)
        drawn = pc.if_else(faithful, self.portfolio.favourite_bits(self.customer, some(self.who, 1, 3)), self.what)
        return self.portfolio.popular.draw(drawn)

    @cached_property
    def trade(self) -> pa.Array:
        return self.shops.trade.take(self.merchant)

    @cached_property
    def town(self) -> pa.Array:
        return self.shops.town.take(self.merchant)

    @cached_property
    def dollars(self) -> pa.Array:
        return IN_DOLLARS.take(self.town)

    @cached_property
    def pump(self) -> pa.Array:
        return PUMPS.take(self.trade)

    @cached_property
    def base(self) -> pa.Array:
        """What the goods cost."""
        cents = AMOUNT_OF.take(pc.add(pc.multiply(self.trade, AMOUNTS), some(self.what, 0, 12)))
        varied = pc.add(cents, pc.shift_right(pc.multiply(cents, some(self.what, 12, 10)), 14))
        return pc.add(pc.divide(pc.multiply(varied, PRICES.take(self.town)), 100), 1)

    @cached_property
    def tip(self) -> pa.Array:
        return pc.divide(pc.multiply(self.base, TIPS.take(self.trade)), 100)

    @cached_property
    def settled(self) -> pa.Array:
        """What the purchase comes to in the end, without cash-back at the till."""
        return pc.add(self.base, self.tip)

    @cached_property
    def moved(self) -> pa.Array:
        """What of that the message is about."""
        part = pc.divide(pc.multiply(self.settled, pc.abs(self.share)), 100)
        return pc.if_else(pc.greater(self.share, 0), part, pc.subtract(self.settled, part))

    @cached_property
    def purchase_id(self) -> pa.Array:
        """The id of the purchase that the message is about."""
        return self._id(self.ago, self.first)

    @cached_property
    def gives_cash(self) -> pa.Array:
        asked = pc.equal(some(self.what, 24, 5), 0)
        return pc.and_(pc.and_(pc.and_(GIVES_CASH.take(self.trade), self.dollars), asked), pc.equal(self.kind, "purchase"))


def _only(values: pa.Array | int, where: pa.Array) -> pa.Array:
    return pc.if_else(where, values, None)
