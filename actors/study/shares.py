"""Shares and rates over seeds, compared between groups with paired seeds. Pure.

A figure is a sum over a sum (accepted stories over planned ones, over all seeds), its interval the percentile bootstrap
over whole seeds; the same seeds are drawn for both groups of a difference. Source: Efron & Tibshirani 1993, An
Introduction to the Bootstrap. Where nothing ever happened, resampling shows no spread: the interval then ends at
the exact Poisson bound for no event (Garwood 1936).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from actors.study.patterns import LEVEL, RESAMPLES, Array, Interval, Statement

Counts = Mapping[str, int]  # of one run, or of one seed's runs


@dataclass(frozen=True, slots=True)
class Measure:
    """A share or a rate: what is counted, in what."""

    text: str
    part: str  # names of counts
    whole: str
    is_share: bool = True  # the whole has the part; False: a rate


@dataclass(frozen=True, slots=True)
class Group:
    """Seeds of one arm as two rows of counts.

    `parts` and `wholes` have shape (seeds,), seeds in the same order in all groups that are compared.
    """

    parts: Array
    wholes: Array

    @classmethod
    def of(cls, runs: Sequence[Counts], part: str, whole: str) -> Group:
        """The counts of these runs."""
        rows = np.array([[run[part], run[whole]] for run in runs], dtype=np.float64)
        return cls(rows[:, 0], rows[:, 1])


def figure_of(group: Group, *, is_share: bool, seed: int = 1) -> Interval | None:
    """Sum over sum with its interval; None where the whole is empty."""
    part, whole = float(group.parts.sum()), float(group.wholes.sum())
    if whole == 0:
        return None
    low, high = _ends(_resampled(group, seed))
    none_at_all = -np.log((1 - LEVEL) / 2) / whole
    if part == 0:
        high = max(high, none_at_all)
    if is_share:
        low, high = (min(low, 1 - none_at_all), 1.0) if part == whole else (low, min(high, 1.0))
    return Interval(part / whole, max(0.0, low), high)


def difference(more: Group, less: Group, *, seed: int = 1) -> Interval | None:
    """First figure less the second, with the interval over seeds drawn for both at once; None where a whole is empty.

    Raises:
        ValueError: They have different numbers of seeds.
    """
    if more.parts.shape != less.parts.shape:
        raise ValueError(f"{more.parts.shape[0]} seeds cannot be paired with {less.parts.shape[0]}")
    if not more.wholes.sum() or not less.wholes.sum():
        return None
    value = more.parts.sum() / more.wholes.sum() - less.parts.sum() / less.wholes.sum()
    low, high = _ends(_resampled(more, seed) - _resampled(less, seed))
    return Interval(float(value), low, high)


def is_more(text: str, more: Group, less: Group) -> Statement:
    """That the first group's figure exceeds the second's: holds when the whole interval says so."""
    found = difference(more, less)
    return Statement(text, found, found is not None and found.low > 0)


def _resampled(group: Group, seed: int) -> Array:
    """Shape (resamples,); a resample without any whole counts as not a number and is left out of quantiles."""
    rng = np.random.default_rng(seed)
    count = group.parts.shape[0]
    picks = rng.integers(0, count, size=(RESAMPLES, count))
    wholes = group.wholes[picks].sum(axis=1)
    wholes[wholes == 0] = np.nan
    result: Array = group.parts[picks].sum(axis=1) / wholes
    return result


def _ends(values: Array) -> tuple[float, float]:
    tail = (1 - LEVEL) / 2
    low, high = np.nanquantile(values, [tail, 1 - tail])
    return float(low), float(high)
