"""A file of card transactions to measure with: 26 columns, as an issuer would write them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from shared.files.library import load

LAYOUT: Final = load().layouts["clo-transactions-csv"]
COLUMNS: Final = [str(told.column) for told in LAYOUT.fields]
START: Final = datetime(2026, 1, 12, tzinfo=UTC)
CUSTOMERS: Final = 1_000_000
MERCHANTS: Final = 20_000
CITIES: Final = ["New York", "Paris", "São Paulo", "Lyon", "Seattle", "Oslo", "Bergen", "Nice"]
COUNTRIES: Final = ["US", "US", "US", "FR", "BR", "NO"]
KINDS: Final = ["purchase"] * 12 + ["authorization"] * 4 + ["clearing"] * 3 + ["refund"]
LINES: Final = 20_000
"""So many lines are made; a longer file has them again with other ids."""


def write(path: Path, rows: int, bad_in: int | None = None) -> None:
    """A file of so many details, without header and trailer; of every `bad_in` lines one has a wrong amount."""
    lines = list(_lines(Random(1)))
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(["record", *COLUMNS]) + "\n")
        for start in range(0, rows, LINES):
            file.writelines(_numbered(lines, start, min(rows, start + LINES), bad_in))


def _numbered(lines: list[str], start: int, stop: int, bad_in: int | None) -> Iterator[str]:
    for number in range(start, stop):
        broken = bad_in and number % bad_in == 0
        yield f"D,t{number:012}{lines[number - start].replace('.amount', '1e9' if broken else str(100 + number % 50_000))}"


def _lines(random: Random) -> Iterator[str]:
    for _ in range(LINES):
        cells = _cells(random)
        yield "," + ",".join(cells.get(column, "") for column in COLUMNS[1:]) + "\n"


def _cells(random: Random) -> dict[str, str]:
    merchant = int(MERCHANTS ** random.random())
    at = START + timedelta(seconds=random.randrange(86_400))
    kind = random.choice(KINDS)
    cells = {
        "kind": kind,
        "at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "currency": "USD" if random.randrange(10) else "EUR",
        "amount": ".amount",
        "tax": str(random.randrange(500)) if random.randrange(3) == 0 else "",
        "customer_id": f"c{random.randrange(CUSTOMERS):08}",
        "card_token": f"tok{random.randrange(CUSTOMERS):010}",
        "card_product": random.choice(("gold", "classic")),
        "merchant_id": f"m{merchant}",
        "network": random.choice(("visa", "mastercard")),
        "descriptor": f"SHOP {merchant} PLACE",
        "mcc": str(5000 + merchant % 400),
        "channel": random.choice(("in_store", "online", "app")),
        "country": random.choice(COUNTRIES),
        "region": random.choice(("NY", "WA", "CA")),
        "city": random.choice(CITIES),
    }
    if kind == "clearing":
        return cells | {"sequence": "1", "sequence_count": "1", "posted_at": f"{at + timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}"}
    return cells | {"sequence": "0"}
