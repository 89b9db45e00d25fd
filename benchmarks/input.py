"""What the file engine is measured with: a day of card transactions as `clo generate` writes them, 26 columns."""

import os
from datetime import date
from pathlib import Path
from typing import Final

from shared.files.layout import Layout
from shared.files.library import load
from shared.generator.files import Made
from shared.generator.orders import Order
from shared.generator.portfolio import Portfolio

LAYOUT: Final = load().layouts["clo-transactions-csv"]
BARE: Final = LAYOUT.model_copy(update={"header": None, "trailer": None})
"""The details alone, as a plain program reads them."""
COLUMNS: Final = [str(told.column) for told in LAYOUT.fields]
BANK: Final = Portfolio(seed=1, customers=1_000_000, merchants=20_000)
DAY: Final = date(2026, 1, 12)


def size(name: str, usual: int) -> int:
    """How much is measured with: the variable CLO_BENCH_<NAME> where it is set."""
    return int(os.environ.get(f"CLO_BENCH_{name}", usual))


def generate(
    folder: Path, rows: int, *, layout: Layout = BARE, bank: Portfolio = BANK, day: date = DAY, bad: float = 0, packed: bool = False
) -> Made:
    """A file of so many transactions; bad ones have a wrong amount."""
    order = Order(portfolio=bank, day=day, rows=rows, bad=bad, codes=["amount"], packed=packed)
    (made,) = order.write([layout], folder)
    return made
