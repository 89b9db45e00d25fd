"""With the key, what was sent is what lies in the lake, without those who may not be told of; over any row of deltas, each record once."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.exports import planning
from tests.conftest import NOW
from tests.integration.exports.office import Office, bought

CUSTOMERS = tuple(f"cust-{number}" for number in range(5))
CONSENTING = CUSTOMERS[:3]
ROW = st.fixed_dictionaries(
    {
        "customer_id": st.sampled_from(CUSTOMERS),
        "amount": st.integers(0, 10**13),
        "currency": st.sampled_from(["USD", "EUR", "JPY"]),
        "at": st.integers(0, 10**13).map(lambda micros: NOW + timedelta(microseconds=micros)),
        "city": st.none() | st.text(st.characters(codec="utf-8", categories=["L", "P", "Zs"]), min_size=1, max_size=12),
    }
)
FILES = st.lists(st.lists(ROW, min_size=1, max_size=4), max_size=4)


def as_sent(row: dict[str, object]) -> tuple[object, ...]:
    city = str(row["city"] or "")
    return row["customer_id"], str(row["amount"]), row["currency"], f"'{city}" if city[:1] in tuple("=+-@") else city


@pytest.fixture
def small(office: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setattr(planning, "PART_RECORDS", 3)
    office.customers(*CONSENTING)
    office.customers(*CUSTOMERS[3:], consent=False)
    office.answer(office.send())
    return office


@settings(max_examples=15)
@given(deltas=st.lists(FILES, min_size=1, max_size=3))
def test_deltas_together_are_the_lake_without_those_who_may_not_be_told_of(
    small: Office, deltas: Sequence[list[list[dict[str, object]]]]
) -> None:
    known = {small.tokens().one(customer, "customer"): customer for customer in CUSTOMERS}
    run, kept, sent = uuid4().hex, [], []
    for number, files in enumerate(deltas):
        for place, rows in enumerate(files):
            small.keep(f"{run}-{number}-{place}", *(bought(1, **row) for row in rows))
            kept += rows
        view = small.send()
        sent += [(known[row["customer_id"]], row["amount"], row["currency"], row["city"]) for row in small.rows(view)]
        small.answer(view)
    assert sorted(sent) == sorted(as_sent(row) for row in kept if row["customer_id"] in CONSENTING)
