"""What qualifying amounts earn, at the edges of tiers, bounds and currencies."""

from typing import Any

import pytest

from shared.eligibility.rewards import compile_reward, largest_reward
from tests.unit.eligibility.builders import terms

WHOLE = {"kind": "tiers", "on": "whole", "tiers": [{"reached": "10.0", "amount": "1.5"}, {"reached": "20.5", "basis_points": 1000}]}
SLICES = {"kind": "tiers", "on": "marginal", "tiers": [{"reached": "1.0", "basis_points": 500}, {"reached": "3.0", "basis_points": 1000}]}
PERCENT = {"kind": "percent", "basis_points": 250, "minimum": "0.3", "cap": "2.5"}
ONE_UNIT = {"kind": "tiers", "on": "whole", "tiers": [{"reached": 0, "amount": 7}]}


@pytest.mark.parametrize(
    ("currency", "reward", "earned"),
    [
        ("USD", {"kind": "fixed", "amount": "1.5"}, {0: 0, 1: 150, 10**9: 150}),
        ("BHD", {"kind": "fixed", "amount": "1.5"}, {1: 1500}),
        ("USD", WHOLE, {999: 0, 1000: 150, 2049: 150, 2050: 205}),
        ("BHD", WHOLE, {9_999: 0, 10_000: 1500, 20_499: 1500, 20_500: 2050}),
        ("USD", SLICES, {0: 0, 99: 0, 100: 0, 109: 0, 110: 1, 300: 10, 305: 11, 310: 11, 314: 11, 315: 12}),
        ("BHD", SLICES, {1000: 0, 3000: 100, 4000: 200}),
        ("USD", PERCENT, {0: 0, 1: 30, 1200: 30, 1220: 31, 10_000: 250, 10_001: 250}),
        ("BHD", PERCENT, {1: 300, 100_000: 2500, 200_000: 2500}),
        ("USD", PERCENT | {"minimum": None}, {1: 0, 20: 1, 19: 0}),
        ("USD", PERCENT | {"minimum": 1, "cap": None}, {1: 1, 1_000_000: 25_000}),
        ("USD", ONE_UNIT, {0: 0, 1: 7}),
    ],
)
def test_earns(currency: str, reward: dict[str, Any], earned: dict[int, int]) -> None:
    reckon = compile_reward(terms(currency=currency, reward=reward))
    assert {amount: reckon(amount) for amount in earned} == earned


@pytest.mark.parametrize(
    ("currency", "reward", "largest"),
    [
        ("USD", {"kind": "fixed", "amount": "1.5"}, 150),
        ("BHD", {"kind": "fixed", "amount": "1.5"}, 1500),
        ("BHD", PERCENT, 2500),
        ("USD", PERCENT | {"cap": None}, None),
        ("USD", WHOLE, None),
        ("USD", SLICES | {"cap": 40}, 40),
        ("USD", ONE_UNIT | {"minimum": 10}, 10),
        ("USD", ONE_UNIT | {"minimum": 5}, 7),
        ("BHD", ONE_UNIT | {"tiers": [{"reached": 0, "amount": "0.7"}, {"reached": 5, "amount": "0.9"}, {"reached": 9, "amount": 1}]}, 900),
    ],
)
def test_largest_reward(currency: str, reward: dict[str, Any], largest: int | None) -> None:
    assert largest_reward(terms(currency=currency, reward=reward)) == largest
