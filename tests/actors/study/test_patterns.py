"""Statements over velocity curves, with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from actors.study.patterns import Array, bootstrap, mean_of, slope_of, statements

SPRINTS = 20
SEEDS = 12


def curves(shape: Array) -> Array:
    """Seeds that follow a curve, each a little above or below it."""
    shifts = np.linspace(-0.5, 0.5, SEEDS).reshape(SEEDS, 1)
    result: Array = shape.reshape(1, SPRINTS) + shifts
    return result


def rising_then_flat() -> Array:
    return np.array([8.0] * 3 + [10.0 + 2 * n for n in range(7)] + [24.0] * 10)


def test_means_and_slopes_count_sprints_from_one() -> None:
    line = np.arange(1.0, SPRINTS + 1).reshape(1, SPRINTS)

    assert mean_of(line, 1, 3) == pytest.approx([2.0])
    assert slope_of(3 * line, 4, 10) == pytest.approx([3.0])


def test_a_team_that_learns_and_then_levels_off_fits_all_patterns() -> None:
    verdicts = statements(curves(rising_then_flat()), curves(np.full(SPRINTS, 20.0)))

    assert [verdict.holds for verdict in verdicts] == [True] * 5


def test_a_team_that_does_not_learn_fits_none_of_them() -> None:
    flat = curves(np.full(SPRINTS, 20.0))

    ratio, early, _, margin, _ = statements(flat, flat)

    assert [ratio.holds, early.holds, margin.holds] == [False] * 3


def test_a_rise_without_learning_is_noticed() -> None:
    rising = curves(rising_then_flat())

    assert not statements(rising, rising)[-1].holds


def test_the_interval_holds_the_value_and_is_the_same_every_time() -> None:
    found = bootstrap(curves(rising_then_flat()), lambda c: c.mean(axis=1))

    assert found.low < found.value < found.high
    assert found == bootstrap(curves(rising_then_flat()), lambda c: c.mean(axis=1))
