"""95 % intervals: of a share by Wilson's formula, of a mean by resampling its observations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_Z = 1.959963984540054  # the standard normal law holds 95 % between -z and z
RESAMPLES = 2_000
_SEED = 1


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and where it probably lies."""

    value: float
    low: float
    high: float


def share_interval(count: int, of: int) -> Interval:
    """A share with its interval; not symmetric, and never outside of 0 and 1.

    Raises:
        ValueError: Nothing was counted.
    Source: Wilson 1927, Journal of the American Statistical Association 22, 209-212.
    """
    if of < 1:
        raise ValueError("a share of nothing")
    share, spread = count / of, _Z * _Z / of
    middle = (share + spread / 2) / (1 + spread)
    half = _Z / (1 + spread) * math.sqrt(share * (1 - share) / of + spread / (4 * of))
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half))


def mean_interval(values: Sequence[float]) -> Interval:
    """A mean with its percentile bootstrap interval; the same values always have the same interval.

    Raises:
        ValueError: There are no values.
    Source: Efron, Tibshirani 1993, An Introduction to the Bootstrap, chapter 13.
    """
    if not values:
        raise ValueError("a mean of nothing")
    import numpy as np

    seen = np.asarray(values, dtype=np.float64)
    picked = np.random.default_rng(_SEED).integers(len(seen), size=(RESAMPLES, len(seen)))
    low, high = np.quantile(seen[picked].mean(axis=1), (0.025, 0.975))
    return Interval(math.fsum(values) / len(values), float(low), float(high))
