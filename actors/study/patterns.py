"""Does velocity rise the way teams do, and because of what? Statements over seeds, with intervals. Pure.

A statement holds when its whole 95 % bootstrap interval says so. Source of the method: Efron & Tibshirani 1993, An
Introduction to the Bootstrap (percentile interval; seeds are resampled as a whole, so sprints of a run stay together).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
RESAMPLES = 4_000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure over seeds with its bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def as_json(self) -> dict[str, float]:
        """For other tools."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True)
class Statement:
    """A pattern, its figure, and whether the interval supports it."""

    text: str
    figure: Interval | None  # None: there was nothing to compare
    holds: bool

    @property
    def line(self) -> str:
        """What people read."""
        return f"{'holds ' if self.holds else 'FAILS '} {self.text}: {self.figure or 'nothing to compare'}"

    def as_json(self) -> dict[str, str | float | bool | None]:
        """For other tools."""
        figure = dict.fromkeys(("value", "low", "high")) if self.figure is None else self.figure.as_json()
        return {"text": self.text, **figure, "holds": self.holds}


def bootstrap(velocities: Array, statistic: Callable[[Array], Array], *, seed: int = 1) -> Interval:
    """Interval of a statistic of the mean velocity curve.

    Args:
        velocities: Shape (seeds, sprints); points accepted in each sprint.
        statistic: From curves of shape (n, sprints) to values of shape (n,).
        seed: Of the resampling.
    """
    rng = np.random.default_rng(seed)
    count = velocities.shape[0]
    picks = rng.integers(0, count, size=(RESAMPLES, count))
    curves = velocities[picks].mean(axis=1)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(statistic(curves), [tail, 1 - tail])
    return Interval(float(statistic(velocities.mean(axis=0, keepdims=True))[0]), float(low), float(high))


def mean_of(curves: Array, first: int, last: int) -> Array:
    """Mean over sprints `first` to `last`, both 1-based and included; shape (n,)."""
    result: Array = curves[:, first - 1 : last].mean(axis=1)
    return result


def slope_of(curves: Array, first: int, last: int) -> Array:
    """Least-squares slope in points per sprint over sprints `first` to `last`; shape (n,)."""
    sprints = np.arange(first, last + 1, dtype=np.float64)
    centred = sprints - sprints.mean()
    result: Array = curves[:, first - 1 : last] @ centred / (centred @ centred)
    return result


def statements(learning: Array, without: Array) -> tuple[Statement, ...]:
    """The patterns of the main experiment.

    Args:
        learning: Shape (seeds, 20) with all mechanisms.
        without: The same with familiarity and knowledge switched off.
    """
    ratio = bootstrap(learning, lambda c: mean_of(c, 1, 3) / mean_of(c, 11, 20))
    early = bootstrap(learning, lambda c: slope_of(c, 4, 10))
    late = bootstrap(learning, lambda c: slope_of(c, 11, 20))
    margin = bootstrap(learning, lambda c: slope_of(c, 4, 10) - 3 * np.abs(slope_of(c, 11, 20)))
    flat = bootstrap(without, lambda c: slope_of(c, 4, 10))
    return (
        Statement("velocity of sprints 1-3 over that of 11-20 is at most 0.6", ratio, ratio.high <= 0.6),
        Statement("velocity rises over sprints 4-10 (points per sprint)", early, early.low > 0),
        Statement("slope over sprints 11-20 (points per sprint), for comparison", late, True),
        Statement("slope over 4-10 exceeds 3 x |slope over 11-20| by", margin, margin.low > 0),
        Statement(
            "without familiarity and knowledge the slope over 4-10 cannot be told from 0",
            flat,
            flat.low <= 0 <= flat.high,
        ),
    )
