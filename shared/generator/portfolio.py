"""A bank's customers with their cards, and the merchants they buy from: the same in every file of a seed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from shared.files.arrays import each
from shared.files.writing import Columns
from shared.generator.chance import Spread, below, bits, by_weight, one_of, some
from shared.generator.habits import HOMES, NAMES, NETWORKS, OWNERS, PREFIXES, PRODUCTS, TOWNS, TRADES
from shared.kernel.ids import SEGMENT, derived_id

MOST_MERCHANTS: Final = 1_000_000
MOST_CUSTOMERS: Final = 100_000_000
BLOCK: Final = 1 << 15
WEIGHED: Final = 1 << 10
CARDS: Final = (0, 1, 2, 2, 3)
"""Of four customers that follow each other: whose each of their cards is. The third has two."""
SINCE: Final = datetime(2022, 1, 1, tzinfo=UTC)
DAYS_OF_JOINING: Final = 1_400
SECONDS_OF_DAY: Final = 86_400
NO_CONSENT_IN: Final = 16
FIRST_CUSTOMER: Final = "c00000000"
"""There is one in every bank."""
REGULAR: Final = 1.7
"""The power that makes some customers buy often and many seldom."""
FAVOURITES: Final = 8
"""So many shops a customer comes back to."""
TRADE_OF: Final = pa.array(by_weight([trade.weight for trade in TRADES], WEIGHED))
TOWN_OF: Final = pa.array(by_weight([town.weight for town in TOWNS], WEIGHED))
HOME_OF: Final = pa.array(by_weight([town.weight for town in TOWNS[:HOMES]], WEIGHED))
ONLINE: Final = pa.array([trade.online for trade in TRADES])
(OF_MERCHANT, OF_NAME, OF_CUSTOMER, OF_JOINING, OF_CARD) = range(5)
OF_FAVOURITE: Final = 19
"""What is drawn for."""


@dataclass(frozen=True, kw_only=True)
class Portfolio:
    """Customers and merchants by their numbers, from 0; the merchant 0 is the one that sells most."""

    seed: int
    customers: int
    merchants: int

    @cached_property
    def popular(self) -> Spread:
        """Merchants as purchases find them, by Zipf's law: the second sells half of what the first does."""
        return Spread.of(lambda share: (self.merchants + 1) ** share - 1)

    @cached_property
    def regular(self) -> Spread:
        """Customers as purchases find them."""
        return Spread.of(lambda share: self.customers * share**REGULAR)

    @cached_property
    def shops(self) -> "Shops":
        """All merchants, by columns."""
        return _shops(self)

    def cards_of(self, customers: pa.Array, drawn: pa.Array) -> pa.Array:
        """One of the cards of each customer: which, from 0."""
        two = pc.equal(pc.bit_wise_and(customers, 3), 2)
        return pc.if_else(two, some(drawn, 0, 1), 0)

    def favourite_bits(self, customers: pa.Array, places: pa.Array) -> pa.Array:
        """What the favourite shops of customers are drawn by; the places are from 0."""
        return bits(pc.add(pc.multiply(customers, FAVOURITES), places), OF_FAVOURITE, self.seed)

    def favourites(self, customers: pa.Array, places: pa.Array) -> pa.Array:
        """The favourite shops of customers, of which some may be the same."""
        return self.popular.draw(self.favourite_bits(customers, places))

    def consenting(self, customers: pa.Array) -> pa.Array:
        """Which customers consent to offers."""
        return pc.not_equal(below(bits(customers, OF_CUSTOMER, self.seed), NO_CONSENT_IN), 0)

    def tiers(self, customers: pa.Array) -> pa.Array:
        """What customers are to the bank."""
        return one_of(bits(customers, OF_CUSTOMER, self.seed), 12, PRODUCTS)

    def joined_at(self, customers: pa.Array) -> pa.Array:
        """Since when customers are customers."""
        seconds = below(bits(customers, OF_JOINING, self.seed), DAYS_OF_JOINING * SECONDS_OF_DAY)
        return moments(pc.add(seconds, int(SINCE.timestamp())))


@dataclass(frozen=True, kw_only=True)
class Shops:
    """What is known of each merchant, by its number."""

    trade: pa.Array
    town: pa.Array
    online: pa.Array
    columns: Columns
    descriptor: pa.Array
    network_merchant_id: pa.Array
    location_id: pa.Array


def _shops(portfolio: Portfolio) -> Shops:
    numbers = pa.array(range(portfolio.merchants), pa.int64())
    drawn, named = bits(numbers, OF_MERCHANT, portfolio.seed), bits(numbers, OF_NAME, portfolio.seed)
    trade, town = TRADE_OF.take(some(drawn, 0, 10)), TOWN_OF.take(some(drawn, 10, 10))
    figures = padded(numbers, 6)
    merchant_id = joined("m", figures)
    first = one_of(named, 0, NAMES)
    owner = one_of(named, 16, OWNERS)
    noun = _of(trade, [one.noun for one in TRADES])
    brand = pc.if_else(pc.equal(some(named, 32, 2), 0), owner, first)
    name = pc.binary_join_element_wise(brand, noun, " ")
    prefix = one_of(named, 34, PREFIXES)
    places = {place: _of(town, [getattr(one, place) for one in TOWNS]) for place in ("zone", "country", "region", "city")}
    location_id = joined("l", figures)
    columns = {
        "merchant_id": merchant_id,
        "name": name,
        "brand": brand,
        "mcc": _of(trade, [one.mcc for one in TRADES]),
        "locations.0.location_id": location_id,
    }
    return Shops(
        trade=trade,
        town=town,
        online=pc.less(some(drawn, 20, 3), ONLINE.take(trade)),
        columns=columns | {f"locations.0.{place}": said for place, said in places.items()},
        descriptor=pc.binary_join_element_wise(joined(prefix, pc.utf8_upper(name)), padded(some(named, 50, 12), 4), " "),
        network_merchant_id=joined("n", figures),
        location_id=location_id,
    )


def merchants(portfolio: Portfolio) -> Iterator[Columns]:
    """The records of merchants, in blocks."""
    columns = {**portfolio.shops.columns, **_nested(portfolio.shops)}
    for start in range(0, portfolio.merchants, BLOCK):
        yield {target: column.slice(start, BLOCK) for target, column in columns.items()}


def _nested(shops: Shops) -> Columns:
    """Places and other names as JSON."""
    told = [(name.rpartition(".")[2], column) for name, column in shops.columns.items() if name.startswith("locations.")]
    pieces = [piece for name, column in told for piece in (f',"{name}":"', column, '"')]
    location = pc.binary_join_element_wise("[{", *pieces[:1], *pieces[1:], "}]", "")
    network = '[{"kind":"network","network":"' + NETWORKS[0] + '","network_merchant_id":"'
    return {
        "locations": pc.binary_replace_slice(location, 2, 3, ""),  # the first comma
        "aliases": joined(network, shops.network_merchant_id, '"}]'),
    }


def customers(portfolio: Portfolio) -> Iterator[Columns]:
    """The records of customers, in blocks."""
    for numbers in blocks(portfolio.customers):
        drawn = bits(numbers, OF_CUSTOMER, portfolio.seed)
        yield {
            "customer_id": customer_ids(numbers),
            "zone": _of(HOME_OF.take(some(drawn, 0, 10)), [town.zone for town in TOWNS]),
            "consent": portfolio.consenting(numbers),
            "consent_at": portfolio.joined_at(numbers),
            "attributes": joined('{"tier":"', portfolio.tiers(numbers), '"}'),
        }


def segments(portfolio: Portfolio) -> Iterator[Columns]:
    """Lists of customers, one for each tier, in blocks."""
    lists = {tier: SEGMENT.render(segment_id(portfolio.seed, tier)) for tier in PRODUCTS}
    for numbers in blocks(portfolio.customers):
        yield {
            "segment_id": each(portfolio.tiers(numbers), lists.get),
            "customer_id": customer_ids(numbers),
            "action": pa.repeat("add", len(numbers)),
        }


def segment_id(seed: int, tier: str) -> UUID:
    """The id of the list of a tier."""
    return derived_id("generated segment", seed, tier)


def cards(portfolio: Portfolio) -> Iterator[Columns]:
    """The records of cards, in blocks."""
    for rows in blocks(card_count(portfolio)):
        four = pc.divide(rows, len(CARDS))
        place = pc.subtract(rows, pc.multiply(four, len(CARDS)))
        owner = pc.add(pc.multiply(four, 4), pa.array(CARDS).take(place))
        number = pc.cast(pc.equal(place, 3), pa.int64())
        yield {
            "card_token": card_tokens(owner, number),
            "customer_id": customer_ids(owner),
            "account_token": joined("acc", padded(owner, 8)),
            "card_product": products(portfolio, owner, number),
            "valid_from": portfolio.joined_at(owner),
        }


def card_count(portfolio: Portfolio) -> int:
    """How many cards there are."""
    whole, rest = divmod(portfolio.customers, 4)
    return whole * len(CARDS) + sum(place < rest for place in CARDS)


def customer_ids(numbers: pa.Array) -> pa.Array:
    """Ids of customers."""
    return joined("c", padded(numbers, 8))


def card_tokens(owners: pa.Array, numbers: pa.Array) -> pa.Array:
    """Tokens of cards, by whose they are and which of their owner's."""
    return joined("tok", padded(owners, 8), pa.array(["a", "b"]).take(numbers))


def products(portfolio: Portfolio, owners: pa.Array, numbers: pa.Array) -> pa.Array:
    """The kinds of cards."""
    return one_of(_of_cards(portfolio, owners, numbers), 0, PRODUCTS)


def networks(portfolio: Portfolio, owners: pa.Array, numbers: pa.Array) -> pa.Array:
    """The networks of cards."""
    return one_of(_of_cards(portfolio, owners, numbers), 16, NETWORKS)


def _of_cards(portfolio: Portfolio, owners: pa.Array, numbers: pa.Array) -> pa.Array:
    return bits(pc.add(pc.multiply(owners, 2), numbers), OF_CARD, portfolio.seed)


def moments(seconds: pa.Array) -> pa.Array:
    """Moments of seconds since 1970."""
    return pc.multiply(seconds, int(timedelta(seconds=1) / timedelta(microseconds=1))).view(pa.timestamp("us", "UTC"))


def padded(numbers: pa.Array, width: int) -> pa.Array:
    """Numbers with zeros before them."""
    return pc.ascii_lpad(pc.cast(numbers, pa.string()), width, "0")


def joined(*parts: pa.Array | str) -> pa.Array:
    """Text side by side."""
    return pc.binary_join_element_wise(*parts, "")


def _of(numbers: pa.Array, words: Sequence[str]) -> pa.Array:
    return pa.array([*words]).take(numbers)


def blocks(count: int) -> Iterator[pa.Array]:
    """Numbers from 0, in blocks."""
    for start in range(0, count, BLOCK):
        yield pa.array(range(start, min(start + BLOCK, count)), pa.int64())
