from typing import Any

import pytest

from shared.merchants.model import Alias, Merchant
from shared.merchants.names import Sent, without_conflicts
from tests.unit.merchants.builders import alias

JANUARY, FEBRUARY, MARCH = (f"2026-0{month}-01T00:00:00+00:00" for month in (1, 2, 3))


def sent(*aliases: Alias, place: int = 0) -> Sent:
    merchant_id = aliases[0].merchant_id
    return Sent(place, Merchant(merchant_id=merchant_id, name="Shop", brand=None, mcc="5411", locations=(), aliases=aliases))


def refused(batch: list[Sent], *on_file: Alias) -> list[tuple[str, str]]:
    """Path and message of all that is wrong."""
    _, rejected = without_conflicts(batch, on_file)
    return [(problem.path, problem.message) for item in rejected for problem in item.problems]


@pytest.mark.parametrize(
    ("mine", "other"),
    [
        ({}, {}),
        ({"valid_from": FEBRUARY}, {"valid_to": MARCH}),
        ({"valid_to": MARCH}, {"valid_from": FEBRUARY}),
        ({"valid_from": JANUARY, "valid_to": MARCH}, {"valid_from": FEBRUARY, "valid_to": FEBRUARY.replace("-01T", "-02T")}),
    ],
)
def test_a_name_that_another_merchant_has_at_the_same_moment_is_refused(mine: dict[str, Any], other: dict[str, Any]) -> None:
    ((path, message),) = refused([sent(alias("m2", **mine))], alias("m1", **other))
    assert path == "/merchants/0/aliases/0"
    assert "m1" in message


@pytest.mark.parametrize(
    ("mine", "other"),
    [
        ({"valid_from": FEBRUARY}, {"valid_to": FEBRUARY}),
        ({"valid_to": FEBRUARY}, {"valid_from": FEBRUARY}),
        ({}, {"valid_from": FEBRUARY, "valid_to": FEBRUARY}),
        ({"valid_from": FEBRUARY, "valid_to": FEBRUARY}, {}),
        ({}, {"value": "a-78"}),
        ({"rung": "network", "network": "visa"}, {"rung": "network", "network": "mastercard"}),
        ({"rung": "descriptor", "city": "SEATTLE"}, {"rung": "descriptor"}),
    ],
)
def test_a_name_at_another_time_or_in_other_circumstances_stands(mine: dict[str, Any], other: dict[str, Any]) -> None:
    assert refused([sent(alias("m2", **mine))], alias("m1", **other)) == []


def test_a_merchant_may_have_the_same_name_twice() -> None:
    assert refused([sent(alias(valid_from=JANUARY), alias(valid_from=FEBRUARY))], alias()) == []


def test_a_name_passes_to_another_merchant_where_the_first_ends_it_earlier_in_the_batch() -> None:
    ended, taken = sent(alias("m1", valid_to=FEBRUARY), place=0), sent(alias("m2", valid_from=FEBRUARY), place=1)
    assert without_conflicts([ended, taken], [alias("m1")]) == ([ended, taken], [])
    accepted, rejected = without_conflicts([taken, ended], [alias("m1")])
    assert (accepted, [item.index for item in rejected]) == ([ended], [1])


def test_a_name_does_not_pass_where_the_merchant_that_was_to_end_it_is_refused() -> None:
    ended = sent(alias("m1", valid_to=FEBRUARY), alias("m1", value="a-78"))
    taken = sent(alias("m2", valid_from=FEBRUARY), place=1)
    accepted, rejected = without_conflicts([ended, taken], [alias("m1"), alias("m3", value="a-78")])
    assert (accepted, [item.index for item in rejected]) == ([], [0, 1])


def test_all_that_is_wrong_with_a_merchants_names_is_told_together() -> None:
    mine = sent(alias("m2"), alias("m2", value="a-78"), alias("m2", value="a-79"), alias("m2", value="a-79", valid_to=MARCH))
    found = refused([mine], alias("m1"), alias("m3", value="a-78", valid_from=JANUARY, valid_to=FEBRUARY))
    assert [path for path, _ in found] == [f"/merchants/0/aliases/{number}" for number in (0, 1, 3)]
    assert "m3" in found[1][1]
    assert FEBRUARY in found[1][1]
