"""The place of a bad amount named the ways in which an amount may be written, which are nowhere in the body."""

import json

import pytest

from events.payloads import Transaction
from shared.platform.batches import read_batch
from tests.world import purchase


@pytest.mark.parametrize("amount", [-1, 1.5, True, None, "1e3", "-1", "", "1.23456", [1], 10**16])
def test_a_bad_amount_is_one_problem_at_its_own_place(amount: object) -> None:
    body = json.dumps({"transactions": [purchase("t").model_dump(mode="json") | {"amount": amount}]}).encode()
    (rejected,) = read_batch(body, "transactions", Transaction, 10).rejected
    assert [problem.path for problem in rejected.problems] == ["/transactions/0/amount"]
