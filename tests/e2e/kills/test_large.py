"""A large file on its way to cashback while its workers are killed again and again: every line is accounted for, none lost, none doubled.

`CLO_LARGE_ROWS=10000000` makes it a long run; `-s` shows what it saw.
"""

import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Final

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import csv, json, parquet

from functions.wiring import MIB
from shared.files import desk
from shared.files.api import DropTold
from shared.files.library import load
from shared.generator.files import BAD_LINES, Made
from shared.generator.orders import Order
from shared.generator.portfolio import Portfolio
from shared.kernel.shards import shard_of
from shared.platform.database import rows
from tests.conftest import NOW, SHARDS
from tests.e2e.kills.site import BUSES, Site, at_work
from tests.world import World

ROWS: Final = int(os.environ.get("CLO_LARGE_ROWS", "30000"))
SECONDS: Final = 120 + ROWS / 500
BAD: Final = 0.001
CUSTOMERS: Final = max(ROWS // 50, 100)
BANK: Final = Portfolio(seed=7, customers=CUSTOMERS, merchants=2_000)
OFFERS: Final = 8
FROM_RANK: Final = 5
THRESHOLD: Final = 1_000
REWARD: Final = 200
BUDGET: Final = 10**12
PAUSE: Final = (0.3, 5.0)
"""Seconds between two kills, at least and at most."""
MEMORY: Final = 400 * MIB
"""A worker never needs more, in bytes."""
LINES_BEFORE: Final = 2
READ: Final = dict.fromkeys(("transaction_id", "currency", "amount", "cash_back", "customer_id", "merchant_id"), pa.string())
PAID: Final = """
SELECT r.transaction_id FROM redemptions AS r JOIN statement_credits AS c USING (redemption_id)
WHERE r.state = 'payable' AND r.reward_minor = 200 AND r.paid_minor = 200 AND c.amount_minor = 200
ORDER BY r.transaction_id COLLATE "C"
"""
ALL: Final = """
SELECT (SELECT count(*) FROM redemptions) AS redemptions, (SELECT count(*) FROM statement_credits) AS credits,
  (SELECT sum(amount_minor)::bigint FROM statement_credits) AS minor
"""
TRANSACTIONS: Final = load().layouts["clo-transactions-csv"]
PURCHASES_ALONE: Final = TRANSACTIONS.model_copy(
    update={
        "fields": tuple(
            told.model_copy(update={"values": {"purchase": "purchase"}}) if told.target == "kind" else told for told in TRANSACTIONS.fields
        )
    }
)
"""What each row earns can be told without a fold where no message is about another."""


@dataclass(kw_only=True)
class Seen:
    """What a run saw."""

    killed: int = 0
    peaks: dict[str, int] = field(default_factory=dict)
    """Memory at most of the processes of each program, in bytes."""

    def look(self, site: Site) -> None:
        """Keep what the processes have needed by now."""
        for name, bytes_ in site.running.peaks().items():
            self.peaks[name] = max(bytes_, self.peaks.get(name, 0))


@pytest.fixture(params=BUSES)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """Customers who all hold offers of a few merchants that many of them buy from."""
    with at_work(request.param, _offers) as made:
        _grant_all(made)
        yield made


def test_large_file_whose_workers_are_killed_is_accounted_for_to_the_last_line(site: Site) -> None:
    chance, seen = random.Random(ROWS), Seen()
    made = _drop(site)
    began = time.monotonic()
    while not site.is_done(made.path.name):
        assert time.monotonic() < began + SECONDS, f"{site.file(made.path.name)}\n{site.running.log()}"
        seen.look(site)
        site.running.kill(chance.choice(site.running.place.programs))
        seen.killed += 1
        time.sleep(chance.uniform(*PAUSE))
    print(f"{ROWS:,} rows in {time.monotonic() - began:.0f} s, {seen.killed} kills, memory at most {seen.peaks}")  # noqa: T201
    view = site.file(made.path.name)
    assert (view.outcome, view.records, view.accepted, view.rejected) == ("partial", ROWS, ROWS - made.bad, made.bad)
    good = _good(made)
    assert len(good) == view.accepted
    assert _lake(site) == sorted(good["transaction_id"].to_pylist())
    _require_cashback(site, good)
    assert site.drops.left() == []
    site.world.verify()
    site.sweep_a_day_later()
    assert site.unfinished() == 0
    assert max(seen.peaks[name] for name in ("receive_file", "process_chunk", "close_file")) <= MEMORY


def _shops() -> list[str]:
    """Merchants that sell in dollars and say their id."""
    country = BANK.shops.columns["locations.0.country"].to_pylist()
    usual = (number for number in range(FROM_RANK, BANK.merchants) if country[number] == "US" and number % 8 != 7)
    return [f"m{number:06}" for number in islice(usual, OFFERS)]


def _offers(world: World) -> None:
    campaign = world.campaign(budget=BUDGET)
    for shop in _shops():
        world.offer(campaign, scope={"include": {"merchants": [shop]}}, repeat=True)


def _grant_all(site: Site) -> None:
    """All customers hold all offers, as facts in the tables."""
    with psycopg.connect(site.owner_url) as connection:
        with connection.cursor().copy(
            "COPY customers (customer_id, shard, attributes, consent, created_at, updated_at) FROM STDIN"
        ) as copy:
            for number in range(CUSTOMERS):
                customer = f"c{number:08}"
                copy.write_row((customer, shard_of(customer, SHARDS), "{}", True, NOW, NOW))
        connection.execute(
            "INSERT INTO grants (grant_id, offer_id, campaign_id, customer_id, granted_at, recorded_at)"
            " SELECT gen_random_uuid(), offer_id, campaign_id, customer_id, %s, %s FROM customers, offers",
            (NOW - timedelta(days=10), NOW),
        )
    with psycopg.connect(site.owner_url, autocommit=True) as connection:
        connection.execute("ANALYZE")


def _drop(site: Site) -> Made:
    """A generated file in the inbox, and word of it."""
    order = Order(portfolio=BANK, day=NOW.date() - timedelta(days=1), rows=ROWS, packed=True, bad=BAD, codes=["amount"])
    (made,) = order.write([PURCHASES_ALONE], site.drops.folder / "drops" / "inbox")
    stored = site.drops.drops.stat(f"inbox/{made.manifest.name}")
    desk.note_drop(site.drops.call(), DropTold(name=stored.name, generation=stored.generation))
    return made


def _good(made: Made) -> pa.Table:
    """The records of the file that are good, read by another program than the file engine."""
    read = csv.read_csv(
        made.path,
        read_options=csv.ReadOptions(skip_rows=1),
        parse_options=csv.ParseOptions(invalid_row_handler=lambda _trailer: "skip"),
        convert_options=csv.ConvertOptions(include_columns=list(READ), column_types=READ, strings_can_be_null=True),
    )
    bad = _numbers(made.path.with_name(f"{made.path.name}{BAD_LINES}"))
    return read.filter(pc.invert(pc.is_in(pa.array(range(len(read))), value_set=bad)))


def _numbers(bad: Path) -> pa.Array:
    """The numbers of the bad records, from 0."""
    return pc.subtract(json.read_json(bad)["line"].combine_chunks(), LINES_BEFORE + 1)


def _lake(site: Site) -> list[str]:
    """The ids of all purchases in the lake, in order."""
    with site.drops.make().reading() as tx:
        names = [row["object"] for row in rows(tx.connection, "SELECT DISTINCT object FROM lake_parts")]
    parts = [parquet.read_table(site.drops.folder / "lake" / name, columns=["transaction_id"]) for name in names]
    return sorted(pa.concat_tables(parts)["transaction_id"].to_pylist())


def _require_cashback(site: Site, good: pa.Table) -> None:
    """Each purchase of enough (without cash from the till) at a merchant with an offer has earned one reward, and no other anything."""
    earning = good.filter(
        (pc.field("currency") == "USD")
        & pc.field("customer_id").is_valid()
        & pc.field("merchant_id").isin(_shops())
        & (_minor("amount") - pc.coalesce(_minor("cash_back"), 0) >= THRESHOLD)
    )
    with site.drops.make().reading() as tx:
        paid = [row["transaction_id"] for row in rows(tx.connection, PAID)]
        all_there_is = rows(tx.connection, ALL)
    assert paid == sorted(earning["transaction_id"].to_pylist())
    assert paid
    assert all_there_is == [{"redemptions": len(paid), "credits": len(paid), "minor": REWARD * len(paid)}]


def _minor(column: str) -> pc.Expression:
    return pc.field(column).cast(pa.int64())
