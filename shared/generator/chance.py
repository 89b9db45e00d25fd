"""Chance that can be asked again: what falls to a number under a seed is the same on every machine, whatever was asked before.

So a row is known from its number alone: files are made in blocks of any size, and a later file tells of what an earlier one has.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

QUANTILES: Final = 1 << 16
HALF: Final = 32
STEP: Final = 0x9E3779B97F4A7C15
FIRST: Final = 0xBF58476D1CE4E5B9
SECOND: Final = 0x94D049BB133111EB
MASK: Final = (1 << 64) - 1


def bits(numbers: pa.Array, what: int, seed: int) -> pa.Array:
    """64 bits for each number, others for each `what` (splitmix64 of Steele, Lea and Flood)."""
    start = _mixed(seed * STEP + what) & MASK
    found = pc.multiply(pc.add(pc.cast(numbers, pa.uint64()), _u64(start)), _u64(STEP))
    for shift, factor in ((30, FIRST), (27, SECOND)):
        found = pc.multiply(pc.bit_wise_xor(found, pc.shift_right(found, _u64(shift))), _u64(factor))
    return pc.bit_wise_xor(found, pc.shift_right(found, _u64(31)))


def _mixed(number: int) -> int:
    for shift, factor in ((30, FIRST), (27, SECOND)):
        number = ((number ^ (number >> shift)) * factor) & MASK
    return number ^ (number >> 31)


def some(drawn: pa.Array, first: int, count: int) -> pa.Array:
    """A number of `count` of the 64 bits, from the `first` on: several things can be drawn at once."""
    return pc.cast(pc.bit_wise_and(pc.shift_right(drawn, _u64(first)), _u64((1 << count) - 1)), pa.int64())


def below(drawn: pa.Array, limit: int) -> pa.Array:
    """A whole number from 0 up to, not including, the limit (at most 2^31), of the higher 32 of the bits."""
    return pc.shift_right(pc.multiply(some(drawn, HALF, HALF), limit), HALF)


def one_of(drawn: pa.Array, first: int, things: Sequence[str]) -> pa.Array:
    """One of some words, of the 16 bits from the `first` on."""
    return pa.array([*things]).take(pc.shift_right(pc.multiply(some(drawn, first, 16), len(things)), 16))


def _u64(number: int) -> pa.Scalar:
    return pa.scalar(number, pa.uint64())


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """Whole numbers by a distribution, as a table of its quantiles; between two of them all are equally likely."""

    starts: pa.Array
    widths: pa.Array

    @classmethod
    def of(cls, quantile: Callable[[float], float]) -> "Spread":
        """Of the number that so much of all are below."""
        edges = [int(quantile(number / QUANTILES)) for number in range(QUANTILES + 1)]
        widths = [max(1, after - before) for before, after in pairwise(edges)]
        return cls(starts=pa.array(edges[:-1], pa.int64()), widths=pa.array(widths, pa.int64()))

    def draw(self, drawn: pa.Array) -> pa.Array:
        """Numbers, of the higher 32 of the bits."""
        place = some(drawn, 48, 16)
        return pc.add(self.starts.take(place), pc.shift_right(pc.multiply(self.widths.take(place), some(drawn, 32, 16)), 16))


def by_weight(weights: Sequence[float], size: int) -> list[int]:
    """So many numbers of things, each as often as it weighs."""
    total, sums = sum(weights), 0.0
    found: list[int] = []
    for number, weight in enumerate(weights):
        sums += weight
        found += [number] * (round(size * sums / total) - len(found))
    return found
