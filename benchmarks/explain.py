"""Explanations over HTTP for customers with a year of history, against a plain eligibility check of the same function, one at a time."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Final

from benchmarks.eligibility import FUNCTION, Load, in_turns, script, served
from benchmarks.place import NOW, OFFERS, SHARDS, Place, place
from benchmarks.result import Result
from events.payloads import Transaction
from shared.kernel.ids import OFFER
from shared.kernel.shards import shard_of
from shared.platform.local.keys import LocalKeys

REGULARS: Final = 20
"""Customers with a year of history; all others have none."""
PURCHASES: Final = 350
DAYS: Final = 300
PLAIN: Final = "a plain check"
AT_MOST: Final = 5.0


def run() -> list[Result]:
    """Measure each kind of explanation beside the plain check, in turns."""
    if not shutil.which("wrk"):
        sys.stderr.write("explain: needs wrk (Debian: apt-get install wrk)\n")
        return []
    with place(customers=500, budget_minor=10**11, repeat=True) as at, tempfile.TemporaryDirectory() as folder, ExitStack() as servers:
        for customer in at.customers[:REGULARS]:
            at.redeem(shard_of(customer, SHARDS), list(_year(customer)))
        keys = LocalKeys(Path(folder))
        environment = {"CLO_DATABASE_URL": at.postgres.app_url(), "CLO_JWKS": str(keys.jwks), "CLO_LOG_LEVEL": "warning"}
        url = servers.enter_context(served(FUNCTION, "check_eligibility", environment))
        scripts = {name: script(asked, keys, Path(folder) / f"{number}.lua") for number, (name, asked) in enumerate(_questions(at).items())}
        loads = in_turns({name: (url, file) for name, file in scripts.items()}, connections=1)
    plain = loads.pop(PLAIN)
    return [_result(name, load, plain) for name, load in loads.items()]


def _result(name: str, load: Load, plain: Load) -> Result:
    return Result(
        name=f"explanation with a year of history, one at a time: p99, {name}, of {PLAIN}",
        ours=f"{load.p99 * 1000:.1f} ms",
        peer=f"{plain.p99 * 1000:.1f} ms",
        ratio=load.p99 / plain.p99,
        at_most=AT_MOST,
    )


def _year(customer: str) -> Iterator[Transaction]:
    for number in range(PURCHASES):
        yield Transaction(
            transaction_id=f"{customer}-{number}",
            customer_id=customer,
            at=NOW + timedelta(days=DAYS) * number / PURCHASES,
            currency="USD",
            amount=1500,
            merchant_id=f"shop-{number % OFFERS}",
        )


def _questions(at: Place) -> dict[str, list[dict[str, object]]]:
    """Each kind of question, about one customer after the other."""
    said = {"at": (NOW + timedelta(days=DAYS)).isoformat(), "currency": "USD", "amount": 2500}
    regulars, plain = at.customers[:REGULARS], at.customers[REGULARS:]

    def about(customer: str, number: int) -> dict[str, object]:
        offer_id = OFFER.render(at.offer_ids[number % OFFERS])
        return {"customer_id": customer, "offer_id": offer_id, "purchase": said | {"merchant_id": f"shop-{number % OFFERS}"}}

    made = [f"{customer}-{number}" for number in range(PURCHASES // 2, PURCHASES) for customer in regulars]
    return {
        PLAIN: [about(customer, number) for number, customer in enumerate(plain)],
        "of a purchase thought of": [about(customer, number) for number in range(OFFERS) for customer in regulars],
        "the same as of a past moment": [about(c, number) | {"as_of": NOW.isoformat()} for number in range(OFFERS) for c in regulars],
        "of a purchase on record by its id": [{"transaction_id": transaction_id} for transaction_id in made],
    }
