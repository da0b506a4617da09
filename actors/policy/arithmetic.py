"""Integer arithmetic of the calibrated models: thousandths, an exact exponential, weighted choice."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from config.streams import Draw

_ONE = 1_000_000_000  # fixed-point one
_HALVINGS = 10


def clamp(value: int, low: int, high: int) -> int:
    """The nearest value from low to high."""
    return low if value < low else high if value > high else value


def scaled(value: int, permille: int) -> int:
    """`value` times `permille` thousandths, rounded half up."""
    return (value * permille + 500) // 1000


def between(low: int, high: int, permille: int) -> int:
    """The point `permille` thousandths of the way from low to high."""
    return low + scaled(high - low, permille)


@lru_cache(maxsize=65536)
def exp_millionths(exponent_milli: int) -> int:
    """e to the power of `exponent_milli` thousandths, in millionths; the same on every platform.

    The argument is halved ten times, a short Taylor series is summed in fixed point, and the result squared ten times.
    The error is below one millionth plus 0.00001 of the value for exponents from -16000 to 8000.
    """
    x = exponent_milli * (_ONE // 1000) >> _HALVINGS
    term = total = _ONE
    for n in range(1, 7):
        term = term * x // (n * _ONE)
        total += term
    for _ in range(_HALVINGS):
        total = total * total // _ONE
    return (total + 500) // 1000


def lognormal_permille(draw: Draw, *, median_permille: int, sigma_milli: int) -> int:
    """A log-normal factor in thousandths with this median; sigma is that of the logarithm, in thousandths."""
    exponent = draw.normal_milli() * sigma_milli // 1000
    return max(1, median_permille * exp_millionths(exponent) // 1_000_000)


def pick_weighted(draw: Draw, weights: Sequence[int]) -> int:
    """The position of one weight, each as likely as it is heavy.

    Raises:
        ValueError: No weight is above zero.
    """
    target = draw.below(sum(weights))
    for position, weight in enumerate(weights):
        target -= weight
        if target < 0:
            return position
    raise AssertionError("a draw below the sum always ends in one of the weights")
