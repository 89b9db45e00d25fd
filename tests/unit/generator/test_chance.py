"""Chance is the same everywhere, and spreads as it should."""

from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from shared.generator.chance import Spread, below, bits, by_weight, one_of, some

NUMBERS = pa.array(range(1 << 16))


def test_bits_are_those_of_every_machine() -> None:
    """Of seed and thing 0 they are the row that the authors of splitmix64 publish, for the seed 0."""
    assert bits(pa.array([1, 2, 3]), 0, 0).to_pylist() == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


def test_bits_of_other_seeds_and_things_are_others() -> None:
    rows = [tuple(bits(pa.array(range(100)), what, seed).to_pylist()) for what in range(3) for seed in range(3)]
    assert len({value for row in rows for value in row}) == 900


def test_parts_of_bits_are_cut_out() -> None:
    drawn = pa.array([0x0123456789ABCDEF], pa.uint64())
    assert some(drawn, 0, 8).to_pylist() == [0xEF]
    assert some(drawn, 56, 8).to_pylist() == [0x01]
    assert below(drawn, 1 << 8).to_pylist() == [0x01]


def test_numbers_below_a_limit_are_all_equally_likely() -> None:
    drawn = below(bits(NUMBERS, 1, 1), 10)
    counted = Counter(drawn.to_pylist())
    assert set(counted) == set(range(10))
    assert all(count == pytest.approx(6_554, rel=0.05) for count in counted.values())


def test_a_spread_has_its_quantiles() -> None:
    found = Spread.of(lambda share: 1_000 * share**2).draw(bits(NUMBERS, 1, 1))
    assert pc.min(found).as_py() >= 0
    assert pc.max(found).as_py() <= 1_000
    assert pc.quantile(found, q=[0.1, 0.5, 0.9]).to_pylist() == pytest.approx([10, 250, 810], rel=0.1)


def test_things_come_as_often_as_they_weigh() -> None:
    assert Counter(by_weight([1, 2, 5], 16)) == {0: 2, 1: 4, 2: 10}
    assert set(one_of(bits(NUMBERS, 1, 1), 5, ["a", "b", "c"]).to_pylist()) == {"a", "b", "c"}
